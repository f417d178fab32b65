#include "cli/train_settings.h"

#include <gtest/gtest.h>

#include "gabor/error.h"

namespace gabor {
namespace {

// One value of each setting that is not its default.
const std::map<std::string, std::string> kOther = {{"data", "/a \"b\"/c\\d\n'e"},
                                                   {"model", "lenet5"},
                                                   {"init", "/w.safetensors"},
                                                   {"size", "31x17"},
                                                   {"channels", "1"},
                                                   {"epochs", "7"},
                                                   {"batch", "3"},
                                                   {"micro-batch", "2"},
                                                   {"vram", "1.5GiB"},
                                                   {"recompute", "never"},
                                                   {"resident", "on"},
                                                   {"optimizer", "nesterov"},
                                                   {"lr", "0.0123"},
                                                   {"momentum", "0.75"},
                                                   {"schedule", "cosine"},
                                                   {"warmup", "0.5"},
                                                   {"weight-decay", "0.0005"},
                                                   {"loss", "mse"},
                                                   {"label-smoothing", "0.1"},
                                                   {"seed", "9007199254740992"},
                                                   {"val-split", "0.15"},
                                                   {"val", "/v"},
                                                   {"keras-split", "true"},
                                                   {"resize", "area"},
                                                   {"scaling", "unit"},
                                                   {"augment", "crop:0.5-0.75,flip,rand:1x5"},
                                                   {"on-bad-file", "fail"},
                                                   {"max-bad", "0.25"},
                                                   {"overfit", "16"},
                                                   {"cache", "/c"},
                                                   {"cache-limit", "1.5"},
                                                   {"backend", "reference"},
                                                   {"precision", "tf32"},
                                                   {"tuning", "/t.jsonl"},
                                                   {"choices", R"({"a \"b\" wgrad":"cpu/onednn"})"},
                                                   {"shadow", "reference:50"},
                                                   {"threads", "3"}};

TrainSettings all_other() {
  TrainSettings s;
  for (const auto& [name, value] : kOther) apply_setting(s, name, value, "option");
  return s;
}

TEST(TrainSettings, EverySettingCanBeSetAndReadBack) {
  const TrainSettings defaults, other = all_other();
  for (const Setting& setting : train_setting_table()) {
    ASSERT_TRUE(kOther.contains(setting.name)) << setting.name;
    EXPECT_EQ(setting.get(other), kOther.at(setting.name));
    EXPECT_NE(setting.get(defaults), kOther.at(setting.name)) << setting.name;
  }
  EXPECT_EQ(kOther.size(), train_setting_table().size());
}

TEST(TrainSettings, ConfigKeepsEveryValueAndItsOrigin) {
  TrainSettings s = all_other();
  s.origin["size"] = "data";
  s.origin.erase("lr");
  const TrainSettings back = settings_from_config(config_toml(s, "gabor"), "x.safetensors");
  for (const Setting& setting : train_setting_table())
    EXPECT_EQ(setting.get(back), setting.get(s)) << setting.name;
  EXPECT_EQ(back.origin, s.origin);
  EXPECT_EQ(config_toml(back, "gabor"), config_toml(s, "gabor"));
}

TEST(TrainSettings, DamagedConfigIsNamed) {
  for (const char* bad : {"lr 0.1", "lr = ", "lr = fast", "speed = 3", "model = \"unclosed"}) {
    try {
      settings_from_config(std::string("epochs = 3  # default\n") + bad + "\n", "x.safetensors");
      ADD_FAILURE() << "accepted: " << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::checkpoint);
      EXPECT_EQ(std::string(e.what()).find("x.safetensors: its config"), 0u) << e.what();
    }
  }
}

TEST(TrainSettings, CommandRepeatsWhatDiffers) {
  TrainSettings s;
  apply_setting(s, "data", "/my photos", "option");
  EXPECT_EQ(repeat_command(s, "build/bin/gabor"), "build/bin/gabor train '/my photos'");
  apply_setting(s, "size", "96x96", "option");
  apply_setting(s, "channels", "3", "model");
  apply_setting(s, "augment", "flip", "option");
  apply_setting(s, "lr", "0.01", "option");
  EXPECT_EQ(repeat_command(s, "gabor"),
            "gabor train '/my photos' --size 96x96 --channels 3 --lr 0.01 --augment flip");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
}

TEST(TrainSettings, AssignmentsTakeUnderscores) {
  EXPECT_EQ(split_assignment("weight_decay=0.1"),
            (std::pair<std::string, std::string>("weight-decay", "0.1")));
  EXPECT_EQ(split_assignment("val=a=b"), (std::pair<std::string, std::string>("val", "a=b")));
  EXPECT_THROW(split_assignment("lr"), Error);
}

}  // namespace
}  // namespace gabor
