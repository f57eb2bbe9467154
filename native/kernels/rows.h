// What the CPU does row by row in bf16: each in one pass over memory, float32 inside, rounded once at the end.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill::rows {

// [rows, 2 · width] → [rows, width]: SiLU or GELU (tanh) of the first half times the second.
at::Tensor glu(const at::Tensor& gateUp, bool gelu);
at::Tensor gluBackward(const at::Tensor& grad, const at::Tensor& gateUp, bool gelu);

// x [tokens, heads, headDim], cosines and sines [tokens, 1, headDim / 2] → the same shape, contiguous; `back` turns back.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines, bool back);

// logits [rows, vocab], targets i64[rows] → the log-probs of the targets, f32[rows].
at::Tensor targetLogps(const at::Tensor& logits, const at::Tensor& targets);
// The same, and weight · (onehot(target) − softmax(logits)) into `grad`, which may be the logits; weights f32[rows].
at::Tensor softmaxGrad(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights, at::Tensor& grad);

}  // namespace redistill::rows
