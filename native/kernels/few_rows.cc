// A product of few rows takes as long as its weight takes to come from memory. oneDNN's micro-kernels read their left factor row by
// row, as weights lie, so that the weight is the left factor here and the rows are the right one: it is their few values that are
// laid out anew, and the result's that are turned back.
#include "few_rows.h"

#include "clones.h"
#include "factors.h"
#include "micro.h"
#include "vectors.h"

#include <ATen/ops/empty.h>

namespace redistill {
namespace {

constexpr int64_t kOutputs = 32;  // rows of the weight at a time: half as many pairs fill a line of 64 bytes

// Lays out 16 of the rows for the right factor, `padded` wide: pairs of values by columns. Rows beyond `rows` are zero.
REDISTILL_CLONES void layColumns(const Bits* rowsOf, int64_t in, int64_t rows, int64_t padded, Bits* right) {
  const uint32_t* from = reinterpret_cast<const uint32_t*>(rowsOf);
  uint32_t* to = reinterpret_cast<uint32_t*>(right);
  const int64_t pairs = in / 2;
  if (rows == kLanes) {
    for (int64_t p = 0; p < pairs; p++)
      for (int64_t l = 0; l < kLanes; l++) to[p * padded + l] = from[l * pairs + p];
    return;
  }
  for (int64_t p = 0; p < pairs; p++)
    for (int64_t l = 0; l < kLanes; l++) to[p * padded + l] = l < rows ? from[l * pairs + p] : 0;
}

// The same, widened.
REDISTILL_CLONES void layColumns(const Bits* rowsOf, int64_t in, int64_t rows, int64_t padded, float* right) {
  for (int64_t k = 0; k < in; k += kLanes) {
    Words tile[kLanes];
    for (int64_t l = 0; l < kLanes; l++) tile[l] = l < rows ? (Words)load(rowsOf + l * in + k) : Words{};
    transpose(tile);
    for (int64_t l = 0; l < kLanes; l++) store((Floats)tile[l], right + (k + l) * padded);
  }
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

// x [rows, in] · weightᵀ + biases → out [rows, outputs].
template <typename Factor>
void multiply(const at::Tensor& x, const at::Tensor& weight, const float* biases, at::Tensor& out) {
  constexpr int64_t kAFloat = sizeof(float) / sizeof(Factor);  // factors in the place of one
  const int64_t rows = x.size(0), in = x.size(1), outputs = weight.size(0), padded = roundUp(rows, kLanes);
  const Bits *from = reinterpret_cast<const Bits*>(x.data_ptr()), *weights = reinterpret_cast<const Bits*>(weight.data_ptr());
  uint32_t* to = reinterpret_cast<uint32_t*>(out.data_ptr());
  const std::unique_ptr<Factor[]> right(new Factor[padded * in]);
  at::parallel_for(0, padded / kLanes, 4, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * kLanes; at < end * kLanes; at += kLanes)
      layColumns(from + at * in, in, std::min(kLanes, rows - at), padded, right.get() + at * kAFloat);
  });
  const int64_t sumsSize = kOutputs * padded, roundedSize = kOutputs / 2 * padded;
  eachItem(outputs / kOutputs, sumsSize + roundedSize + kOutputs * in / kAFloat, [&](int64_t item, float* sums) {
    const int64_t at = item * kOutputs;
    uint32_t* rounded = reinterpret_cast<uint32_t*>(sums + sumsSize);
    const Factor* left = asLeft(weights + at * in, kOutputs * in, reinterpret_cast<Factor*>(sums + sumsSize + roundedSize));
    product(kOutputs, padded, in, left, in, right.get(), sums, padded, false);
    roundPairs(sums, biases + at, padded, rounded);
    turnPairs(rounded, rows, padded, outputs / 2, to + at / 2);
  });
}

}  // namespace

at::Tensor fewRows(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  TORCH_CHECK(hasProducts(), "this processor has no products that kernels are made of");
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
  withFactors([&](auto factor) { multiply<decltype(factor)>(x, weight, biases.get(), out); });
  return out;
}

}  // namespace redistill
