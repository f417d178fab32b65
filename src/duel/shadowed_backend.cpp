#include "duel/shadowed_backend.h"

#include <initializer_list>
#include <map>

#include "core/error.h"
#include "ops/activation.h"
#include "ops/batchnorm.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/first_block.h"
#include "ops/head.h"
#include "ops/loss.h"
#include "ops/pool2d.h"
#include "ops/softmax.h"

namespace gabor {
namespace {

HostTensor fetched(Device& device, const TensorSpec& spec, ConstTensorView view) {
  if (!view) return {};
  HostTensor t(spec.shape, spec.dtype);
  GABOR_CHECK(t.view().bytes() == view.bytes());
  device.copy_from(t.view().data, view.data, view.bytes());
  return t;
}

class Watcher {
 public:
  Watcher(const Backend& backend, const bool* watching, CallSeen seen)
      : backend_(backend), watching_(watching), seen_(std::move(seen)) {}
  bool watching() const { return *watching_; }

  // in, out: as call_spec lists them. Inputs are copied before the call, which may overwrite them.
  template <class Call>
  void run(Context& context, const AnyProblem& problem, Pass pass, GradMode mode,
           std::initializer_list<ConstTensorView> in, std::initializer_list<TensorView> out,
           const Call& call) const {
    if (!watching()) return call();
    std::vector<HostTensor> inputs;
    const CallSpec spec = call_spec(problem, pass);
    for (const ConstTensorView& v : in)
      inputs.push_back(fetched(context.device, spec.inputs.at(inputs.size()), v));
    run(context, problem, pass, mode, std::move(inputs), out, call);
  }
  // With inputs that are on the host already.
  template <class Call>
  void run(Context& context, const AnyProblem& problem, Pass pass, GradMode mode,
           std::vector<HostTensor> inputs, std::initializer_list<TensorView> out, const Call& call) const {
    const CallSpec spec = call_spec(problem, pass);
    CallTensors tensors{std::move(inputs), {}, mode};
    for (const TensorView& v : out) {
      const TensorSpec& t = spec.outputs.at(tensors.outputs.size());
      const bool added_to = mode == GradMode::accumulate;
      tensors.outputs.push_back(added_to ? fetched(context.device, t, v)
                                : v      ? HostTensor(t.shape, t.dtype)
                                         : HostTensor());
    }
    call();
    std::vector<HostTensor> made;
    for (const TensorView& v : out) made.push_back(fetched(context.device, spec.outputs.at(made.size()), v));
    seen_(backend_, problem, pass, std::move(tensors), std::move(made));
  }

 private:
  const Backend& backend_;
  const bool* watching_;
  CallSeen seen_;
};

template <class Op, class Problem>
class SeenWeighted : public Op {
 public:
  SeenWeighted(const Op& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const Problem& p, Pass pass) const override { return op_.supports(p, pass); }
  size_t workspace_bytes(const Problem& p, Pass pass) const override { return op_.workspace_bytes(p, pass); }
  void fprop(Context& c, const Problem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x, w, b}, {y},
                 [&] { op_.fprop(c, p, x, w, b, y); });
  }
  void dgrad(Context& c, const Problem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    watcher_.run(c, p, Pass::dgrad, mode, {dy, w}, {dx}, [&] { op_.dgrad(c, p, dy, w, dx, mode); });
  }
  void wgrad(Context& c, const Problem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    watcher_.run(c, p, Pass::wgrad, mode, {x, dy}, {dw, db}, [&] { op_.wgrad(c, p, x, dy, dw, db, mode); });
  }

 protected:
  const Op& op_;
  const Watcher& watcher_;
};

class SeenConv2d final : public SeenWeighted<Conv2d, Conv2dProblem> {
 public:
  using SeenWeighted::SeenWeighted;
  std::string kernel(const Conv2dProblem& p, Pass pass) const override { return op_.kernel(p, pass); }
};
using SeenDense = SeenWeighted<Dense, DenseProblem>;

