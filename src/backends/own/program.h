// The program made of a kernel file, and calls of it.
#pragma once
#include <filesystem>
#include <span>
#include <string>

#include "core/tensor.h"
#include "kernels/own/call.h"

namespace gabor::own {

// A folder for temporary files, removed with them at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

class Program {
 public:
  // Compiles the file (errors: make_own_backend). seconds: that a call may take.
  Program(const std::string& file, int seconds);

  const std::string& name() const { return name_; }  // the file's, without folders
  bool defines(Function f) const { return defined_ >> uint32_t(f) & 1; }

  struct Result {
    Answer answer;
    std::string text;  // why not, for Status::unsupported
  };
  // Does the call, after filling in its sizes and time. Views are host memory and may be empty. Outputs are written
  // when the call is to run. Throws Error{numeric} for what the kernel does wrong, Error{device} for what the emulation
  // cannot run.
  Result call(Call call, std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) const;

 private:
  std::string name_;
  int seconds_;
  Folder folder_;
  uint32_t defined_;
};

// Compiles and links the kernel file to the program at `to`, using temporary files in folder.
void compile_kernel(const std::string& file, const Folder& folder, const std::string& to);

}  // namespace gabor::own
