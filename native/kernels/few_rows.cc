// A product of few rows takes as long as its weight takes to come from memory. oneDNN's micro-kernels (AMX or AVX-512 bf16) read
// their left factor row by row, as weights lie, so that the weight is the left factor here and the rows are the right one: it is
// their few values that are laid out anew, and the result's that are turned back.
#include "few_rows.h"

#include "attention.h"
#include "clones.h"
#include "micro.h"

#include <ATen/ops/empty.h>

namespace redistill {
namespace {

constexpr int64_t kOutputs = 32;  // rows of the weight at a time: half as many pairs fill a line of 64 bytes

// Lays out 16 of the rows for the right factor: pairs of values (of which `to` has `padded` side by side) by columns. Rows
// beyond `rows` are zero.
REDISTILL_CLONES void pairRowsOf(const uint32_t* from, int64_t stride, int64_t rows, int64_t pairs, int64_t padded,
                                 uint32_t* to) {
  if (rows == kLanes) {
    for (int64_t p = 0; p < pairs; p++)
      for (int64_t l = 0; l < kLanes; l++) to[p * padded + l] = from[l * stride + p];
    return;
  }
  for (int64_t p = 0; p < pairs; p++)
    for (int64_t l = 0; l < kLanes; l++) to[p * padded + l] = l < rows ? from[l * stride + p] : 0;
}

// Rounds sums [32 outputs, padded rows], each output's bias added, into pairs of outputs: [16, padded].
REDISTILL_CLONES void roundPairs(const float* sums, const float* bias, int64_t padded, uint32_t* pairs) {
  for (int64_t p = 0; p < kOutputs / 2; p++) {
    const float *even = sums + 2 * p * padded, *odd = even + padded;
    for (int64_t r = 0; r < padded; r++)
      pairs[p * padded + r] = narrow(even[r] + bias[2 * p]) | static_cast<uint32_t>(narrow(odd[r] + bias[2 * p + 1])) << 16;
  }
}

// [16, padded] → 16 of each row, `stride` apart.
REDISTILL_CLONES void turnPairs(const uint32_t* pairs, int64_t rows, int64_t padded, int64_t stride, uint32_t* to) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t p = 0; p < kOutputs / 2; p++) to[r * stride + p] = pairs[p * padded + r];
}

uint32_t* pairsOf(const at::Tensor& x) { return reinterpret_cast<uint32_t*>(x.data_ptr()); }

}  // namespace

at::Tensor fewRows(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  TORCH_CHECK(hasAttention(), "this processor has no bf16 products");
  for (const at::Tensor* x : {&input, &weight})
    TORCH_CHECK(x->device().is_cpu() && x->scalar_type() == at::kBFloat16 && x->dim() == 2 && x->size(1) == input.size(1),
                "a product of few rows needs bf16[rows, in] and bf16[out, in] on the CPU");
  const int64_t rows = input.size(0), in = input.size(1), outputs = weight.size(0);
  TORCH_CHECK(in % 32 == 0 && in > 0 && outputs % kOutputs == 0, "a product of few rows needs sizes that are multiples of 32");
  TORCH_CHECK(weight.is_contiguous(), "a product of few rows needs a weight that is contiguous");
  std::unique_ptr<float[]> biases(new float[outputs]());
  if (bias) {
    TORCH_CHECK(bias->device().is_cpu() && bias->scalar_type() == at::kBFloat16 && bias->numel() == outputs,
                "a product of few rows needs a bias in bf16 for each output");
    const at::Tensor dense = bias->contiguous();
    const Bits* from = reinterpret_cast<const Bits*>(dense.data_ptr());
    for (int64_t n = 0; n < outputs; n++) biases[n] = wide(from[n]);
  }
  const at::Tensor x = input.contiguous();
  at::Tensor out = at::empty({rows, outputs}, x.options());
  if (rows == 0 || outputs == 0) return out;
  const int64_t padded = (rows + kLanes - 1) / kLanes * kLanes, pairs = in / 2;
  const std::unique_ptr<uint32_t[]> right(new uint32_t[padded * pairs]);
  at::parallel_for(0, padded / kLanes, 4, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * kLanes; at < end * kLanes; at += kLanes)
      pairRowsOf(pairsOf(x) + at * pairs, pairs, std::min(kLanes, rows - at), pairs, padded, right.get() + at);
  });
  const Bits *left = reinterpret_cast<const Bits*>(weight.data_ptr()), *other = reinterpret_cast<const Bits*>(right.get());
  eachItem(outputs / kOutputs, (kOutputs + kOutputs / 2) * padded, [&](int64_t item, float* sums) {
    const int64_t at = item * kOutputs;
    uint32_t* rounded = reinterpret_cast<uint32_t*>(sums + kOutputs * padded);
    product(kOutputs, padded, in, left + at * in, in, other, sums, padded, false);
    roundPairs(sums, biases.get() + at, padded, rounded);
    turnPairs(rounded, rows, padded, outputs / 2, pairsOf(out) + at / 2);
  });
  return out;
}

}  // namespace redistill
