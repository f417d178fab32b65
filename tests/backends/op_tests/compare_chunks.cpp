// The rule of ops/batch_chunks.h: a batch against its chunks, one call for each, bit for bit.
#include <fmt/format.h>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "ops/batch_chunks.h"
#include "ops/first_block.h"
#include "ops/weighted_pass.h"

namespace gabor::op_tests {
namespace {

// One to three chunks and a bit.
int64_t draw_images(Random& random) { return kBatchChunk + 1 + random.below(uint32_t(2 * kBatchChunk)); }

// The part of a tensor that belongs to the images of `chunk`, from `first` on.
template <class View, class Problem>
View part(View whole, const Problem& chunk, int64_t first, int64_t all) {
  const int64_t image = whole.count() / all;
  using Byte = std::conditional_t<std::is_same_v<View, TensorView>, std::byte, const std::byte>;
  whole.data = static_cast<Byte*>(whole.data) + size_t(first * image) * size_of(whole.dtype);
  whole.shape = {images(chunk), image};
  return whole;
}

// An output of two runs, the batch at once and in chunks, with the same numbers in it before, and as far off the grid: a
// backend may have another kernel for what is not aligned.
struct Twice {
  Twice(Trial& trial, std::string tensor, Shape shape, GradMode mode)
      : Twice(trial, tensor, shape, mode, random_values(trial, shape.count(), Data::real)) {}
  Guarded& of(bool in_chunks) { return in_chunks ? chunks : whole; }
  void judge(Judge& judge) const {
    const auto a = whole.values<float>(), b = chunks.values<float>();
    for (size_t i = 0; i < a.size(); i++)
      if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0)
        return judge.fail(fmt::format("{}: element {} of {} is {:a} at once and {:a} in chunks", name, i,
                                      a.size(), a[i], b[i]));
    judge.intact({&whole, &chunks});
  }
  std::string name;
  Guarded whole, chunks;

