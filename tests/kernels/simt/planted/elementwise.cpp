// y[i] = x[i-1] + 2 x[i] + x[i+1], elements outside x being 0: a thread an element.
#include <climits>

#include "kernels/simt/planted/case.h"

namespace gabor::simt::planted {
namespace {

enum class Bug {
  none,
  no_test_of_the_halo,
  no_test_of_the_tail,
  two_threads_write_one_element,
  blocks_overlap,
  element_not_written,
  input_not_uploaded,
  freed_output,
  local_index_past_the_end,
  overflow,
  wild_pointer,
  block_copy_behind_the_array,
  fixed_copy_behind_the_array,
};

template <Bug kBug>
__global__ void smooth(const float* x, float* y, int size) {
  const int threads = int(blockDim.x) - (kBug == Bug::blocks_overlap ? 1 : 0);
  const int i = int(blockIdx.x) * threads + int(threadIdx.x);
  if (kBug != Bug::no_test_of_the_tail && i >= size) return;
  float near[3] = {};
  const int past = kBug == Bug::local_index_past_the_end ? 1 : 0;
  for (int offset = -1; offset <= 1; ++offset) {
    const int at = i + offset;
    if (kBug != Bug::no_test_of_the_halo && (at < 0 || at >= size)) continue;
    near[offset + 1 + past] = x[at];
  }
  if (kBug == Bug::overflow && (i + 1) * INT_MAX < 0) return;
  if (kBug == Bug::element_not_written && i == 5) return;
  const int to = kBug == Bug::two_threads_write_one_element ? i / 2 : i;
  if (kBug == Bug::block_copy_behind_the_array && i == 149) memcpy(y + size, near, size_t(size) / 50 * 4);
  if (kBug == Bug::fixed_copy_behind_the_array && i == 149) memcpy(y + size, near, sizeof near);
  y[to] = near[0] + 2.0f * near[1] + near[2];
}

template <Bug kBug>
void run() {
  constexpr int kSize = 150;
  const auto x = small_integers(kSize, 6);
  std::vector<float> want;
  for (int i = 0; i < kSize; ++i)
    want.push_back((i > 0 ? x[size_t(i - 1)] : 0.0f) + 2.0f * x[size_t(i)] +
                   (i + 1 < kSize ? x[size_t(i + 1)] : 0.0f));
  DeviceArray<float> uploaded(x, "x"), empty(kSize, "x"), y(kSize, "y");
  DeviceArray<float>& input = kBug == Bug::input_not_uploaded ? empty : uploaded;
  float* output = y.data();
  if (kBug == Bug::freed_output) output = DeviceArray<float>(kSize, "freed").data();
  if (kBug == Bug::wild_pointer) output += 1 << 20;
  launch({dim3(3), dim3(64)}, smooth<kBug>, input.data(), output, kSize);
  expect_values(y.values(), want);
}

}  // namespace

std::vector<Case> elementwise_cases() {
  return {
      {"elementwise", run<Bug::none>, kClean, kClean},
      {"global read before and behind the array", run<Bug::no_test_of_the_halo>, "heap-buffer-overflow",
       "out of bounds: read of 4 bytes, global .* at elementwise.cpp"},
      {"global write behind the array", run<Bug::no_test_of_the_tail>, "heap-buffer-overflow",
       "out of bounds: write of 4 bytes, global"},
      {"two threads write one element", run<Bug::two_threads_write_one_element>, kWrongValue,
       "race: write of 4 bytes, global y .*unordered with a write by thread"},
      {"two blocks write one element", run<Bug::blocks_overlap>, kUnseen,
       "race: write of 4 bytes, global y .*another block"},
      {"output element not written", run<Bug::element_not_written>, kWrongValue,
       "read back by the host: byte 20, which no kernel ever wrote"},
      {"input never uploaded", run<Bug::input_not_uploaded>, kWrongValue,
       "uninitialised: read of 4 bytes, global x byte"},
      {"write to a freed array", run<Bug::freed_output>, "heap-use-after-free",
       "out of bounds: write of 4 bytes"},
      {"index past a local array", run<Bug::local_index_past_the_end>, "index 3 out of bounds", kUnseen},
      {"signed overflow", run<Bug::overflow>, "signed integer overflow", kUnseen},
      {"wild pointer", run<Bug::wild_pointer>, "AddressSanitizer", "out of bounds: write of 4 bytes"},
      {"block copy behind the array", run<Bug::block_copy_behind_the_array>, "buffer-overflow",
       "out of bounds: write of 12 bytes, global"},
      {"fixed copy behind the array", run<Bug::fixed_copy_behind_the_array>, "buffer-overflow",
       "out of bounds: write of 12 bytes, global"},
  };
}

}  // namespace gabor::simt::planted
