// A program outside gabor that sees only its installed headers and library.
#include <gabor/error.h>

#include <cstdio>

int main() {
  try {
    throw gabor::Error(gabor::ErrorCode::data, "photos", "is empty");
  } catch (const gabor::Error& error) {
    std::printf("%s (code %d)\n", error.what(), int(error.code()));
    return error.code() == gabor::ErrorCode::data ? 0 : 1;
  }
}
