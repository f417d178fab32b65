#pragma once
#include "core/tensor.h"
#include "kernels/common/storage.h"

namespace gabor::cuda {

constexpr DType dtype_of(kernels::Storage storage) {
  return storage == kernels::Storage::f16    ? DType::f16
         : storage == kernels::Storage::bf16 ? DType::bf16
                                             : DType::f32;
}

// What the ops have in common whose tensors are of one type, the backend's Traits::storage: launchers get the type beside
// plain pointers. An empty view is null, of whatever type.
class Stored {
 public:
  explicit Stored(kernels::Storage storage) : storage_(storage) {}

 protected:
  const void* in(const ConstTensorView& t) const { return checked(t).data; }
  void* out(const TensorView& t) const { return checked(t).data; }
  kernels::Storage storage() const { return storage_; }

 private:
  template <class View>
  const View& checked(const View& t) const {
    GABOR_CHECK(!t || t.dtype == dtype_of(storage_));
    return t;
  }

  kernels::Storage storage_;
};

}  // namespace gabor::cuda
