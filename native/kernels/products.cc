#include "products.h"

#include "clones.h"
#include "factors.h"
#include "micro.h"
#include "vectors.h"

#include <vector>

namespace redistill::products {
namespace {

constexpr int64_t kRows = 32;           // of the left factor, that are multiplied at a time
constexpr int64_t kColumns = 384;       // of the right factor, at most
constexpr int64_t kFactor = 1280 << 10;  // bytes of a right factor, at most: they stay in the second cache
constexpr int64_t kDepth = 3072;        // that is multiplied at a time
constexpr int64_t kDepthOfGrad = 512;   // the same where the result is added to memory
constexpr int64_t kRowsOfGrad = 128;    // of a weight's gradient that an item takes, at most

Bits* bitsOf(const at::Tensor& x) { return reinterpret_cast<Bits*>(x.data_ptr()); }

at::Tensor withDenseRows(const at::Tensor& x) { return x.stride(1) == 1 ? x : x.contiguous(); }

void requireFactor(const at::Tensor& x, const char* name) {
  TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kBFloat16 && x.dim() == 2, name, " needs bf16 matrices on the CPU");
}

// Divides rows or columns into items of at most `most`, as many for each thread.
int64_t sizeOfItems(int64_t all, int64_t most) {
  const int64_t items = roundUp((all + most - 1) / most, at::get_num_threads());
  return roundUp((all + items - 1) / items, kTile);
}

// Columns of which the right factor fits.
template <typename Factor>
int64_t columnsFor(int64_t depth) {
  const int64_t most = kFactor / static_cast<int64_t>(sizeof(Factor));
  return std::max(kTile, most / depth / kTile * kTile);
}

// Width is a multiple of 16.
REDISTILL_CLONES void writeRows(const float* from, int64_t rows, int64_t width, const Bits* bias, Bits* to, int64_t stride) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < width; c += kLanes) {
      const Floats sum = load(from + r * width + c);
      store(bias == nullptr ? sum : sum + load(bias + c), to + r * stride + c);
    }
}

// A right factor [depth, columns]: the matrix, or its transpose.
struct Right {
  const Bits* data;
  int64_t stride, depth, columns;
  bool turned;
  template <typename Factor>
  void pack(int64_t from, int64_t some, int64_t column, int64_t width, Factor* to) const {
    if (turned)
      rightFromColumns(data + column * stride + from, stride, some, width, to);
    else
      rightFromRows(data + from * stride + column, stride, some, some, width, to);
  }
};

// A block of the left factor, `here` rows that are `stride` apart, as whole rows of so many factors: itself where it can be.
inline const Bits* leftBlock(const Bits* from, int64_t stride, int64_t here, int64_t depth, Bits* to, int64_t& factorStride) {
  factorStride = here == kRows ? stride : depth;
  if (here < kRows) leftFromRows(from, stride, here, kRows, depth, to);
  return here == kRows ? from : to;
}

inline const float* leftBlock(const Bits* from, int64_t stride, int64_t here, int64_t depth, float* to, int64_t& factorStride) {
  factorStride = depth;
  leftFromRows(from, stride, here, kRows, depth, to);
  return to;
}

template <typename Factor>
void multiplyBy(const at::Tensor& x, const Right& right, const Bits* bias, at::Tensor& result) {
  constexpr int64_t kAFloat = sizeof(float) / sizeof(Factor);  // factors in the place of one
  requireFactor(result, "linear");
  TORCH_CHECK(result.size(0) == x.size(0) && result.size(1) == right.columns && result.stride(1) == 1,
              "linear needs dense rows for its result");
  const at::Tensor left = withDenseRows(x);
  const int64_t rows = left.size(0), depth = right.depth, step = std::min(depth, kDepth);
  const int64_t width = sizeOfItems(right.columns, std::min(kColumns, columnsFor<Factor>(step)));
  const int64_t stride = left.stride(0), resultStride = result.stride(0), whole = roundUp(rows, kRows);
  Bits *from = bitsOf(left), *to = bitsOf(result);
  const bool inSteps = step < depth;
  const int64_t sums = (inSteps ? whole : kRows) * width;
  eachItem((right.columns + width - 1) / width, sums + (width + kRows) * step / kAFloat, [&](int64_t item, float* scratch) {
    const int64_t column = item * width, some = std::min(width, right.columns - column);
    Factor *factor = reinterpret_cast<Factor*>(scratch + sums), *last = factor + width * step;
    for (int64_t k = 0; k < depth; k += step) {
      const int64_t deep = std::min(step, depth - k);
      right.pack(k, deep, column, some, factor);
      for (int64_t r = 0; r < rows; r += kRows) {
        const int64_t here = std::min(kRows, rows - r);
        float* sum = scratch + (inSteps ? r * width : 0);
        int64_t leftStride;  // whole blocks alone, so that there is one micro-kernel for any number of rows
        const Factor* block = leftBlock(from + r * stride + k, stride, here, deep, last, leftStride);
        product(kRows, some, deep, block, leftStride, factor, sum, some, k > 0);
        if (k + deep == depth)
          writeRows(sum, here, some, bias == nullptr ? bias : bias + column, to + r * resultStride + column, resultStride);
      }
    }
  });
}

