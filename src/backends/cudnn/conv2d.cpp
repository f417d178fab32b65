#include "backends/cudnn/conv2d_plan.h"
#include "backends/cudnn/ops.h"
#include "backends/cudnn/plan_cache.h"
#include "core/error.h"

namespace gabor::cudnn {
namespace {

class CudnnConv2d final : public Conv2d {
 public:
  CudnnConv2d(const Session& session, Device& device) : session_(session), set_up_{device, device.stream()} {}

  Support supports(const Conv2dProblem& p, Pass pass) const override {
    const ActivationKind kind = p.activation.kind;
    if (pass == Pass::fprop && kind != ActivationKind::none && !has_activation(kind))
      return Support::no(std::string("no ") + name_of(kind) + " in cuDNN");
    if (const char* why = too_large({p.x_shape().count(), p.y_shape().count(), p.w_shape().count()}))
      return Support::no(why);
    try {
      plan(p, pass);
      return Support::yes();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::device) throw;
      return Support::no(e.what());
    }
  }
  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    return plan(p, pass).workspace_bytes();
  }
  std::string kernel(const Conv2dProblem& p, Pass pass) const override { return plan(p, pass).kernel(); }

  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    checked(context, p, Pass::fprop)
        .fprop(session_, context, x.as<float>(), w.as<float>(), b.as<float>(), y.as<float>());
  }
  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    checked(context, p, Pass::dgrad)
        .dgrad(session_, context, dy.as<float>(), w.as<float>(), dx.as<float>(), mode);
  }
  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    checked(context, p, Pass::wgrad)
        .wgrad(session_, context, x.as<float>(), dy.as<float>(), dw.as<float>(), db.as<float>(), mode);
  }

 private:
  const Conv2dPlan& plan(const Conv2dProblem& p, Pass pass) const {
    return plans_.get([&](const Conv2dPlan& plan) { return plan.serves(p, pass); },
                      [&] { return std::make_unique<Conv2dPlan>(session_, session_.dnn(set_up_), p, pass); });
  }
  const Conv2dPlan& checked(const Context& context, const Conv2dProblem& p, Pass pass) const {
    const Conv2dPlan& found = plan(p, pass);
    GABOR_CHECK(context.workspace_bytes >= found.workspace_bytes());
    return found;
  }

  const Session& session_;
  Context set_up_;
  PlanCache<Conv2dPlan> plans_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(const Session& session, Device& device) {
  return std::make_unique<CudnnConv2d>(session, device);
}

}  // namespace gabor::cudnn
