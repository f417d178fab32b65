// main() of the program that gabor makes of a user's kernel file (kernel.h) and this: it does one Call. A program of its
// own, so that what goes wrong in a kernel ends it and not gabor.
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "kernels/own/kernel.h"

namespace gabor::own {
namespace {

using Bytes = std::vector<char>;
namespace host = simt::host;

struct Breach {
  std::string what;
};

// Memory of the emulated GPU, of which the checker knows every byte.
class DeviceBytes {
 public:
  DeviceBytes(size_t bytes, const char* name) : data_(bytes ? host::device_alloc(bytes, name) : nullptr) {}
  DeviceBytes(DeviceBytes&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  DeviceBytes& operator=(DeviceBytes&&) = delete;
  ~DeviceBytes() {
    if (data_) host::device_free(data_);
  }
  void* data() const { return data_; }

 private:
  void* data_;
};

uint32_t defined_functions() {
  const bool there[] = {conv2d_fprop != nullptr, conv2d_dgrad != nullptr, conv2d_wgrad != nullptr,
                        pool2d_forward != nullptr, pool2d_backward != nullptr};
  uint32_t bits = 0;
  for (size_t i = 0; i < std::size(there); ++i) bits |= uint32_t{there[i]} << i;
  return bits;
}

bool is_pooling(Function f) { return f == Function::pool2d_forward || f == Function::pool2d_backward; }

const char* why_not(const Call& c) {
  if (is_pooling(c.function)) return pool2d_supports ? pool2d_supports(c.pool2d) : nullptr;
  return conv2d_supports ? conv2d_supports(c.conv2d, c.function) : nullptr;
}

size_t workspace_bytes(const Call& c) {
  if (is_pooling(c.function) || !conv2d_workspace_bytes) return 0;
  return conv2d_workspace_bytes(c.conv2d, c.function);
}

void call_function(const Call& c, const std::vector<DeviceBytes>& in, const std::vector<DeviceBytes>& out,
                   void* workspace) {
  const auto from = [&](int i) { return static_cast<const float*>(in[i].data()); };
  const auto to = [&](int i) { return static_cast<float*>(out[i].data()); };
  switch (c.function) {
    case Function::conv2d_fprop:
      return conv2d_fprop(c.conv2d, from(0), from(1), from(2), to(0), workspace, {});
    case Function::conv2d_dgrad:
      return conv2d_dgrad(c.conv2d, from(0), from(1), to(0), workspace, {});
    case Function::conv2d_wgrad:
      return conv2d_wgrad(c.conv2d, from(0), from(1), to(0), to(1), workspace, {});
    case Function::pool2d_forward:
      return pool2d_forward(c.pool2d, from(0), to(0), out[1].data(), {});
    case Function::pool2d_backward:
      return pool2d_backward(c.pool2d, from(0), from(1), in[2].data(), from(3), to(0), {});
  }
}

void append_output(Bytes& all, const DeviceBytes& device, size_t bytes, const char* name) {
  if (bytes == 0) return;
  const size_t before = all.size();
  all.resize(before + bytes);
  try {
    host::device_read(all.data() + before, device.data(), bytes);
  } catch (const simt::Error& e) {
    throw Breach{std::string(name) + " " + e.what()};
  }
}

// The outputs of one run, one after the other.
Bytes run_once(const Call& c, const char* inputs) {
  const auto *const *const in_names = kInputNames[int(c.function)], *const *const out_names =
                                                                        kOutputNames[int(c.function)];
  std::vector<DeviceBytes> in, out;
  for (int i = 0; i < kMaxInputs; ++i) in.emplace_back(c.input_bytes[i], in_names[i]);
  for (int i = 0; i < kMaxOutputs; ++i) out.emplace_back(c.output_bytes[i], out_names[i]);
  const DeviceBytes workspace(workspace_bytes(c), "workspace");
  const char* next = inputs;
  for (int i = 0; i < kMaxInputs; next += c.input_bytes[i++])
    if (in[i].data()) host::device_write(in[i].data(), next, c.input_bytes[i]);
  try {
    call_function(c, in, out, workspace.data());
  } catch (const std::exception& e) {  // of launch(), or the user's own
    throw Breach{e.what()};
  }
  next = inputs;
  for (int i = 0; i < kMaxInputs; next += c.input_bytes[i++])
    if (in[i].data() && std::memcmp(in[i].data(), next, c.input_bytes[i]) != 0)
      throw Breach{std::string("the input ") + in_names[i] + " was written to"};
  Bytes all;
  for (int i = 0; i < kMaxOutputs; ++i) append_output(all, out[i], c.output_bytes[i], out_names[i]);
  return all;
}

// The same in the three orders of threads, warps and blocks.
Bytes run(const Call& c, const char* inputs) {
  Bytes first;
  for (const host::Order order : {host::Order::forward, host::Order::reverse, host::Order::random}) {
    host::settings().order = order;
    Bytes outputs = run_once(c, inputs);
    if (order == host::Order::forward)
      first = std::move(outputs);
    else if (outputs != first)
      throw Breach{"the result depends on the order in which threads and blocks run"};
  }
  return first;
}

Answer answer(const Call& c, const char* inputs, Bytes& out) {
  Answer a{.defined = defined_functions()};
  const auto say = [&](Status status, const std::string& text) {
    a.status = status;
    out.assign(text.begin(), text.end());
    return a;
  };
  try {
    if (c.task == Task::list) return a;
    if (const char* reason = why_not(c)) return say(Status::unsupported, reason);
    a.workspace_bytes = workspace_bytes(c);
    if (c.task == Task::run) out = run(c, inputs);
    return a;
  } catch (const Breach& e) {
    return say(Status::breach, e.what);
  } catch (const std::exception& e) {
    return say(Status::failed, e.what());
  }
}

}  // namespace
}  // namespace gabor::own

int main(int count, char** arguments) {
  using namespace gabor::own;
  if (count != 3) return 2;
  std::ifstream file(arguments[1], std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  Call call;
  if (bytes.size() < sizeof call) return 2;
  std::memcpy(static_cast<void*>(&call), bytes.data(), sizeof call);
  signal(SIGALRM, SIG_DFL);
  alarm(call.seconds);
  Bytes out;
  const Answer a = answer(call, bytes.data() + sizeof call, out);
  std::ofstream to(arguments[2], std::ios::binary);
  to.write(reinterpret_cast<const char*>(&a), sizeof a);
  to.write(out.data(), std::streamsize(out.size()));
  return to.flush() ? 0 : 1;
}
