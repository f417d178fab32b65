#include "backends/own/backend.h"

#include <iterator>

#include "backends/own/program.h"
#include "core/error.h"
#include "core/text.h"
#include "ops/conv2d.h"
#include "ops/pool2d.h"

namespace gabor {
namespace own {
namespace {

Function function_of(Pass pass) {
  return pass == Pass::fprop   ? Function::conv2d_fprop
         : pass == Pass::dgrad ? Function::conv2d_dgrad
                               : Function::conv2d_wgrad;
}

// What the program says of a problem. call: its function and problem.
Support ask(const Program& program, Call call) {
  if (!program.defines(call.function))
    return Support::no(fmt::format("{} does not define {}", program.name(), name_of(call.function)));
  call.task = Task::ask;
  const Program::Result result = program.call(call, {}, {});
  return result.answer.status == Status::unsupported ? Support::no(result.text) : Support::yes();
}

void run(const Program& program, Call call, std::initializer_list<ConstTensorView> inputs,
         std::initializer_list<TensorView> outputs) {
  call.task = Task::run;
  const Program::Result result =
      program.call(call, {inputs.begin(), inputs.size()}, {outputs.begin(), outputs.size()});
  if (result.answer.status == Status::unsupported)
    fail(ErrorCode::device, program.name(), "{} is not supported: {}", name_of(call.function), result.text);
}

class OwnConv2d final : public Conv2d {
 public:
  explicit OwnConv2d(const Program& program) : program_(program) {}

  Support supports(const Conv2dProblem& p, Pass pass) const override {
    return ask(program_, {.function = function_of(pass), .conv2d = p});
  }
  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    return program_.call({.task = Task::ask, .function = function_of(pass), .conv2d = p}, {}, {})
        .answer.workspace_bytes;
  }
  void fprop(Context&, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    run(program_, {.function = Function::conv2d_fprop, .conv2d = p}, {x, w, b}, {y});
  }
  void dgrad(Context&, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    GABOR_CHECK(mode == GradMode::overwrite);
    run(program_, {.function = Function::conv2d_dgrad, .conv2d = p}, {dy, w}, {dx});
  }
  void wgrad(Context&, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    GABOR_CHECK(mode == GradMode::overwrite);
    run(program_, {.function = Function::conv2d_wgrad, .conv2d = p}, {x, dy}, {dw, db});
  }

 private:
  const Program& program_;
};

class OwnPool2d final : public Pool2d {
 public:
  explicit OwnPool2d(const Program& program) : program_(program) {}

  Support supports(const Pool2dProblem& p) const override {
    if (p.relu) return Support::no("a kernel of yours does not go back through ReLU");
    const bool forward = program_.defines(Function::pool2d_forward);
    return ask(program_,
               {.function = forward ? Function::pool2d_forward : Function::pool2d_backward, .pool2d = p});
  }
  void forward(Context&, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    require(Function::pool2d_forward);
    run(program_, {.function = Function::pool2d_forward, .pool2d = p}, {x}, {y, argmax});
  }
  void backward(Context&, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    GABOR_CHECK(mode == GradMode::overwrite);
    require(Function::pool2d_backward);
    run(program_, {.function = Function::pool2d_backward, .pool2d = p}, {x, y, argmax, dy}, {dx});
  }

 private:
  // supports() is asked about both directions at once.
  void require(Function f) const {
    if (!program_.defines(f)) fail(ErrorCode::device, program_.name(), "does not define {}", name_of(f));
  }
  const Program& program_;
};

class OwnBackend final : public Backend {
 public:
  OwnBackend(const std::string& file, int seconds) : program_(file, seconds) {
    for (const Function f : {Function::conv2d_fprop, Function::conv2d_dgrad, Function::conv2d_wgrad})
      if (program_.defines(f)) ops_.conv2d = &conv2d_;
    for (const Function f : {Function::pool2d_forward, Function::pool2d_backward})
      if (program_.defines(f)) ops_.pool2d = &pool2d_;
    if (!ops_.conv2d && !ops_.pool2d)
      fail(ErrorCode::usage, "--kernel", "{} defines none of {}, as kernels/own/kernel.h declares them",
           printable(file), join({std::begin(kFunctionNames), std::end(kFunctionNames)}, ", "));
  }
  std::string_view name() const override { return program_.name(); }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return {.emulated = true}; }

 private:
  Program program_;
  OwnConv2d conv2d_{program_};
  OwnPool2d pool2d_{program_};
  OpSet ops_;
};

}  // namespace
}  // namespace own

std::shared_ptr<const Backend> make_own_backend(const std::string& file, int seconds) {
  return std::make_shared<own::OwnBackend>(file, seconds);
}

}  // namespace gabor