class SeenPool2d final : public Pool2d {
 public:
  SeenPool2d(const Pool2d& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const Pool2dProblem& p) const override { return op_.supports(p); }
  size_t workspace_bytes(const Pool2dProblem& p) const override { return op_.workspace_bytes(p); }
  void forward(Context& c, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    const auto call = [&] { op_.forward(c, p, x, y, argmax); };
    if (p.kind == PoolKind::max)
      watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x}, {y, argmax}, call);
    else
      watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x}, {y}, call);
  }
  void backward(Context& c, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    // What the kind does not read may hold anything by now.
    const bool l2 = p.kind == PoolKind::l2, max = p.kind == PoolKind::max;
    const ConstTensorView none;
    watcher_.run(c, p, Pass::dgrad, mode, {l2 ? x : none, p.needs_y() ? y : none, max ? argmax : none, dy},
                 {dx}, [&] { op_.backward(c, p, x, y, argmax, dy, dx, mode); });
  }

 private:
  const Pool2d& op_;
  const Watcher& watcher_;
};

class SeenSoftmax final : public Softmax {
 public:
  SeenSoftmax(const Softmax& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const SoftmaxProblem& p) const override { return op_.supports(p); }
  void forward(Context& c, const SoftmaxProblem& p, ConstTensorView x, TensorView y) const override {
    watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x}, {y}, [&] { op_.forward(c, p, x, y); });
  }
  void backward(Context& c, const SoftmaxProblem& p, ConstTensorView y, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    watcher_.run(c, p, Pass::dgrad, mode, {y, dy}, {dx}, [&] { op_.backward(c, p, y, dy, dx, mode); });
  }

 private:
  const Softmax& op_;
  const Watcher& watcher_;
};

std::vector<HostTensor> loss_inputs(Device& device, const LossProblem& p, ConstTensorView y,
                                    ConstTensorView labels, float scale) {
  const CallSpec spec = call_spec(p, Pass::fprop);
  std::vector<HostTensor> in = {fetched(device, spec.inputs[0], y), fetched(device, spec.inputs[1], labels),
                                HostTensor({1})};
  in[2].floats()[0] = scale;
  return in;
}

class SeenLoss final : public Loss {
 public:
  SeenLoss(const Loss& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const LossProblem& p) const override { return op_.supports(p); }
  size_t workspace_bytes(const LossProblem& p) const override { return op_.workspace_bytes(p); }
  void run(Context& c, const LossProblem& p, ConstTensorView y, ConstTensorView labels, float scale,
           TensorView dy, TensorView loss, TensorView counts) const override {
    const auto call = [&] { op_.run(c, p, y, labels, scale, dy, loss, counts); };
    if (!watcher_.watching()) return call();
    auto in = loss_inputs(c.device, p, y, labels, scale);
    watcher_.run(c, p, Pass::fprop, GradMode::overwrite, std::move(in), {dy, loss, counts}, call);
  }

 private:
  const Loss& op_;
  const Watcher& watcher_;
};

class SeenActivation final : public ActivationOp {
 public:
  SeenActivation(const ActivationOp& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const ActivationProblem& p) const override { return op_.supports(p); }
  void forward(Context& c, const ActivationProblem& p, ConstTensorView x, TensorView y) const override {
    watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x}, {y}, [&] { op_.forward(c, p, x, y); });
  }
  void backward(Context& c, const ActivationProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const bool from_y = derivative_from_output(p.activation.kind);  // the other may hold anything by now
    const ConstTensorView none;
    watcher_.run(c, p, Pass::dgrad, mode, {from_y ? none : x, from_y ? y : none, dy}, {dx},
                 [&] { op_.backward(c, p, x, y, dy, dx, mode); });
  }

 private:
  const ActivationOp& op_;
  const Watcher& watcher_;
};

