// What the files of this folder hand to backend.cpp, and how they take tensors apart.
#pragma once
#include <memory>
#include <string>

#include "core/tensor.h"

namespace gabor {
class ActivationOp;
class Add;
class BatchNorm;
class Conv2d;
class Dense;
class Dropout;
class FirstBlock;
class Gather;
class Head;
class Loss;
class NormalizeOp;
class Optimizer;
class Pool2d;
class Softmax;
}  // namespace gabor

namespace gabor::reference {

std::unique_ptr<const ActivationOp> make_activation();
std::unique_ptr<const Add> make_add();
std::unique_ptr<const BatchNorm> make_batchnorm();
std::unique_ptr<const Conv2d> make_conv2d();
std::unique_ptr<const Dense> make_dense();
std::unique_ptr<const Dropout> make_dropout();
std::unique_ptr<const FirstBlock> make_first_block();
std::unique_ptr<const Gather> make_gather();
std::unique_ptr<const Head> make_head();
std::unique_ptr<const Loss> make_loss();
std::unique_ptr<const NormalizeOp> make_normalize();
std::unique_ptr<const Optimizer> make_optimizer();
std::unique_ptr<const Pool2d> make_pool2d();
std::unique_ptr<const Softmax> make_softmax();

// The elements of a tensor that must be there with `count` of them; throws Error{usage} naming it otherwise.
template <class T>
const T* input(const char* name, const ConstTensorView& v, int64_t count) {
  if (!v || v.count() != count || v.dtype != dtype_of<T>())
    fail(ErrorCode::usage, name, "is {}; expected {} elements of {}",
         v ? std::string(name_of(v.dtype)) + " " + v.shape.str() : "empty", count, name_of(dtype_of<T>()));
  return v.as<T>();
}
template <class T>
T* output(const char* name, const TensorView& v, int64_t count) {
  return const_cast<T*>(input<T>(name, v, count));
}
// The same for tensors that may be empty: null then.
template <class T>
const T* optional_input(const char* name, const ConstTensorView& v, int64_t count) {
  return v ? input<T>(name, v, count) : nullptr;
}
template <class T>
T* optional_output(const char* name, const TensorView& v, int64_t count) {
  return v ? output<T>(name, v, count) : nullptr;
}

}  // namespace gabor::reference
