// The three products of a linear layer on the CPU in bf16, with float32 sums. Sizes of weights are multiples of 16.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace redistill::products {

// Writes x [rows, in] · weightᵀ, weight [out, in], with its bias if there is one to `result` [rows, out], rounded once.
void linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::Tensor& result);

// Writes grad [rows, out] · weight to `result` [rows, in], rounded once.
void inputGrad(const at::Tensor& grad, const at::Tensor& weight, at::Tensor& result);

// Adds gradᵀ · x to sum, f32[out, in].
void addWeightGrad(const at::Tensor& grad, const at::Tensor& x, at::Tensor& sum);

}  // namespace redistill::products
