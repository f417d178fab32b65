// Work that a device does while the host goes on: queues, points in them, and a step's work as one unit. On the host, and
// on every device that does not override Device's calls, all of it is done at once when it is asked for.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gabor {

// work: kernels, in order. upload: batches, brought in beside them.
enum class Queue : uint8_t { work, upload };

// A point in a queue. May not outlive its device.
class Mark {
 public:
  virtual ~Mark() = default;
  // The point that is reached when all that is queued there now is done; replaces the one set before.
  virtual void set(Queue queue) = 0;
  // What is queued there from now on begins after the point. Without one: at once.
  virtual void hold(Queue queue) = 0;
  virtual void wait() = 0;  // the host, until the point is reached
};

// Queues the same sequence of work again and again. A GPU gets it as one graph: it is captured anew each time, for lr, step
// number and places change, and the graph of the time before is brought up to date, so that the device gets one launch
// instead of one a kernel. (What that saves has not been measured yet.) May not outlive its device.
class Replay {
 public:
  virtual ~Replay() = default;
  // Calls work, which queues on Queue::work and neither waits nor allocates; it is called again, for single launches, where
  // a graph cannot be made: then and from then on fault() says why.
  virtual void run(const std::function<void()>& work) = 0;
  virtual const std::string& fault() const = 0;  // "": none
};

}  // namespace gabor
