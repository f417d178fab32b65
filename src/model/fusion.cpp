#include "model/fusion.h"

#include <algorithm>

#include "ops/steps/batchnorm_step.h"
#include "ops/steps/elementwise_steps.h"
#include "ops/steps/first_block_step.h"
#include "ops/steps/head_step.h"
#include "ops/steps/loss_step.h"
#include "ops/steps/pool2d_step.h"
#include "ops/steps/weighted_step.h"

namespace gabor {
namespace {

using Steps = std::vector<std::unique_ptr<Step>>;

class Fuser {
 public:
  Fuser(Steps& steps, TensorTable& table, const Library& library, bool training)
      : steps_(steps), table_(table), library_(library), training_(training) {}

  std::vector<std::string> run() {
    for (size_t i = 0; i < steps_.size(); i++)
      if (!first_block(i)) epilogue(i);
    for (size_t i = 0; training_ && i < steps_.size(); i++) relu_of_pooled(i);
    if (training_) head();
    return std::move(done_);
  }

 private:
  template <class S>
  S* at(size_t i) const {
    return i < steps_.size() ? dynamic_cast<S*>(steps_[i].get()) : nullptr;
  }

  // Whether exactly one step reads the tensor (under any of its shapes).
  bool read_once(TensorId id) const {
    int readers = 0;
    for (const auto& s : steps_)
      for (TensorId t : s->uses().reads) readers += table_.root(t) == table_.root(id);
    return readers == 1;
  }

  bool first_block(size_t i) {
    const auto* normalize = at<NormalizeStep>(i);
    const size_t c = normalize ? i + 1 : i;
    auto* conv = at<Conv2dStep>(c);
    auto* act = at<ActivationStep>(c + 1);
    auto* pool = at<Pool2dStep>(c + 2);
    if (!conv || !act || !pool) return false;
    const TensorId picture = normalize ? normalize->x() : conv->x();
    if (table_[picture].role != TensorRole::image) return false;
    if (normalize && (normalize->y() != conv->x() || !read_once(normalize->y()))) return false;
    if (conv->y() != act->x() || act->y() != pool->x() || !read_once(conv->y()) || !read_once(act->y()))
      return false;
    if (conv->data().C > 4) return false;  // Normalize holds 4 channels

    FirstBlockProblem p{conv->data(), pool->pool(), table_[picture].dtype,
                        normalize ? normalize->normalize() : Normalize{}};
    p.conv.activation = act->activation();
    ChoiceRecord record;
    if (!library_.find(
            &OpSet::first_block, [&](const FirstBlock& f) { return f.supports(p); }, record, conv->prefer))
      return false;
    auto fused = std::make_unique<FirstBlockStep>(p, picture, conv->w(), conv->b(), pool->y());
    fused->layer = conv->layer, fused->prefer = conv->prefer;
    done_.push_back(fmt::format("{}: {}conv2d+relu+max_pool -> first_block ({})", conv->layer,
                                normalize ? "normalize+" : "", record.backend));
    steps_[i] = std::move(fused);
    steps_.erase(steps_.begin() + long(i) + 1, steps_.begin() + long(c) + 3);
    return true;
  }

  void epilogue(size_t i) {
    auto* act = at<ActivationStep>(i + 1);
    // The derivative must come from the output: the value before the activation is not kept.
    if (!act || !derivative_from_output(act->activation().kind)) return;
    ChoiceRecord record;
    if (auto* conv = at<Conv2dStep>(i); conv && conv->y() == act->x() && read_once(conv->y())) {
      Conv2dProblem p = conv->data();
      p.activation = act->activation();
      if (!library_.find(
              &OpSet::conv2d, [&](const Conv2d& o) { return o.supports(p, Pass::fprop); }, record,
              conv->prefer))
        return;
      conv->fuse(act->activation(), act->y());
    } else if (auto* dense = at<DenseStep>(i); dense && dense->y() == act->x() && read_once(dense->y())) {
      dense->fuse(act->activation(), act->y());
    } else if (auto* norm = at<BatchNormStep>(i); norm && norm->y() == act->x() && read_once(norm->y())) {
      // Not at the price of another backend's statistics.
      const BatchNorm* fused = batchnorm_for(*norm, act->activation());
      if (!fused || fused != batchnorm_for(*norm, {})) return;
      norm->fuse(act->activation(), act->y());
    } else {
      return;
    }
    done_.push_back(fmt::format("{}: {}+{} in one pass", steps_[i]->layer, steps_[i]->op(),
                                name_of(act->activation().kind)));
    steps_.erase(steps_.begin() + long(i) + 1);
  }

  // Whether the second step reads what the first writes, and nobody else does.
  template <class First, class Second>
  bool joined(const First& first, const Second& second) const {
    return table_.root(first.y()) == table_.root(second.x()) && read_once(first.y());
  }

