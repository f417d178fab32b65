#include "cli/run_files.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "cli/run_command.h"
#include "train/safetensors.h"

namespace gabor::testing {
namespace {

void await(const std::function<bool()>& there) {
  for (int i = 0; i < 2000 && !there(); i++) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) count++;
  return count;
}

}  // namespace

void await_file(const std::string& path) {
  await([&] { return std::filesystem::exists(path); });
}

void await_text(const std::string& path, const std::string& text, int times) {
  await([&] { return count_of(read_text(path), text) >= times; });
}

void edit_metadata(const std::string& path, const std::string& key, const std::string& from,
                   const std::string& to) {
  SafeTensors file = read_safetensors(path);
  std::string& text = file.metadata.at(key);
  ASSERT_NE(text.find(from), std::string::npos) << text;
  text.replace(text.find(from), from.size(), to);
  write_atomically(path, encode_safetensors(file));
}

void expect_same_tensors(const std::string& a, const std::string& b) {
  const SafeTensors x = read_safetensors(a), y = read_safetensors(b);
  ASSERT_EQ(x.tensors.size(), y.tensors.size());
  ASSERT_GT(x.tensors.size(), 4u);
  for (size_t i = 0; i < x.tensors.size(); i++) {
    EXPECT_EQ(x.tensors[i].name, y.tensors[i].name);
    EXPECT_EQ(x.tensors[i].data, y.tensors[i].data) << x.tensors[i].name;
  }
}

}  // namespace gabor::testing
