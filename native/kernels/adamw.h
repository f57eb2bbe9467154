// AdamW on the CPU, with what comes before and after it, in one pass over memory.
#pragma once
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>

namespace redistill {

// Scales the gradients, updates the parameters and both moments, all float32 and dense, as libtorch's fused AdamW does in its
// `step`-th step; writes the parameters rounded to `copies`, bf16, unless it is empty; leaves gradients of zero.
void adamw(at::TensorList params, at::TensorList grads, at::TensorList averages, at::TensorList squares, at::TensorList copies,
           int64_t step, double scale, double lr, double beta1, double beta2, double eps, double weightDecay);

}  // namespace redistill
