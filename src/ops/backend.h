// A backend is a set of op implementations for one kind of device. Adding an op: its header, one line here,
// one field in the backends that have it.
#pragma once
#include <string_view>

#include "device/device.h"

namespace gabor {

class ActivationOp;
class Add;
class Conv2d;
class Dense;
class Dropout;
class FirstBlock;
class Loss;
class NormalizeOp;
class Optimizer;
class Pool2d;
class Softmax;

// The ops a backend has; null: not written there.
struct OpSet {
  const ActivationOp* activation = nullptr;
  const Add* add = nullptr;
  const Conv2d* conv2d = nullptr;
  const Dense* dense = nullptr;
  const Dropout* dropout = nullptr;
  const FirstBlock* first_block = nullptr;
  const Loss* loss = nullptr;
  const NormalizeOp* normalize = nullptr;
  const Optimizer* optimizer = nullptr;
  const Pool2d* pool2d = nullptr;
  const Softmax* softmax = nullptr;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  // "reference", "cpu", "cuda", "cudnn"
  virtual DeviceKind device() const = 0;
  virtual const OpSet& ops() const = 0;
};

}  // namespace gabor
