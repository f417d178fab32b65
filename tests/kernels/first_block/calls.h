// The kernels of kernels/first_block called and judged: what the tests of all rungs share.
#pragma once
#include <memory>

#include "kernels/first_block/oracle.h"

namespace gabor::kernel_tests {

using kernels::FirstBlockRung;
using kernels::Storage;
using simt::DeviceArray;

// x on the device, of the problem's type.
class Image {
 public:
  explicit Image(const FirstBlockCase& c)
      : bytes_(c.bytes, "x"), floats_(c.floats, "x"), u8_(c.p.input == DType::u8) {}
  const void* data() { return u8_ ? static_cast<const void*>(bytes_.data()) : floats_.data(); }

 private:
  DeviceArray<uint8_t> bytes_;
  DeviceArray<float> floats_;
  bool u8_;
};

template <class Element>
struct ForwardResult {
  std::vector<Element> y;
  std::vector<uint8_t> argmax;  // empty if it was not asked for
};

template <class Element>
ForwardResult<Element> forward(const FirstBlockCase& c, FirstBlockRung rung, bool with_argmax = true) {
  Image x(c);
  DeviceArray<Element> w(stored<Element>(c.w), "w"), y(size_t(pooled_count(c.p)), "y");
  DeviceArray<float> b(c.b, "b");
  DeviceArray<uint8_t> argmax(size_t(c.p.conv.N) * kernels::first_block_argmax_bytes(c.p), "argmax");
  kernels::first_block_forward(c.p, c.storage, x.data(), w.data(), c.biased ? b.data() : nullptr, y.data(),
                               with_argmax ? argmax.data() : nullptr, nullptr, rung);
  return {y.values(), with_argmax ? argmax.values() : std::vector<uint8_t>()};
}

struct Gradients {
  std::vector<float> dw, db;  // db empty if it was not asked for
};

template <class Element>
Gradients backward(const FirstBlockCase& c, FirstBlockRung rung, const std::vector<uint8_t>& codes,
                   bool accumulate, bool with_db, int slices) {
  Image x(c);
  DeviceArray<Element> dy(stored<Element>(c.dy), "dy");
  DeviceArray<uint8_t> argmax(codes, "argmax");
  DeviceArray<float> workspace(kernels::first_block_workspace_bytes(c.p, slices) / sizeof(float),
                               "workspace");
  DeviceArray<unsigned> counters(std::vector<unsigned>(kernels::kJoinCounters), "counters");
  // What is not accumulated starts unwritten, as NaN: the checker reports reads of it.
  const auto gradient = [&](const std::vector<float>& old, const char* name) {
    return accumulate ? std::make_unique<DeviceArray<float>>(old, name)
                      : std::make_unique<DeviceArray<float>>(old.size(), name);
  };
  const auto dw = gradient(c.old_dw, "dw"), db = gradient(c.old_db, "db");
  kernels::first_block_backward(c.p, c.storage, x.data(), argmax.data(), dy.data(), dw->data(),
                                with_db ? db->data() : nullptr, accumulate, slices,
                                {workspace.data(), counters.data()}, nullptr, rung);
  EXPECT_EQ(counters.values(), std::vector<unsigned>(kernels::kJoinCounters));
  return {dw->values(), with_db ? db->values() : std::vector<float>()};
}

template <class Body>
void with_element(Storage storage, Body&& body) {
  if (storage == Storage::f16) return body(simt::half{});
  if (storage == Storage::bf16) return body(simt::bfloat16{});
  body(float{});
}

inline void check_forward(const FirstBlockCase& c, FirstBlockRung rung, bool with_argmax = true) {
  SCOPED_TRACE(describe(c));
  with_element(c.storage, [&]<class Element>(Element) {
    ForwardExpected want = forward_oracle(c);
    const ForwardResult<Element> got = forward<Element>(c, rung, with_argmax);
    if (with_argmax) {
      EXPECT_EQ(judge_argmax(c, want, got.argmax), "");
    }
    for (size_t i = 0; i < want.y.value.size(); ++i)
      want.y.budget[i] += storage_error<Element>(want.y.value[i]);
    expect_within(got.y, want.y, "y");
  });
}

inline void check_backward(const FirstBlockCase& c, FirstBlockRung rung, const std::vector<int>& winners,
                           bool accumulate, bool with_db, int slices) {
  SCOPED_TRACE(describe(c) + " slices " + std::to_string(slices));
  with_element(c.storage, [&]<class Element>(Element) {
    const BackwardExpected want = backward_oracle(c, winners, accumulate);
    const Gradients got = backward<Element>(c, rung, packed(c.p, winners), accumulate, with_db, slices);
    expect_within(got.dw, want.dw, "dw");
    if (with_db) expect_within(got.db, want.db, "db");
  });
}

// Halves would overflow where the data is special.
inline Storage storage_of(int index, Data data) {
  return index % 3 != 0 || data == Data::special ? Storage::f32
         : index % 2 != 0                        ? Storage::f16
                                                 : Storage::bf16;
}

inline Data data_of(int index) {
  constexpr Data kData[] = {Data::real, Data::integer, Data::real, Data::special};
  return kData[index % 4];
}

}  // namespace gabor::kernel_tests
