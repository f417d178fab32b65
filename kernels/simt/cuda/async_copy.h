// cp.async: copies from global to shared memory that run beside the computation (sm_80 and newer; before that
// plain copies, which need no wait but the same barriers).
#pragma once

namespace gabor::simt {

// The address of a shared object as the instructions below take it.
__device__ inline unsigned shared_address(const void* p) { return unsigned(__cvta_generic_to_shared(p)); }

// Starts copying Bytes bytes to dst: the first src_bytes of them from src, the rest zeros. src_bytes = 0 reads
// nothing (src must still be a valid pointer). dst and src are aligned to Bytes; dst is in shared memory.
template <int Bytes>
__device__ inline void cp_async(void* dst, const void* src, int src_bytes = Bytes) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
#if __CUDA_ARCH__ >= 800
  if constexpr (Bytes == 16) {  // .cg: past L1, which only 16-byte copies can
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(dst)), "l"(src),
                 "r"(src_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(dst)), "l"(src),
                 "n"(Bytes), "r"(src_bytes)
                 : "memory");
  }
#else
  using Word = std::conditional_t<Bytes == 16, uint4, std::conditional_t<Bytes == 8, uint2, unsigned> >;
  Word word{};
  if (src_bytes == Bytes) {
    word = *static_cast<const Word*>(src);
  } else {
    for (int i = 0; i < src_bytes; ++i) reinterpret_cast<char*>(&word)[i] = static_cast<const char*>(src)[i];
  }
  *static_cast<Word*>(dst) = word;
#endif
}

// Ends this thread's current group of copies.
__device__ inline void cp_async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most Pending of this thread's latest groups are still under way. Other threads' copies are
// there only after the __syncthreads that has to follow.
template <int Pending>
__device__ inline void cp_async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
#endif
}

}  // namespace gabor::simt