void multiply(const at::Tensor& x, const Right& right, const Bits* bias, at::Tensor& result) {
  withFactors([&](auto factor) { multiplyBy<decltype(factor)>(x, right, bias, result); });
}

// sum [out, in] += gradᵀ · input, of dense rows.
template <typename Factor>
void addTo(const at::Tensor& g, const at::Tensor& x, at::Tensor& sum) {
  constexpr int64_t kAFloat = sizeof(float) / sizeof(Factor);
  const int64_t rows = x.size(0), out = sum.size(0), in = sum.size(1);
  if (rows == 0) return;
  // Whole steps and a last one that is a multiple of 64, so that there are few micro-kernels for any number of rows.
  const int64_t depth = roundUp(rows, 64);
  const int64_t most = columnsFor<Factor>(depth), panels = (in + most - 1) / most, width = roundUp((in + panels - 1) / panels, kTile);
  const int64_t height = sizeOfItems(out, kRowsOfGrad), blocks = (out + height - 1) / height;
  const std::unique_ptr<Factor[]> memory(new Factor[depth * in + 32]);
  Factor* rights = reinterpret_cast<Factor*>((reinterpret_cast<uintptr_t>(memory.get()) + 63) / 64 * 64);
  const Bits *from = bitsOf(g), *other = bitsOf(x);
  float* sums = sum.data_ptr<float>();
  const int64_t steps = (depth + kDepthOfGrad - 1) / kDepthOfGrad;
  eachItem(panels * steps, 0, [&](int64_t item, float*) {
    const int64_t column = item / steps * width, some = std::min(width, in - column), k = item % steps * kDepthOfGrad;
    const int64_t deep = std::min(kDepthOfGrad, depth - k);
    rightFromRows(other + k * x.stride(0) + column, x.stride(0), std::min(deep, rows - k), deep, some, rights + depth * column + k * some);
  });
  eachItem(panels * blocks, height * depth / kAFloat, [&](int64_t item, float* scratch) {
    const int64_t column = item / blocks * width, some = std::min(width, in - column), first = item % blocks * height;
    const int64_t end = std::min(first + height, out);
    Factor* left = reinterpret_cast<Factor*>(scratch);
    leftFromColumns(from + first, g.stride(0), rows, depth, end - first, left);
    for (int64_t row = first; row < end; row += kRows) {
      const int64_t here = std::min(kRows, end - row);
      float* result = sums + row * in + column;
      for (int64_t k = 0; k < depth; k += kDepthOfGrad) {
        const int64_t deep = std::min(kDepthOfGrad, depth - k);
        product(here, some, deep, left + (row - first) * depth + k, depth, rights + depth * column + k * some, result, in, true);
      }
    }
  });
}

}  // namespace

void linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::Tensor& result) {
  requireFactor(x, "linear");
  requireFactor(weight, "linear");
  const at::Tensor w = withDenseRows(weight);
  TORCH_CHECK(x.size(1) == w.size(1) && w.numel() > 0 && w.size(0) % kTile == 0 && w.size(1) % kTile == 0,
              "linear needs rows as long as the weight's, and sizes that are multiples of 16");
  TORCH_CHECK(!bias || (bias->device().is_cpu() && bias->scalar_type() == at::kBFloat16 && bias->is_contiguous() &&
                        bias->numel() == w.size(0)),
              "linear needs a bias as long as its result's rows");
  multiply(x, {bitsOf(w), w.stride(0), w.size(1), w.size(0), true}, bias ? bitsOf(*bias) : nullptr, result);
}

void inputGrad(const at::Tensor& grad, const at::Tensor& weight, at::Tensor& result) {
  requireFactor(grad, "linear_input_grad");
  requireFactor(weight, "linear_input_grad");
  const at::Tensor w = withDenseRows(weight);
  TORCH_CHECK(grad.size(1) == w.size(0) && w.numel() > 0 && w.size(0) % kTile == 0 && w.size(1) % kTile == 0,
              "linear_input_grad needs rows as long as the weight's columns, and sizes that are multiples of 16");
  multiply(grad, {bitsOf(w), w.stride(0), w.size(0), w.size(1), false}, nullptr, result);
}

void addWeightGrad(const at::Tensor& grad, const at::Tensor& input, at::Tensor& sum) {
  requireFactor(grad, "linear_weight_grad");
  requireFactor(input, "linear_weight_grad");
  TORCH_CHECK(grad.size(0) == input.size(0) && sum.device().is_cpu() && sum.scalar_type() == at::kFloat && sum.is_contiguous() &&
                  sum.dim() == 2 && sum.numel() > 0 && sum.size(0) == grad.size(1) && sum.size(1) == input.size(1) && sum.size(0) % kTile == 0 &&
                  sum.size(1) % kTile == 0,
              "linear_weight_grad needs a float32 sum as large as the weight, and sizes that are multiples of 16");
  const at::Tensor g = withDenseRows(grad), x = withDenseRows(input);
  withFactors([&](auto factor) { addTo<decltype(factor)>(g, x, sum); });
}

}  // namespace redistill::products
