// Average pooling. Max pooling stays with the other backends: cuDNN hands out no arg-max, and its backward, which looks for
// the winners again, is not deterministic. L2 pooling it does not have.
#include "backends/cudnn/ops.h"
#include "backends/cudnn/plan_cache.h"

namespace gabor::cudnn {
namespace {

struct PoolPlan {
  PoolPlan(const CudnnApi& api, const Pool2dProblem& p)
      : problem(p),
        x(make_tensor(api, {p.N, p.H, p.W, p.C})),
        y(make_tensor(api, {p.N, p.P(), p.Q(), p.C})),
        pooling(api.CreatePoolingDescriptor, api.DestroyPoolingDescriptor, api, "CreatePoolingDescriptor") {
    api.check(api.SetPooling2dDescriptor(pooling.get(), CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING,
                                         CUDNN_PROPAGATE_NAN, int(p.R), int(p.S), int(p.pad.top),
                                         int(p.pad.left), int(p.stride_h), int(p.stride_w)),
              "SetPooling2dDescriptor");
  }
  Pool2dProblem problem;
  Tensor x, y;
  Pooling pooling;
};

class CudnnPool2d final : public Pool2d {
 public:
  explicit CudnnPool2d(const Session& session) : session_(session) {}

  Support supports(const Pool2dProblem& p) const override {
    if (p.kind == PoolKind::max) return Support::no("no arg-max in cuDNN, and no deterministic backward");
    if (p.kind == PoolKind::l2) return Support::no("no L2 pooling in cuDNN");
    if (p.pad.top != p.pad.bottom || p.pad.left != p.pad.right)
      return Support::no("padding that differs from side to side");
    Pool2dProblem down = p;
    down.ceil = false;
    if (down.P() != p.P() || down.Q() != p.Q()) return Support::no("a number of windows rounded up");
    const char* why = too_large({p.x_shape().count(), p.y_shape().count()});
    return why ? Support::no(why) : Support::yes();
  }
  size_t workspace_bytes(const Pool2dProblem& p) const override {
    plan(p);  // made ahead of the first step
    return 0;
  }

  void forward(Context& context, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView) const override {
    const PoolPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    api.check(api.PoolingForward(session_.dnn(context), d.pooling.get(), &kOne, d.x.get(), x.as<float>(),
                                 &kZero, d.y.get(), y.as<float>()),
              "PoolingForward");
  }
  void backward(Context& context, const Pool2dProblem& p, ConstTensorView, ConstTensorView, ConstTensorView,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const PoolPlan& d = plan(p);
    const CudnnApi& api = session_.dnn();
    // An average asks for neither x nor y, but the call for pointers to tensors of their shapes.
    api.check(
        api.PoolingBackward(session_.dnn(context), d.pooling.get(), &kOne, d.y.get(), dy.data, d.y.get(),
                            dy.as<float>(), d.x.get(), dx.data, beta_of(mode), d.x.get(), dx.as<float>()),
        "PoolingBackward");
  }

 private:
  const PoolPlan& plan(const Pool2dProblem& p) const {
    return plans_.get([&](const PoolPlan& d) { return d.problem == p; },
                      [&] { return std::make_unique<PoolPlan>(session_.dnn(), p); });
  }

  const Session& session_;
  PlanCache<PoolPlan> plans_;
};

}  // namespace

std::unique_ptr<Pool2d> make_pool2d(const Session& session) { return std::make_unique<CudnnPool2d>(session); }

}  // namespace gabor::cudnn
