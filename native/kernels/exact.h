// Parts of a model in float32 on the CPU whose result for a row is the same to the last bit whatever other rows there are, and
// however many: every sum has one order. Correct before fast.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace redistill::exact {

// x [rows, in] · weight [out, in]ᵀ + bias [out] → [rows, out].
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

// RMSNorm over the last of two or three dimensions, times the weight, or times 1 + weight where `offset` is 1.
at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset);

// [rows, 2 · width] → [rows, width]: SiLU or GELU (tanh) of the first half times the second.
at::Tensor glu(const at::Tensor& gateUp, bool gelu);

// x [tokens, heads, headDim], cosines and sines [tokens, 1, headDim / 2] → the same shape.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines);

// logits [rows, vocab], targets i64[rows] → the log-probs of the targets, f64[rows].
at::Tensor logps(const at::Tensor& logits, const at::Tensor& targets);

}  // namespace redistill::exact
