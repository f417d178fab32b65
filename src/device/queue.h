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

// Queues the same sequence of work again and again. A GPU gets it as one graph, which is captured once, so that a repetition
// costs the host one call instead of one a kernel: what changes from time to time has to be in memory that the work reads,
// not in its arguments. May not outlive its device.
class Replay {
 public:
  virtual ~Replay() = default;
  // work queues on Queue::work, the same each time, and neither waits nor allocates. Where there is a graph, it is called
  // the first time only. Where none can be made, it is called each time, for single launches, and fault() says why.
  virtual void run(const std::function<void()>& work) = 0;
  virtual const std::string& fault() const = 0;  // "": none
};

}  // namespace gabor