  // The longest run of steps at the end that a backend takes as one.
  void head() {
    const size_t end = steps_.size() - 1;
    const auto* loss = at<LossStep>(end);
    if (!loss || loss->loss().kind != LossKind::softmax_xent) return;
    const auto* last = end > 0 ? at<DenseStep>(end - 1) : nullptr;
    if (!last || last->y() != loss->y() || !read_once(last->y())) return;
    size_t first = end - 1;
    for (; first > 0 && end - first < HeadProblem::kMostLayers; first--)
      if (const auto* before = at<DenseStep>(first - 1); !before || !joined(*before, *at<DenseStep>(first)))
        break;
    const auto* pool = first > 0 ? at<Pool2dStep>(first - 1) : nullptr;
    if (pool && joined(*pool, *at<DenseStep>(first)) && fuse_head(first, pool)) return;
    while (first < end && !fuse_head(first, nullptr)) first++;
  }

  // Steps from the dense layer `first` on, and the pooling before it if there is one.
  bool fuse_head(size_t first, const Pool2dStep* pool) {
    const size_t end = steps_.size() - 1;
    const auto* loss = at<LossStep>(end);
    const DenseStep& dense = *at<DenseStep>(first);
    HeadProblem p;
    p.N = loss->loss().N, p.layers = int(end - first);
    p.label_smoothing = loss->loss().label_smoothing, p.two_labels = loss->loss().two_labels;
    HeadStep::Tensors t{dense.x(), kNoTensor, loss->labels(), loss->sum(), loss->counts(), {}};
    std::string parts;
    if (pool) p.pool = pool->pool(), t.x = pool->x(), t.pooled = pool->y(), parts = "max_pool+";
    for (size_t i = first; i < end; i++) {
      const DenseStep& layer = *at<DenseStep>(i);
      p.dense[i - first] = layer.data();
      t.layers.push_back({layer.w(), layer.b(), layer.y()});
      parts += "dense+";
    }
    ChoiceRecord record;
    if (!library_.find(
            &OpSet::head, [&](const Head& o) { return o.supports(p); }, record, dense.prefer))
      return false;
    // Not at the price of another backend's layers, be it one that was asked for or one of a lower precision.
    if (pool && pool->prefer != dense.prefer) return false;
    for (size_t i = first; i < end; i++)
      if (const DenseStep& layer = *at<DenseStep>(i);
          layer.prefer != dense.prefer || backend_of(layer) != record.backend)
        return false;
    auto fused = std::make_unique<HeadStep>(p, std::move(t));
    fused->layer = dense.layer, fused->prefer = dense.prefer;
    done_.push_back(fmt::format("{}: {}{} -> head ({})", dense.layer, parts, loss->op(), record.backend));
    steps_.resize(pool ? first - 1 : first);
    steps_.push_back(std::move(fused));
    return true;
  }

  std::string backend_of(const DenseStep& layer) const {
    ChoiceRecord record;
    library_.find(
        &OpSet::dense, [&](const Dense& o) { return o.supports(layer.data(), Pass::fprop); }, record,
        layer.prefer);
    return record.backend;
  }

  const BatchNorm* batchnorm_for(const BatchNormStep& norm, const Activation& activation) const {
    BatchNormProblem p = norm.batchnorm();
    p.activation = activation;
    ChoiceRecord record;
    return library_.find(
        &OpSet::batchnorm, [&](const BatchNorm& o) { return o.supports(p); }, record, norm.prefer);
  }

  // Of what step i writes, where it has ReLU fused and max pooling alone reads it: the pooling's backward has y at hand,
  // which is 0 where ReLU lets nothing through, and spares a pass over the larger map, which then need not be kept.
  void relu_of_pooled(size_t i) {
    auto* conv = at<Conv2dStep>(i);
    auto* norm = at<BatchNormStep>(i);
    if (!conv && !norm) return;
    const Activation activation = conv ? conv->data().activation : norm->batchnorm().activation;
    const TensorId y = conv ? conv->y() : norm->y();
    if (activation.kind != ActivationKind::relu || !read_once(y)) return;
    for (size_t reader = i + 1; reader < steps_.size(); reader++) {
      auto* pool = at<Pool2dStep>(reader);
      if (!pool || pool->x() != y || pool->pool().kind != PoolKind::max) continue;
      // Not at the price of another backend's pooling.
      const Pool2d* through = pool_for(*pool, true);
      if (!through || through != pool_for(*pool, false)) return;
      pool->take_relu();
      conv ? conv->leave_activation_to_reader() : norm->leave_activation_to_reader();
      done_.push_back(
          fmt::format("{}: pool2d goes back through the relu of {}", pool->layer, steps_[i]->layer));
      return;
    }
  }

  const Pool2d* pool_for(const Pool2dStep& pool, bool relu) const {
    Pool2dProblem p = pool.pool();
    p.relu = relu;
    ChoiceRecord record;
    return library_.find(
        &OpSet::pool2d, [&](const Pool2d& o) { return o.supports(p); }, record, pool.prefer);
  }

  Steps& steps_;
  TensorTable& table_;
  const Library& library_;
  bool training_;
  std::vector<std::string> done_;
};

}  // namespace

std::vector<std::string> fuse_steps(Steps& steps, TensorTable& table, const Library& library, bool training) {
  return Fuser(steps, table, library, training).run();
}

}  // namespace gabor