 private:
  Twice(Trial& trial, const std::string& tensor, Shape shape, GradMode mode, const std::vector<float>& before)
      : name(tensor),
        whole(make(trial, tensor, shape, mode, before)),
        chunks(make(trial, tensor, shape, mode, before)) {}
  static Guarded make(Trial trial, const std::string& tensor, Shape shape, GradMode mode,
                      const std::vector<float>& before) {
    if (mode == GradMode::overwrite) return Guarded::output(trial, tensor, shape, DType::f32);
    return Guarded::in_out(trial, tensor, before, shape, DType::f32);
  }
};

// run(problem, first image, whether it is one of the chunks)
template <class Problem, class Run>
void run_twice(const Problem& p, Run&& run) {
  run(p, 0, false);
  for_batch_chunks(p, [&](const Problem& chunk, int64_t first) { run(chunk, first, true); });
}

template <class Op, class Problem>
void weighted(const Op& op, const Problem& p, Pass pass, Trial& trial, Judge& judge) {
  const GradMode mode = random_mode(trial);
  const bool biased = trial.below(4) != 0;
  Input x(trial, "x", p.x_shape(), Data::real), w(trial, "w", p.w_shape(), Data::real),
      b(trial, "b", p.b_shape(), Data::real), dy(trial, "dy", p.y_shape(), Data::real);
  Twice y(trial, "y", p.y_shape(), GradMode::overwrite), dx(trial, "dx", p.x_shape(), mode),
      dw(trial, "dw", p.w_shape(), mode), db(trial, "db", p.b_shape(), mode);
  run_twice(p, [&](const Problem& q, int64_t first, bool chunked) {
    Scratch scratch(trial, op.workspace_bytes(q, pass));
    const auto of = [&](auto view) { return part(view, q, first, p.N); };
    if (pass == Pass::fprop)
      op.fprop(scratch.context, q, of(x.view()), w.view(), biased ? b.view() : ConstTensorView{},
               of(y.of(chunked).out()));
    else if (pass == Pass::dgrad)
      op.dgrad(scratch.context, q, of(dy.view()), w.view(), of(dx.of(chunked).out()), mode);
    else
      op.wgrad(scratch.context, q, of(x.view()), of(dy.view()), dw.of(chunked).out(),
               biased ? db.of(chunked).out() : TensorView{}, chunk_mode(first, mode));
    judge.intact({&scratch.memory});
  });
  if (pass == Pass::fprop) y.judge(judge);
  if (pass == Pass::dgrad) dx.judge(judge);
  if (pass != Pass::wgrad) return;
  dw.judge(judge);
  if (biased) db.judge(judge);
}

void first_block(const FirstBlock& op, const FirstBlockProblem& p, Trial& trial, Judge& judge) {
  const GradMode mode = random_mode(trial);
  const int64_t N = p.conv.N;
  std::vector<uint8_t> pixels(size_t(p.conv.x_shape().count()));
  for (uint8_t& v : pixels) v = uint8_t(trial.below(256));
  const std::vector<float> values = random_values(trial, p.conv.x_shape().count(), Data::real);
  const void* data = p.input == DType::u8 ? static_cast<const void*>(pixels.data())
                                          : static_cast<const void*>(values.data());
  const Guarded x = Guarded::input(trial, "x", data, p.conv.x_shape(), p.input);
  Input w(trial, "w", p.conv.w_shape(), Data::real), b(trial, "b", p.conv.b_shape(), Data::real),
      dy(trial, "dy", p.pool.y_shape(), Data::real);
  Guarded argmax = Guarded::output(trial, "argmax", {N, int64_t(op.argmax_bytes(p))}, DType::u8);
  Twice y(trial, "y", p.pool.y_shape(), GradMode::overwrite), dw(trial, "dw", p.conv.w_shape(), mode),
      db(trial, "db", p.conv.b_shape(), mode);
  run_twice(p, [&](const FirstBlockProblem& q, int64_t first, bool chunked) {
    Scratch scratch(trial, op.workspace_bytes(q));
    const auto of = [&](auto view) { return part(view, q, first, N); };
    op.forward(scratch.context, q, of(x.in()), w.view(), b.view(), of(y.of(chunked).out()), of(argmax.out()));
    op.backward(scratch.context, q, of(x.in()), of(argmax.in()), of(dy.view()), dw.of(chunked).out(),
                db.of(chunked).out(), chunk_mode(first, mode));
    judge.intact({&scratch.memory});
  });
  for (const Twice* t : {&y, &dw, &db}) t->judge(judge);
}

}  // namespace

OpReport OpComparison::conv2d_chunks(Pass pass, int count) const {
  const Conv2d& op = *backend_->ops().conv2d;
  const auto draw = [&](Random& random, int64_t) -> Case {
    Conv2dProblem p = random_conv2d(random);
    if (random.below(2)) p.activation = random_activation(random);
    p.N = draw_images(random);
    return {to_string(p), op.supports(p, pass),
            [&op, p, pass](Trial& trial, Data, Judge& judge) { weighted(op, p, pass, trial, judge); }};
  };
  return sweep(std::string("conv2d chunks ") + name_of(pass), count, kTries * count, draw, kRealData);
}

OpReport OpComparison::dense_chunks(Pass pass, int count) const {
  const Dense& op = *backend_->ops().dense;
  const auto draw = [&](Random& random, int64_t) -> Case {
    DenseProblem p = random_dense(random);
    if (random.below(4) == 0) p.C += 2048;  // few outputs over many inputs have kernels of their own
    if (random.below(2)) p.activation = random_activation(random);
    p.N = draw_images(random);
    return {to_string(p), op.supports(p, pass),
            [&op, p, pass](Trial& trial, Data, Judge& judge) { weighted(op, p, pass, trial, judge); }};
  };
  return sweep(std::string("dense chunks ") + name_of(pass), count, kTries * count, draw, kRealData);
}

OpReport OpComparison::first_block_chunks(int count) const {
  const FirstBlock& op = *backend_->ops().first_block;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const FirstBlockProblem p = with_images(random_first_block(random), draw_images(random));
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data, Judge& judge) { first_block(op, p, trial, judge); }};
  };
  return sweep("first_block chunks", count, kTries * count, draw, kRealData);
}

}  // namespace gabor::op_tests
