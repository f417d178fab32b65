// A library opened at run time.
#pragma once
#include <string>
#include <vector>

namespace gabor::cudnn {

class SharedLibrary {
 public:
  // The first of the files that opens. name: "cuDNN", for messages. Throws Error{device} with what the loader said.
  SharedLibrary(std::string name, const std::vector<std::string>& files);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;

  // Sets `to` to the function. Throws Error{device} if the library lacks it.
  template <class Function>
  void find(const char* function, Function*& to) const {
    to = reinterpret_cast<Function*>(address(function));
  }
  const std::string& file() const { return file_; }

 private:
  void* address(const char* function) const;
  std::string name_, file_;
  void* handle_ = nullptr;
};

}  // namespace gabor::cudnn
