#include "duel/fake_backend.h"

#include "backends/reference/backend.h"
#include "core/error.h"
#include "core/stored_floats.h"
#include "ops/conv2d.h"
#include "ops/conversion.h"

namespace gabor::testing {
namespace {

class FakeStopwatch final : public Stopwatch {
 public:
  explicit FakeStopwatch(FakeDevice& device) : device_(device) {}
  double seconds(const std::function<void()>& work) override {
    const double before = device_.clock;
    work();
    return device_.clock - before;
  }

 private:
  FakeDevice& device_;
};

// A tensor as floats.
class Widened {
 public:
  explicit Widened(const ConstTensorView& t) : floats_(size_t(t.count())) {
    load_floats(t.data, t.dtype, floats_);
    view_ = {floats_.data(), t.shape, DType::f32};
  }
  const ConstTensorView& view() const { return view_; }

 private:
  std::vector<float> floats_;
  ConstTensorView view_;
};

class FakeConv2d final : public Conv2d {
 public:
  FakeConv2d(FakeDevice& device, const FakeSpec& spec) : device_(device), spec_(spec) {}
  Support supports(const Conv2dProblem&, Pass) const override {
    return spec_.unsupported.empty() ? Support::yes() : Support::no(spec_.unsupported);
  }
  size_t workspace_bytes(const Conv2dProblem&, Pass) const override { return spec_.workspace; }
  std::string kernel(const Conv2dProblem&, Pass) const override { return spec_.kernel; }
  void fprop(Context& c, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    if (!spec_.idle) right().fprop(c, p, x, w, b, y);
    end(y);
  }
  void dgrad(Context& c, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    if (!spec_.idle) right().dgrad(c, p, dy, w, dx, mode);
    end(dx);
  }
  void wgrad(Context& c, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    if (!spec_.idle) right().wgrad(c, p, Widened(x).view(), Widened(dy).view(), dw, db, mode);
    end(dw);
  }

 private:
  const Conv2d& right() const { return *reference_->ops().conv2d; }
  void end(TensorView out) const {
    if (!spec_.failure.empty()) fail(spec_.failure_code, spec_.name, "{}", spec_.failure);
    if (!spec_.idle) spec_.spoil({out.as<float>(), size_t(out.count())});
    device_.clock += spec_.seconds[runs_++ % spec_.seconds.size()];
  }
  FakeDevice& device_;
  const FakeSpec& spec_;
  std::shared_ptr<const Backend> reference_ = make_reference_backend();
  mutable size_t runs_ = 0;
};

class FakeBackend : public Backend {
 public:
  FakeBackend(FakeDevice& device, FakeSpec spec)
      : device_(device), spec_(std::move(spec)), conv2d_(device, spec_) {
    if (spec_.has_conv2d) ops_.conv2d = &conv2d_;
  }
  std::string_view name() const override { return spec_.name; }
  FakeDevice& device() const override { return device_; }
  const FakeSpec& spec() const { return spec_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return spec_.traits; }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    std::vector<std::shared_ptr<const Backend>> out;
    for (const FakeSpec& v : spec_.variants) out.push_back(fake_backend(device_, v));
    return out;
  }

 private:
  FakeDevice& device_;
  FakeSpec spec_;
  FakeConv2d conv2d_;
  OpSet ops_;
};

// Its conversion takes its time, and leaves nothing in the outputs.
class ConvertingBackend final : public FakeBackend, public ConvertsLayout {
 public:
  using FakeBackend::FakeBackend;
  std::shared_ptr<const Backend> conversion() const override {
    const FakeSpec& own = spec();
    return fake_backend(device(), {.name = own.name, .seconds = {own.conversion}, .idle = true});
  }
};

}  // namespace

std::unique_ptr<Stopwatch> FakeDevice::stopwatch() { return std::make_unique<FakeStopwatch>(*this); }

std::shared_ptr<const Backend> fake_backend(FakeDevice& device, FakeSpec spec) {
  if (spec.conversion > 0) return std::make_shared<ConvertingBackend>(device, std::move(spec));
  return std::make_shared<FakeBackend>(device, std::move(spec));
}

}  // namespace gabor::testing