class SeenFirstBlock final : public FirstBlock {
 public:
  SeenFirstBlock(const FirstBlock& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const FirstBlockProblem& p) const override { return op_.supports(p); }
  size_t workspace_bytes(const FirstBlockProblem& p) const override { return op_.workspace_bytes(p); }
  size_t argmax_bytes(const FirstBlockProblem& p) const override { return op_.argmax_bytes(p); }
  void forward(Context& c, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView w,
               ConstTensorView b, TensorView y, TensorView argmax) const override {
    if (watcher_.watching() && argmax) {
      const CallSpec spec = call_spec(p, Pass::wgrad);
      weights_[argmax.data] = {fetched(c.device, spec.inputs[1], w), fetched(c.device, spec.inputs[2], b)};
    }
    watcher_.run(c, p, Pass::fprop, GradMode::overwrite, {x, w, b}, {y},
                 [&] { op_.forward(c, p, x, w, b, y, argmax); });
  }
  void backward(Context& c, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView argmax,
                ConstTensorView dy, TensorView dw, TensorView db, GradMode mode) const override {
    const auto call = [&] { op_.backward(c, p, x, argmax, dy, dw, db, mode); };
    const auto forward = weights_.find(argmax.data);
    if (!watcher_.watching() || forward == weights_.end()) return call();
    const CallSpec spec = call_spec(p, Pass::wgrad);
    watcher_.run(c, p, Pass::wgrad, mode,
                 {fetched(c.device, spec.inputs[0], x), forward->second.w, forward->second.b,
                  fetched(c.device, spec.inputs[3], dy)},
                 {dw, db}, call);
  }

 private:
  struct Weights {
    HostTensor w, b;
  };
  const FirstBlock& op_;
  const Watcher& watcher_;
  // Of the forward pass that wrote these winners: backward is not given them, but a shadow needs them to make its own.
  mutable std::map<const void*, Weights> weights_;
};

// A head is seen as the calls of its parts: what one of them reads another has left. But for the gradients that go through a
// ReLU on the way from part to part, whose parts before it are nowhere.
class SeenHead final : public Head {
 public:
  SeenHead(const Head& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const HeadProblem& p) const override { return op_.supports(p); }
  size_t workspace_bytes(const HeadProblem& p) const override { return op_.workspace_bytes(p); }
  void run(Context& c, const HeadProblem& p, const HeadTensors& t, float scale) const override {
    op_.run(c, p, t, scale);
    if (!watcher_.watching()) return;
    const auto show = [&](const AnyProblem& part, Pass pass, std::initializer_list<ConstTensorView> in,
                          std::initializer_list<TensorView> out) {
      watcher_.run(c, part, pass, GradMode::overwrite, in, out, [] {});  // it has been run
    };
    if (p.pool) show(*p.pool, Pass::fprop, {t.x}, {t.pooled, TensorView{}});
    for (int i = 0; i < p.layers; i++)
      show(p.layer(i), Pass::fprop, {x_of(p, t, i), t.w[size_t(i)], t.b[size_t(i)]}, {t.y[size_t(i)]});
    const LossProblem loss{LossKind::softmax_xent, p.N, p.classes(), p.label_smoothing, p.two_labels};
    const size_t last = size_t(p.layers - 1);
    watcher_.run(c, loss, Pass::fprop, GradMode::overwrite,
                 loss_inputs(c.device, loss, t.y[last], t.labels, scale), {t.dz[last], t.loss, t.counts},
                 [] {});
    for (int i = p.layers - 1; i > 0; i--)
      if (p.layer(i - 1).activation.kind == ActivationKind::none)
        show(p.layer(i), Pass::dgrad, {t.dz[size_t(i)], t.w[size_t(i)]}, {t.dz[size_t(i - 1)]});
    if (t.dx && !p.pool) show(p.layer(0), Pass::dgrad, {t.dz[0], t.w[0]}, {t.dx});
  }
  void wgrad(Context& c, const HeadProblem& p, const HeadTensors& t, GradMode mode) const override {
    see_wgrad(c, p, t, mode, 0);
  }

 private:
  static ConstTensorView x_of(const HeadProblem& p, const HeadTensors& t, int layer) {
    return layer > 0 ? t.y[size_t(layer - 1)] : p.pool ? ConstTensorView(t.pooled) : t.x;
  }
  // Of the layers from that one on. What is added to has to be there before the call, of all of them.
  void see_wgrad(Context& c, const HeadProblem& p, const HeadTensors& t, GradMode mode, int layer) const {
    if (layer == p.layers) return op_.wgrad(c, p, t, mode);
    const size_t i = size_t(layer);
    watcher_.run(c, p.layer(layer), Pass::wgrad, mode, {x_of(p, t, layer), t.dz[i]}, {t.dw[i], t.db[i]},
                 [&] { see_wgrad(c, p, t, mode, layer + 1); });
  }

