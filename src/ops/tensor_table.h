// The tensors of a plan, by number. A plan is compiled before any memory exists, so steps name tensors by id;
// the executor turns ids into views.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"

namespace gabor {

using TensorId = int32_t;
constexpr TensorId kNoTensor = -1;

enum class TensorRole : uint8_t {
  image,       // u8 or f32 pictures, filled by the loader
  label,       // i32 classes
  activation,  // what a step writes
  saved,       // kept by a step for its backward (arg-max, statistics of a batch)
  parameter,   // lives in the flat parameter arena; `offset` is its place there
  result,      // loss and counts
};

struct TensorInfo {
  std::string name;
  Shape shape;  // of one sample when batched
  DType dtype = DType::f32;
  TensorRole role = TensorRole::activation;
  bool batched = true;
  bool needs_grad = false;
  TensorId alias_of = kNoTensor;  // the same bytes under another shape (flatten)
  int64_t offset = 0;             // parameter: elements from the start of the arena
};

class TensorTable {
 public:
  TensorId add(TensorInfo info) {
    infos_.push_back(std::move(info));
    return TensorId(infos_.size() - 1);
  }
  const TensorInfo& operator[](TensorId id) const { return infos_.at(size_t(id)); }
  TensorInfo& operator[](TensorId id) { return infos_.at(size_t(id)); }
  int size() const { return int(infos_.size()); }
  // The tensor that owns the bytes.
  TensorId root(TensorId id) const {
    while ((*this)[id].alias_of != kNoTensor) id = (*this)[id].alias_of;
    return id;
  }
  Shape full_shape(TensorId id, int64_t batch) const {
    const TensorInfo& t = (*this)[id];
    return t.batched ? t.shape.prepend(batch) : t.shape;
  }
  size_t bytes(TensorId id, int64_t batch) const {
    return size_t(full_shape(id, batch).count()) * size_of((*this)[id].dtype);
  }

 private:
  std::vector<TensorInfo> infos_;
};

}  // namespace gabor
