// Chooses the next token of each row of logits on the CPU, in a few passes over a row.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill {

// logits [rows, vocab] in bf16 or f32, uniforms f64[rows] in [0, 1), sampling f64[rows, 4] with temperature, top-p, top-k and min-p of
// each row → i64[rows]; −1 for a row with a logit that is not finite. At temperature 0 the first of the largest. Otherwise the first
// token, in the order of the vocabulary, at which the sum of the probabilities passes uniform · (sum of all that are kept). Kept are,
// one after the other, those with at least min-p of the largest probability, the top-k most probable of them (0: all), and the smallest
// set of most probable ones of these that holds top-p of their mass; each time with those that are as probable as the last one that is
// kept. Sums are float64.
at::Tensor choose(const at::Tensor& logits, const at::Tensor& uniforms, const at::Tensor& sampling);

}  // namespace redistill
