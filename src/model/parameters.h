// The parameters of a net in one flat buffer, and their gradients in another of the same layout. Optimizer,
// checkpoint and gradient norm each see one span. What is not trained (running statistics) has its place among the
// values; its place among the gradients and the optimizer's moments stays 0 and belongs to no segment. Where products read
// 16-bit weights a third buffer holds these, of the same layout; the values are what is trained.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "layers/emitter.h"

namespace gabor {

class Parameters {
 public:
  // decls as a plan lists them; training: with gradients. storage: the plan's; where it is not f32, with a copy in it.
  Parameters(Device& device, std::vector<ParameterDecl> decls, int64_t elements, bool training,
             DType storage = DType::f32);

  // Every parameter by its initialiser, keyed by (seed, its number): the same for any order of calls.
  void initialize(uint64_t seed);

  Device& device() const { return *device_; }
  const std::vector<ParameterDecl>& decls() const { return decls_; }
  int64_t elements() const { return elements_; }
  TensorView values() const { return {values_.data(), {elements_}, DType::f32}; }
  TensorView grads() const { return {grads_.data(), {elements_}, DType::f32}; }  // empty when not training
  TensorView copy() const { return {copy_.data(), {elements_}, storage_}; }      // empty where storage is f32
  TensorView copy(const ParameterDecl& d) const {
    return {static_cast<std::byte*>(copy_.data()) + size_t(d.offset) * size_of(storage_), d.shape, storage_};
  }
  TensorView value(const ParameterDecl& d) const {
    return {static_cast<float*>(values_.data()) + d.offset, d.shape, DType::f32};
  }
  TensorView grad(const ParameterDecl& d) const {  // of a trainable one
    return {static_cast<float*>(grads_.data()) + d.offset, d.shape, DType::f32};
  }
  // What the optimizer moves: all that is trainable. Biases are not decayed.
  std::vector<ParameterSegment> segments() const;

 private:
  Device* device_;
  std::vector<ParameterDecl> decls_;
  int64_t elements_;
  DType storage_;
  Buffer values_, grads_, copy_;
};

}  // namespace gabor
