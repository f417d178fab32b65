#include "core/base64.h"

#include <gtest/gtest.h>

namespace gabor {
namespace {

std::string encoded(std::string_view text) {
  return to_base64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// The vectors of RFC 4648, section 10.
TEST(Base64, GivesTheVectorsOfTheStandard) {
  for (const auto& [bytes, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}})
    EXPECT_EQ(encoded(bytes), text);
}

TEST(Base64, ComesBackForEveryByteAndLength) {
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 300; i++) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    bytes.push_back(uint8_t(i * 7));
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9v=", "Zm9v Zm9v", "Zm-v", "====", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace gabor
