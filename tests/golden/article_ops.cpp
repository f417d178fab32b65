#include "golden/article_ops.h"

#include "backends/cpu/backend.h"
#include "backends/reference/backend.h"
#include "device/device.h"
#include "ops/activation.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/normalize.h"
#include "ops/pool2d.h"
#include "ops/softmax.h"

namespace gabor::article {
namespace {

TensorView out(Values& v) { return {v.data(), {int64_t(v.size())}}; }
ConstTensorView in(const Values& v) { return {v.empty() ? nullptr : v.data(), {int64_t(v.size())}}; }
Values sized(const Shape& shape) { return Values(size_t(shape.count())); }

// A context with as much workspace as one call asks for.
struct Call {
  explicit Call(size_t bytes = 0)
      : workspace(host_device(), bytes), context{host_device(), {}, workspace.data(), bytes} {}
  Buffer workspace;
  Context context;
};

}  // namespace

Values Ops::conv2d(const Conv2dProblem& p, const Values& x, const Values& w, const Values& b) const {
  const Conv2d& op = *backend_->ops().conv2d;
  Call call(op.workspace_bytes(p, Pass::fprop));
  Values y = sized(p.y_shape());
  op.fprop(call.context, p, in(x), in(w), in(b), out(y));
  return y;
}

Values Ops::conv2d_dgrad(const Conv2dProblem& p, const Values& dy, const Values& w) const {
  const Conv2d& op = *backend_->ops().conv2d;
  Call call(op.workspace_bytes(p, Pass::dgrad));
  Values dx = sized(p.x_shape());
  op.dgrad(call.context, p, in(dy), in(w), out(dx), GradMode::overwrite);
  return dx;
}

Ops::WeightGradient Ops::conv2d_wgrad(const Conv2dProblem& p, const Values& x, const Values& dy) const {
  const Conv2d& op = *backend_->ops().conv2d;
  Call call(op.workspace_bytes(p, Pass::wgrad));
  WeightGradient g{sized(p.w_shape()), sized(p.b_shape())};
  op.wgrad(call.context, p, in(x), in(dy), out(g.dw), out(g.db), GradMode::overwrite);
  return g;
}

Ops::Pooled Ops::pool2d(const Pool2dProblem& p, const Values& x) const {
  const Pool2d& op = *backend_->ops().pool2d;
  Call call(op.workspace_bytes(p));
  Pooled result{sized(p.y_shape()), std::vector<uint8_t>(size_t(p.y_shape().count()))};
  const TensorView argmax{result.argmax.data(), p.y_shape(), DType::u8};
  op.forward(call.context, p, in(x), out(result.y), p.kind == PoolKind::max ? argmax : TensorView{});
  return result;
}

Values Ops::pool2d_backward(const Pool2dProblem& p, const Values& x, const Pooled& forward,
                            const Values& dy) const {
  const Pool2d& op = *backend_->ops().pool2d;
  Call call(op.workspace_bytes(p));
  Values dx = sized(p.x_shape());
  const ConstTensorView argmax{forward.argmax.data(), p.y_shape(), DType::u8};
  op.backward(call.context, p, in(x), in(forward.y), p.kind == PoolKind::max ? argmax : ConstTensorView{},
              in(dy), out(dx), GradMode::overwrite);
  return dx;
}

Values Ops::relu(Values x) const {
  Call call;
  backend_->ops().activation->forward(call.context, {int64_t(x.size()), {ActivationKind::relu, 0}}, in(x),
                                      out(x));
  return x;
}

Values Ops::softmax(int64_t N, int64_t K, const Values& x) const {
  Call call;
  Values y(x.size());
  backend_->ops().softmax->forward(call.context, {N, K}, in(x), out(y));
  return y;
}

Values Ops::dense(const DenseProblem& p, const Values& x, const Values& w, const Values& b) const {
  const Dense& op = *backend_->ops().dense;
  Call call(op.workspace_bytes(p, Pass::fprop));
  Values y = sized(p.y_shape());
  op.fprop(call.context, p, in(x), in(w), in(b), out(y));
  return y;
}

Ops::WeightGradient Ops::dense_wgrad(const DenseProblem& p, const Values& x, const Values& dy) const {
  const Dense& op = *backend_->ops().dense;
  Call call(op.workspace_bytes(p, Pass::wgrad));
  WeightGradient g{sized(p.w_shape()), sized(p.b_shape())};
  op.wgrad(call.context, p, in(x), in(dy), out(g.dw), out(g.db), GradMode::overwrite);
  return g;
}

Ops::LossResult Ops::loss(const LossProblem& p, const Values& y, const std::vector<int32_t>& labels) const {
  Call call;
  Values dy(y.size());
  float sum = 0;
  int32_t counts[2] = {};
  backend_->ops().loss->run(call.context, p, in(y), {labels.data(), {p.N}, DType::i32}, 1.0f / float(p.N),
                            out(dy), {&sum, {1}}, {counts, {2}, DType::i32});
  return {sum, dy, counts[0], counts[1]};
}

Values Ops::first_update(const OptimizerProblem& p, float lr, Values w, const Values& g) const {
  Call call;
  Values m(w.size()), v(w.size());
  const ParameterSegment all[] = {{0, int64_t(w.size()), true}};
  const StepValues values{.update = update_values(p, lr, 1)};
  call.context.step = &values;
  backend_->ops().optimizer->update(call.context, p, all, nullptr, out(w), in(g),
                                    p.moments() >= 1 ? out(m) : TensorView{},
                                    p.moments() >= 2 ? out(v) : TensorView{}, nullptr);
  return w;
}

Values Ops::normalize(const std::vector<uint8_t>& pixels, float scale, float shift) const {
  Call call;
  NormalizeProblem p;
  p.count = int64_t(pixels.size()), p.C = 1, p.normalize.scale[0] = scale, p.normalize.shift[0] = shift;
  Values y(pixels.size());
  backend_->ops().normalize->forward(call.context, p, {pixels.data(), {p.count}, DType::u8}, out(y));
  return y;
}

std::vector<Ops> every_backend() { return {Ops(make_reference_backend()), Ops(make_cpu_backend())}; }

}  // namespace gabor::article
