#include "backends/cudnn/shared_library.h"

#include <dlfcn.h>

#include "core/error.h"
#include "core/text.h"

namespace gabor::cudnn {

SharedLibrary::SharedLibrary(std::string name, const std::vector<std::string>& files)
    : name_(std::move(name)) {
  std::string said;
  for (const std::string& file : files) {
    handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_) {
      file_ = file;
      return;
    }
    if (said.empty()) said = dlerror();
  }
  fail(ErrorCode::device, name_, "cannot be opened ({}); install it, or use --backend cuda", said);
}

SharedLibrary::~SharedLibrary() {
  if (handle_) dlclose(handle_);
}

void* SharedLibrary::address(const char* function) const {
  void* found = dlsym(handle_, function);
  if (!found) fail(ErrorCode::device, name_, "{} has no {}; it is too old or not {}", file_, function, name_);
  return found;
}

}  // namespace gabor::cudnn
