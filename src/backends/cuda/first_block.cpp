#include "kernels/first_block/first_block.h"

#include <algorithm>

#include "backends/cuda/alignment.h"
#include "backends/cuda/launching.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/stored.h"

namespace gabor::cuda {
namespace {

using kernels::FirstBlockRung;

class CudaFirstBlock final : public FirstBlock, Stored {
 public:
  CudaFirstBlock(const Gpu& gpu, const Counters& counters, kernels::Storage storage)
      : Stored(storage), gpu_(gpu), counters_(counters.data()) {}

  Support supports(const FirstBlockProblem& p) const override {
    const char* reason = kernels::first_block_refuses(p);
    return reason ? Support::no(reason) : Support::yes();
  }
  size_t workspace_bytes(const FirstBlockProblem& p) const override {
    return kernels::first_block_workspace_bytes(p, std::max(slices(p, false), slices(p, true)));
  }
  size_t argmax_bytes(const FirstBlockProblem& p) const override {
    return kernels::first_block_argmax_bytes(p);
  }

  void forward(Context& context, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView w,
               ConstTensorView b, TensorView y, TensorView argmax) const override {
    GABOR_CHECK(x.dtype == p.input && (!argmax || argmax.bytes() >= saved(p)));
    launching(
        context, "first_block forward", [&] { return to_string(p); },
        [&] {
          kernels::first_block_forward(
              p, storage(), x.data, in(w), b.as<float>(), out(y), static_cast<uint8_t*>(argmax.data),
              context.stream.handle, forward_rung(p, {x.data, w.data, b.data, y.data}), gpu_.multiprocessors);
        });
  }

  void backward(Context& context, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView argmax,
                ConstTensorView dy, TensorView dw, TensorView db, GradMode mode) const override {
    GABOR_CHECK(x.dtype == p.input && argmax.bytes() >= saved(p));
    const kernels::JoinMemory memory{workspace(context, workspace_bytes(p)), counters_};
    const FirstBlockRung rung = backward_rung(p, {x.data, dy.data, dw.data, db.data});
    launching(
        context, "first_block backward", [&] { return to_string(p); },
        [&] {
          kernels::first_block_backward(p, storage(), x.data, argmax.as<uint8_t>(), in(dy), dw.as<float>(),
                                        db.as<float>(), mode == GradMode::accumulate,
                                        slices(p, rung == FirstBlockRung::tensor), memory,
                                        context.stream.handle, rung);
        });
  }

 private:
  using Pointers = std::initializer_list<const void*>;
  FirstBlockRung forward_rung(const FirstBlockProblem& p, Pointers tensors) const {
    return rung(kernels::first_block_tensor_forward_takes(p), tensors);
  }
  FirstBlockRung backward_rung(const FirstBlockProblem& p, Pointers tensors) const {
    return rung(kernels::first_block_tensor_backward_takes(p), tensors);
  }
  FirstBlockRung rung(bool tensor_takes, Pointers tensors) const {
    if (!aligned_to_16(tensors)) return FirstBlockRung::naive;
    return tensor_takes && gpu_.capability >= kTensorCapability ? FirstBlockRung::tensor
                                                                : FirstBlockRung::automatic;
  }
  int slices(const FirstBlockProblem& p, bool tensor) const {
    return tensor && kernels::first_block_tensor_backward_takes(p)
               ? kernels::first_block_tensor_slices(p, gpu_.multiprocessors)
               : kernels::first_block_slices(p, gpu_.multiprocessors);
  }
  size_t saved(const FirstBlockProblem& p) const { return size_t(p.conv.N) * argmax_bytes(p); }

  Gpu gpu_;
  unsigned* counters_;
};

}  // namespace

std::unique_ptr<FirstBlock> make_first_block(const Gpu& gpu, const Counters& counters,
                                             kernels::Storage storage) {
  return std::make_unique<CudaFirstBlock>(gpu, counters, storage);
}

}  // namespace gabor::cuda
