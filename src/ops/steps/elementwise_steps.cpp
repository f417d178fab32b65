#include "ops/steps/elementwise_steps.h"

#include <algorithm>

#include "ops/batch_chunks.h"

namespace gabor {
namespace {

// The choice of a step with one op for both directions.
template <class Op, class Problem>
const Op* pick(const Library& library, const Op* OpSet::*member, const Problem& p, ChoiceRecord r,
               const std::string& prefer, std::vector<ChoiceRecord>& records) {
  const Op* op = library.choose(
      member, [&](const Op& o) { return o.supports(p); }, r, prefer);
  records.push_back(std::move(r));
  return op;
}

}  // namespace

std::string NormalizeStep::problem() const { return fmt::format("C={}", channels_); }

void NormalizeStep::choose(const Library& library, TensorTable& table, bool,
                           std::vector<ChoiceRecord>& records) {
  const NormalizeProblem p{table[x_].shape.count(), channels_, n_};
  op_ = pick(library, &OpSet::normalize, p, record(""), prefer, records);
}

void NormalizeStep::forward(Run& run) const {
  const TensorView x = run.value(x_);
  op_->forward(run.context, {x.count(), channels_, n_}, x, run.value(y_));
}

std::string ActivationStep::problem() const { return fmt::format("{} count={}", name_of(a_.kind), count_); }

StepUses ActivationStep::uses() const { return {{x_}, {y_}, {derivative_from_output(a_.kind) ? y_ : x_}}; }

void ActivationStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  op_ = pick(library, &OpSet::activation, ActivationProblem{count_, a_}, record(""), prefer, records);
}

void ActivationStep::forward(Run& run) const {
  const TensorView x = run.value(x_);
  op_->forward(run.context, {x.count(), a_}, x, run.value(y_));
}

void ActivationStep::backward(Run& run) const {
  if (!run.has_grad(x_)) return;
  const TensorView dy = run.grad(y_);
  op_->backward(run.context, {dy.count(), a_}, run.value(x_), run.value(y_), dy, run.grad(x_), run.claim(x_));
}

std::string SoftmaxStep::problem() const { return fmt::format("N={} K={}", p_.N, p_.K); }

void SoftmaxStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  op_ = pick(library, &OpSet::softmax, p_, record(""), prefer, records);
}

void SoftmaxStep::forward(Run& run) const {
  op_->forward(run.context, {run.batch, p_.K}, run.value(x_), run.value(y_));
}

void SoftmaxStep::backward(Run& run) const {
  if (!run.has_grad(x_)) return;
  op_->backward(run.context, {run.batch, p_.K}, run.value(y_), run.grad(y_), run.grad(x_), run.claim(x_));
}

std::string DropoutStep::problem() const { return fmt::format("rate={} count={}", rate_, count_); }

void DropoutStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  op_ = pick(library, &OpSet::dropout, DropoutProblem{count_, rate_}, record(""), prefer, records);
}

template <class Body>
void DropoutStep::for_chunks(const Run& run, const TensorView& x, const TensorView& y, Body&& body) const {
  const int64_t image = x.count() / run.batch;
  for (int64_t n = 0; n < run.batch; n += kBatchChunk) {
    const int64_t count = std::min(kBatchChunk, run.batch - n) * image;
    const auto part = [&](const TensorView& v) {
      return TensorView{
          static_cast<std::byte*>(v.data) + size_t(n * image) * size_of(v.dtype), {count}, v.dtype};
    };
    body(DropoutProblem{count, run.training ? rate_ : 0.0f, index_, uint32_t(n / kBatchChunk)}, part(x),
         part(y));
  }
}

void DropoutStep::forward(Run& run) const {
  for_chunks(run, run.value(x_), run.value(y_),
             [&](const DropoutProblem& p, const TensorView& x, const TensorView& y) {
               op_->forward(run.context, p, x, y);
             });
}

void DropoutStep::backward(Run& run) const {
  if (!run.has_grad(x_)) return;
  const GradMode mode = run.claim(x_);
  for_chunks(run, run.grad(x_), run.grad(y_),
             [&](const DropoutProblem& p, const TensorView& dx, const TensorView& dy) {
               op_->backward(run.context, p, dy, dx, mode);
             });
}

std::string AddStep::problem() const { return fmt::format("count={}", count_); }

void AddStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  op_ = pick(library, &OpSet::add, AddProblem{count_}, record(""), prefer, records);
}

void AddStep::forward(Run& run) const {
  const TensorView a = run.value(a_);
  op_->forward(run.context, {a.count()}, a, run.value(b_), run.value(y_));
}

void AddStep::backward(Run& run) const {
  const TensorView dy = run.grad(y_);
  for (TensorId id : {a_, b_})
    if (run.has_grad(id)) op_->accumulate(run.context, {dy.count()}, dy, run.grad(id), run.claim(id));
}

}  // namespace gabor
