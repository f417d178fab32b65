#include "kernels/simt/host/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include "kernels/simt/error.h"
#include "kernels/simt/host/asan.h"

#if !GABOR_SIMT_UCONTEXT
// Saves the callee-saved registers on the old stack, its pointer in *save, and takes up the other stack.
extern "C" void gabor_simt_switch(void** save, void* stack_pointer);
asm(R"(
.text
.globl gabor_simt_switch
.hidden gabor_simt_switch
.type gabor_simt_switch,@function
gabor_simt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size gabor_simt_switch,.-gabor_simt_switch
)");
#endif

namespace gabor::simt::host {
namespace {

void map_stack(Fiber& fiber, size_t bytes) {
  const auto page = size_t(sysconf(_SC_PAGESIZE));
  bytes = (bytes + page - 1) / page * page;
  void* mapped =
      mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw Error("no memory for the stack of an emulated CUDA thread");
  mprotect(mapped, page, PROT_NONE);  // running past the stack faults
  fiber.stack = static_cast<char*>(mapped) + page;
  fiber.stack_bytes = bytes;
}

// `self` runs again, or for the first time. AddressSanitizer knows the stack of a thread of the system, which is
// where the launcher's comes from.
void arrive(Fiber& self) {
  const void* stack = nullptr;
  size_t bytes = 0;
  asan::after_switch(self.asan_fake_stack, &stack, &bytes);
  if (self.came_from->stack != nullptr || stack == nullptr) return;
  self.came_from->stack = static_cast<char*>(const_cast<void*>(stack));
  self.came_from->stack_bytes = bytes;
}

}  // namespace

void start_fiber(Fiber& fiber, size_t stack_bytes, void (*entry)()) {
  if (fiber.stack == nullptr) map_stack(fiber, stack_bytes);
  asan::unpoison(fiber.stack, fiber.stack_bytes);
  fiber.asan_fake_stack = nullptr;
#if GABOR_SIMT_UCONTEXT
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = fiber.stack_bytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
#else
  // As if `entry` had been switched away from at its first instruction: its (missing) caller, itself for the
  // ret, six registers.
  constexpr int kSavedRegisters = 6;
  auto** top = reinterpret_cast<void**>(fiber.stack + fiber.stack_bytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  fiber.stack_pointer = top;
#endif
}

__attribute__((noinline)) void switch_fiber(Fiber& from, Fiber& to) {
  to.came_from = &from;
  asan::before_switch(&from.asan_fake_stack, to.stack, to.stack_bytes);
#if GABOR_SIMT_UCONTEXT
  swapcontext(&from.context, &to.context);
#else
  gabor_simt_switch(&from.stack_pointer, to.stack_pointer);
#endif
  arrive(from);
}

void fiber_entered(Fiber& self) { arrive(self); }

}  // namespace gabor::simt::host