  const Head& op_;
  const Watcher& watcher_;
};

class SeenBatchNorm final : public BatchNorm {
 public:
  SeenBatchNorm(const BatchNorm& op, const Watcher& watcher) : op_(op), watcher_(watcher) {}
  Support supports(const BatchNormProblem& p) const override { return op_.supports(p); }
  size_t workspace_bytes(const BatchNormProblem& p) const override { return op_.workspace_bytes(p); }
  void forward_training(Context& c, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                        ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                        TensorView running_mean, TensorView running_var) const override {
    if (!running_mean)
      return op_.forward_training(c, p, x, gamma, beta, y, mean, rstd, running_mean, running_var);
    // accumulate: the running statistics are moved from where they are.
    watcher_.run(
        c, p, Pass::fprop, GradMode::accumulate, {x, gamma, beta}, {y, mean, rstd, running_mean, running_var},
        [&] { op_.forward_training(c, p, x, gamma, beta, y, mean, rstd, running_mean, running_var); });
  }
  void forward_inference(Context& c, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView running_mean, ConstTensorView running_var,
                         TensorView y) const override {
    op_.forward_inference(c, p, x, gamma, beta, running_mean, running_var, y);
  }
  void backward(Context& c, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    const auto call = [&] {
      op_.backward(c, p, x, dy, gamma, mean, rstd, dx, mode, dgamma, dbeta, parameter_mode);
    };
    if (parameter_mode == GradMode::accumulate) return call();  // a case adds to dx alone
    watcher_.run(c, p, Pass::dgrad, mode, {x, dy, gamma, mean, rstd}, {dx, dgamma, dbeta}, call);
  }

 private:
  const BatchNorm& op_;
  const Watcher& watcher_;
};

class ShadowedBackend final : public Backend {
 public:
  ShadowedBackend(std::shared_ptr<const Backend> backend, const bool* watching, CallSeen seen)
      : backend_(std::move(backend)),
        watching_(watching),
        seen_(seen),
        watcher_(*backend_, watching, std::move(seen)),
        ops_(backend_->ops()) {
    see<SeenActivation>(&OpSet::activation);
    see<SeenBatchNorm>(&OpSet::batchnorm);
    see<SeenConv2d>(&OpSet::conv2d);
    see<SeenDense>(&OpSet::dense);
    see<SeenFirstBlock>(&OpSet::first_block);
    see<SeenHead>(&OpSet::head);
    see<SeenLoss>(&OpSet::loss);
    see<SeenPool2d>(&OpSet::pool2d);
    see<SeenSoftmax>(&OpSet::softmax);
  }
  std::string_view name() const override { return backend_->name(); }
  Device& device() const override { return backend_->device(); }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return backend_->traits(); }
  size_t fixed_bytes() const override { return backend_->fixed_bytes(); }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    std::vector<std::shared_ptr<const Backend>> all;
    for (auto& v : backend_->variants()) all.push_back(shadowed_backend(std::move(v), watching_, seen_));
    return all;
  }

 private:
  template <class Seen, class Op>
  void see(const Op* OpSet::*member) {
    if (!(ops_.*member)) return;
    auto op = std::make_shared<Seen>(*(ops_.*member), watcher_);
    ops_.*member = op.get();
    kept_.push_back(std::move(op));
  }
  std::shared_ptr<const Backend> backend_;
  const bool* watching_;
  CallSeen seen_;
  Watcher watcher_;
  OpSet ops_;
  std::vector<std::shared_ptr<const void>> kept_;
};

}  // namespace

std::shared_ptr<const Backend> shadowed_backend(std::shared_ptr<const Backend> backend, const bool* watching,
                                                CallSeen seen) {
  return std::make_shared<ShadowedBackend>(std::move(backend), watching, std::move(seen));
}

}  // namespace gabor
