// What our kernels share that are made of small products of bf16 values: oneDNN's micro-kernels, and the loop that hands items to
// threads. Factors are bf16 where the processor multiplies such pairs, and the same values in float32 where it does not, or is
// slower at it, as Intel's are with AVX-512 alone.
#pragma once
#include "vector_math.h"

#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include <atomic>
#include <memory>

namespace redistill {

// c [m, n] = a [m, k] · b [k, n], or added to it, in float32. Rows of a and c start `aRow` and `cRow` elements apart; those of b
// lie behind each other, and those of a bf16 b in pairs, [k / 2, n, 2].
inline void product(int64_t m, int64_t n, int64_t k, const float* a, int64_t aRow, const float* b, float* c, int64_t cRow,
                    bool add) {
  at::native::cpublas::brgemm(m, n, k, aRow, n, cRow, add, a, b, c, false);
}

inline void product(int64_t m, int64_t n, int64_t k, const Bits* a, int64_t aRow, const Bits* b, float* c, int64_t cRow,
                    bool add) {
  at::native::cpublas::brgemm(m, n, k, aRow, n, cRow, add, reinterpret_cast<const at::BFloat16*>(a),
                              reinterpret_cast<const at::BFloat16*>(b), c, true);
}

// Runs `work(item)` for all items, the next free thread taking the next item; each thread gets its own scratch memory.
template <typename Work>
void eachItem(int64_t items, int64_t scratchFloats, const Work& work) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), items), 1, [&](int64_t begin, int64_t end) {
    const std::unique_ptr<float[]> scratch(new float[scratchFloats + 16]);
    float* aligned = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(scratch.get()) + 63) / 64 * 64);
    for (int64_t thread = begin; thread < end; thread++)
      for (int64_t item; (item = next++) < items;) work(item, aligned);
    at::native::cpublas::brgemm_release();
  });
}

// Tells whether this processor has products that kernels are made of.
bool hasProducts();

// Tells whether factors are float32: where there are no bf16 products, or where they took longer when both were tried.
bool widensFactors();

// Has kernels use the one or the other from now on; throws where there are none.
void widenFactors(bool wide);

// Runs `work` with a value of the type that factors have.
template <typename Work>
auto withFactors(const Work& work) {
  return widensFactors() ? work(float{}) : work(Bits{});
}

}  // namespace redistill
