#include "ops/head.h"

#include <vector>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "ops/batch_chunks.h"

namespace gabor::reference {
namespace {

LossProblem loss_of(const HeadProblem& p) {
  return {LossKind::softmax_xent, p.N, p.classes(), p.label_smoothing, p.two_labels};
}

// What the first dense layer reads.
const float* first_x(const HeadProblem& p, const HeadTensors& t) {
  const int64_t count = p.N * p.layer(0).C;
  return p.pool ? input<float>("pooled", t.pooled, count) : input<float>("x", t.x, count);
}

// The parts one after the other, each with its own formula: the bits of the ops that a head replaces.
class ReferenceHead final : public Head {
 public:
  Support supports(const HeadProblem& p) const override {
    const std::string fault = fault_of(p);
    return fault.empty() ? Support::yes() : Support::no(fault);
  }
  size_t workspace_bytes(const HeadProblem&) const override { return 0; }

  void run(Context&, const HeadProblem& p, const HeadTensors& t, float scale) const override {
    std::vector<int32_t> winners;
    if (p.pool) {
      winners.resize(size_t(p.pool->y_shape().count()));
      pool2d_forward(*p.pool, input<float>("x", t.x, p.pool->x_shape().count()),
                     output<float>("pooled", t.pooled, int64_t(winners.size())), winners.data());
    }
    const float* x = first_x(p, t);
    for (int i = 0; i < p.layers; i++) {
      const DenseProblem& d = p.layer(i);
      float* y = output<float>("y", t.y[size_t(i)], d.N * d.K);
      dense_fprop(d, x, input<float>("w", t.w[size_t(i)], d.K * d.C),
                  optional_input<float>("b", t.b[size_t(i)], d.K), y);
      x = y;
    }
    loss_run(loss_of(p), x, input<int32_t>("labels", t.labels, p.labels_shape().count()), scale,
             output<float>("dz", t.dz[size_t(p.layers - 1)], p.N * p.classes()),
             output<float>("loss", t.loss, 1), output<int32_t>("counts", t.counts, 2));
    for (int i = p.layers - 1; i > 0; i--) through_layer(p.layer(i - 1), p.layer(i), t, size_t(i));
    if (t.dx) first_gradient(p, t, winners);
  }

  void wgrad(Context&, const HeadProblem& p, const HeadTensors& t, GradMode mode) const override {
    for (int i = 0; i < p.layers; i++) {
      const DenseProblem& d = p.layer(i);
      const size_t at = size_t(i);
      const float* x = i == 0 ? first_x(p, t) : input<float>("y", t.y[at - 1], d.N * d.C);
      const float* dz = input<float>("dz", t.dz[at], d.N * d.K);
      float *dw = output<float>("dw", t.dw[at], d.K * d.C), *db = optional_output<float>("db", t.db[at], d.K);
      for_batch_chunks(d, [&](const DenseProblem& chunk, int64_t first) {
        dense_wgrad(chunk, x + first * d.C, dz + first * d.K, dw, db, chunk_mode(first, mode));
      });
    }
  }

 private:
  // dz of the layer `before` from that of layer i: through the weights, rounded, then through the activation.
  static void through_layer(const DenseProblem& before, const DenseProblem& d, const HeadTensors& t,
                            size_t i) {
    const float* y = t.y[i - 1].as<float>();
    float* dz = output<float>("dz", t.dz[i - 1], d.N * d.C);
    dense_dgrad(d, t.dz[i].as<float>(), t.w[i].as<float>(), dz, GradMode::overwrite);
    for (int64_t j = 0; j < d.N * d.C; j++)
      dz[j] = float(dz[j] * activation_slope(before.activation, y[j], y[j]));
  }

  static void first_gradient(const HeadProblem& p, const HeadTensors& t,
                             const std::vector<int32_t>& winners) {
    const DenseProblem& d = p.layer(0);
    const float *dz = t.dz[0].as<float>(), *w = t.w[0].as<float>();
    if (!p.pool) return dense_dgrad(d, dz, w, output<float>("dx", t.dx, d.N * d.C), GradMode::overwrite);
    std::vector<float> dpooled(size_t(d.N * d.C));
    dense_dgrad(d, dz, w, dpooled.data(), GradMode::overwrite);
    pool2d_backward(*p.pool, t.x.as<float>(), t.pooled.as<float>(), winners.data(), dpooled.data(),
                    output<float>("dx", t.dx, p.pool->x_shape().count()), GradMode::overwrite);
  }
};

}  // namespace

std::unique_ptr<const Head> make_head() { return std::make_unique<ReferenceHead>(); }

}  // namespace gabor::reference
