// Attention of single queries, each to its own stretch of keys, on the CPU: the steps of decoding.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill {

// q [queries, heads, headDim]; keys and values [places, kvHeads, headDim]: query i sees the keys from place starts[i] on,
// counts[i] of them or, with a window, the last `window` of these. → [queries, heads · headDim]. bf16 or f32, sums in f32. A
// query's result depends on nothing but its own keys and values, and not on where they lie.
at::Tensor attendSlots(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, const at::Tensor& starts,
                       const at::Tensor& counts, double scale, int64_t window);

}  // namespace redistill
