// cuDNN and cuBLAS as a backend: convolutions, average pooling, activations, softmax and batch normalisation by cuDNN,
// dense layers by cuBLAS. Both are opened when the backend is made, never linked: a machine without them runs the rest.
// f32 throughout, in FMA arithmetic unless TF32 is asked for; deterministic algorithms only. A convolution goes to cuDNN's
// graph API, then to its fallback engines, then to the older calls. What none of them takes falls, with every reason, to
// the next backend of the library. Tensors are aligned to 16 bytes (Traits): its kernels fault where they are not.
// Variants: "cudnn/graph" and "cudnn/legacy" (convolutions by one of the two APIs), "cudnn/nchw" (convolutions with channels
// first inside, converted at each call), "cudnn/tf32" (convolutions and dense layers on tensor cores).
#pragma once
#include <memory>
#include <string>

#include "ops/backend.h"

namespace gabor {

struct CudnnOptions {
  // Where to look first: a file, or "" for the loader's search path ("libcudnn.so.9", "libcublas.so.13", ...).
  std::string cudnn_file, cublas_file;
  bool allow_tf32 = false;
  size_t workspace_cap = size_t{1} << 30;  // bytes of one call; algorithms that want more are passed over
  bool graph = true, legacy = true;        // the APIs that a convolution may use
  bool nchw = false;                       // convolutions convert to channels first inside
};

// For a GPU that another backend owns: `device` has to live as long as `owner`. Throws Error{device}: a library that
// cannot be opened, is older than version 9 (cuDNN) or 12 (cuBLAS), or refuses the GPU.
std::shared_ptr<const Backend> make_cudnn_backend(Device& device, std::shared_ptr<const void> owner,
                                                  const CudnnOptions& options = {});

}  // namespace gabor
