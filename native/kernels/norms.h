// RMSNorm on the CPU in bf16: each in one pass over memory, float32 inside.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill::norms {

// RMSNorm over the last of two or three dimensions. Rounded before the product with the weight where `offset` is 0, as
// the original models do, and after that with 1 + weight where it is 1.
at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset);

// Adds x to `sum`, [rows, width] both, and returns the norm of the sum.
at::Tensor addNorm(at::Tensor& sum, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset);

// Returns dx of `norm` and adds the weight's gradient to weightGrad, f32[width].
at::Tensor backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                    at::Tensor& weightGrad);

// The same, which adds dx to `sum`, as large as x.
void addBackward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                 at::Tensor& weightGrad, at::Tensor& sum);

}  // namespace redistill::norms
