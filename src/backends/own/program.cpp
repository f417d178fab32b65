#include "backends/own/program.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "backends/own/process.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor::own {
namespace {

namespace fs = std::filesystem;

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

std::string what_ended(const Ended& end, int seconds) {
  if (end.signal == SIGALRM)
    return fmt::format(
        "did not end within {} s of emulation; if it has no endless loop, use --scale or --kernel-limit",
        seconds);
  if (end.signal) return fmt::format("crashed: {}", strsignal(end.signal));
  return fmt::format("ended the program with status {}", end.code);
}

void write_call(const std::string& path, const Call& call, std::span<const ConstTensorView> inputs) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&call), sizeof call);
  for (const ConstTensorView& t : inputs)
    if (t) file.write(static_cast<const char*>(t.data), std::streamsize(t.bytes()));
  if (!file.flush()) fail(ErrorCode::device, "--kernel", "{} cannot be written; is the disk full?", path);
}

Program::Result read_answer(const std::string& path, const Call& call, std::span<const TensorView> outputs) {
  std::ifstream file(path, std::ios::binary);
  Program::Result result;
  file.read(reinterpret_cast<char*>(&result.answer), sizeof result.answer);
  if (result.answer.status != Status::ok) {
    result.text = one_line({std::istreambuf_iterator<char>(file), {}});
  } else if (call.task == Task::run) {
    for (const TensorView& t : outputs)
      if (t) file.read(static_cast<char*>(t.data), std::streamsize(t.bytes()));
  }
  GABOR_CHECK(file);
  return result;
}

}  // namespace

Folder::Folder() {
  std::error_code error;
  std::string name = (fs::temp_directory_path(error) / "gabor-kernel-XXXXXX").string();
  if (error || !mkdtemp(name.data()))
    fail(ErrorCode::device, "--kernel", "no folder for temporary files can be made: {}; set TMPDIR",
         error ? error.message() : std::strerror(errno));
  path_ = name;
}

Folder::~Folder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

Program::Program(const std::string& file, int seconds)
    : name_(fs::path(file).filename().string()), seconds_(seconds) {
  compile_kernel(file, folder_, folder_.path("program"));
  defined_ = call({}, {}, {}).answer.defined;
}

Program::Result Program::call(Call call, std::span<const ConstTensorView> inputs,
                              std::span<const TensorView> outputs) const {
  call.seconds = uint32_t(seconds_);
  for (size_t i = 0; i < inputs.size(); i++) call.input_bytes[i] = inputs[i] ? inputs[i].bytes() : 0;
  for (size_t i = 0; i < outputs.size(); i++) call.output_bytes[i] = outputs[i] ? outputs[i].bytes() : 0;
  const std::string from = folder_.path("call"), to = folder_.path("answer");
  write_call(from, call, inputs);
  const Ended end = run_process({folder_.path("program"), from, to});
  const std::string where = name_ + " " + name_of(call.function);
  if (!end.well()) fail(ErrorCode::numeric, where, "{}", what_ended(end, seconds_));

  const Result result = read_answer(to, call, outputs);
  if (result.answer.status == Status::breach) fail(ErrorCode::numeric, where, "{}", result.text);
  if (result.answer.status == Status::failed) fail(ErrorCode::device, where, "{}; use --scale", result.text);
  return result;
}

}  // namespace gabor::own
