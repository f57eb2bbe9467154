// Gives tensors on the CPU their memory: from the C allocator, in such a way that it can use again what it gets back.
#include "addon.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>

namespace redistill {

namespace {

// The alignment of libtorch's own allocator, for its vectors and those of our kernels.
constexpr size_t kAlignment = 64;

void release(void* data) {
  if (data) std::free(static_cast<void**>(data)[-1]);
}

// libtorch asks for aligned memory. glibc takes a larger piece for that and cuts it to size, so that what is freed is too small for the
// next tensor of the same size: the holes of a training step's passing tensors are left over. This asks for the same size each time.
struct CpuAllocator final : at::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &release, at::Device(at::kCPU)};
    void* whole = bytes <= SIZE_MAX - kAlignment ? std::malloc(bytes + kAlignment) : nullptr;
    TORCH_CHECK(whole, "not enough memory: you tried to allocate ", bytes, " bytes.");
    // The C allocator aligns to 16 bytes: there is room before the data for the address of the whole.
    auto* data = reinterpret_cast<void**>((reinterpret_cast<uintptr_t>(whole) / kAlignment + 1) * kAlignment);
    data[-1] = whole;
    return {data, data, &release, at::Device(at::kCPU)};
  }

  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  at::DeleterFnPtr raw_deleter() const override { return &release; }
};

// trimMemory() gives free pages back to the system, for use after a large model is freed.
napi_value trimMemory(napi_env env, size_t, napi_value*) { return toJs(env, malloc_trim(0) == 1); }

}  // namespace

void defineMemory(napi_env env, napi_value exports) {
  // By default glibc maps and unmaps every large tensor, so that each operator pays for page faults. With these
  // settings it keeps freed memory.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 64 << 20);
  static CpuAllocator allocator;
  c10::SetCPUAllocator(&allocator);
  define(env, exports, "trimMemory", trimMemory);
}

}  // namespace redistill
