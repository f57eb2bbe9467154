// Chooses the next token of each row of logits on the CPU, in a few passes over a row.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill {

// logits [rows, vocab] in bf16 or f32, uniforms f64[rows] in [0, 1) → i64[rows]; −1 for a row with a logit that is not finite.
// At temperature 0 the first of the largest. Otherwise the first token, in the order of the vocabulary, at which the sum of
// the probabilities passes uniform · (sum of all), of the smallest set of most probable tokens that holds `topP`, with those
// that are as probable as the last of it. Sums are float64.
at::Tensor choose(const at::Tensor& logits, const at::Tensor& uniforms, double temperature, double topP);

}  // namespace redistill
