#include "backends/cudnn/staged_tensor.h"

namespace gabor::cudnn {
namespace {

bool has_padding(const Padding& pad) { return pad.top || pad.bottom || pad.left || pad.right; }

TensorExtent inner_of(TensorExtent extent, const Staged& staged) {
  const TensorStrides whole = strides_of(staged_extent(extent, staged));
  extent.nchw = staged.nchw;
  extent.row = whole.row, extent.image = whole.image;
  extent.plane = staged.nchw ? whole.channel : 0;
  return extent;
}

}  // namespace

TensorExtent staged_extent(const TensorExtent& e, const Staged& staged) {
  const Padding& pad = staged.pad;
  return {.N = e.N,
          .H = e.H + pad.top + pad.bottom,
          .W = e.W + pad.left + pad.right,
          .C = e.C,
          .nchw = staged.nchw};
}

StagedTensor::StagedTensor(const CudnnApi& api, const TensorExtent& extent, const Staged& staged,
                           size_t& offset)
    : copied_(staged.nchw || has_padding(staged.pad)),
      padded_(has_padding(staged.pad)),
      apart_(staged.apart),
      offset_(offset),
      caller_(make_tensor(api, extent)),
      whole_(make_tensor(api, staged_extent(extent, staged))),
      inner_(make_tensor(api, inner_of(extent, staged))) {
  const TensorExtent whole = staged_extent(extent, staged);
  const TensorStrides strides = strides_of(whole);
  first_ = staged.pad.top * strides.row + staged.pad.left * strides.column;
  if (copied_ || apart_) offset += aligned(size_t(whole.count()) * sizeof(float));
}

float* StagedTensor::whole(void* workspace) const {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + offset_);
}

const float* StagedTensor::read(const CudnnApi& api, cudnnHandle_t handle, void* workspace,
                                const float* caller) const {
  if (!copied_) return caller;
  float* const to = whole(workspace);
  if (padded_) api.check(api.SetTensor(handle, whole_.get(), to, &kZero), "SetTensor");
  api.check(api.TransformTensor(handle, &kOne, caller_.get(), caller, &kZero, inner_.get(), to + first_),
            "TransformTensor");
  return to;
}

float* StagedTensor::place(void* workspace, float* caller, GradMode mode) const {
  return in_workspace(mode) ? whole(workspace) : caller;
}

void StagedTensor::take_back(const CudnnApi& api, cudnnHandle_t handle, void* workspace, float* caller,
                             GradMode mode) const {
  if (!in_workspace(mode)) return;
  api.check(api.TransformTensor(handle, &kOne, inner_.get(), whole(workspace) + first_, beta_of(mode),
                                caller_.get(), caller),
            "TransformTensor");
}

}  // namespace gabor::cudnn
