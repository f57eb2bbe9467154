// Products of few rows with wide weights on the CPU, as decoding needs them, in bf16 with float32 sums.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace redistill {

// x [rows, in] · weight [out, in]ᵀ + bias [out] → [rows, out], contiguous. The weight is read once, as it lies; nothing of it is
// copied or kept. Everything is bf16; in and out are multiples of 32. Records nothing for a backward pass.
at::Tensor fewRows(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

}  // namespace redistill
