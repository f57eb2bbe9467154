#include "norms.h"

#include "dense_rows.h"
#include "vectors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <vector>

namespace redistill::norms {
namespace {

using rows::bitsOf;
using rows::grain;
using rows::requireNarrow;
using rows::Rows;

constexpr int64_t kRowsAChunk = 128;  // whose share of a weight's gradient is summed before it is added

REDISTILL_CLONES float squaresOf(const Bits* row, int64_t width) {
  Floats lanes = {};
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) lanes += load(row + c) * load(row + c);
  float sum = total(lanes);
  for (; c < width; c++) sum += wide(row[c]) * wide(row[c]);
  return sum;
}

// Adds a row to another, and returns the squares of the sum.
REDISTILL_CLONES float addRow(const Bits* x, int64_t width, Bits* sum) {
  Floats lanes = {};
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Floats added = rounded(load(sum + c) + load(x + c));
    store(added, sum + c);
    lanes += added * added;
  }
  float squares = total(lanes);
  for (; c < width; c++) {
    sum[c] = narrow(wide(sum[c]) + wide(x[c]));
    squares += wide(sum[c]) * wide(sum[c]);
  }
  return squares;
}

float scaleOf(float squares, int64_t width, double eps) {
  return 1.0f / std::sqrt(squares / static_cast<float>(width) + static_cast<float>(eps));
}

REDISTILL_CLONES void normRow(const Bits* x, const Bits* weight, float scale, bool offset, int64_t width, Bits* out) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Floats normed = load(x + c) * scale, factor = load(weight + c);
    store(offset ? normed * (1.0f + factor) : rounded(normed) * factor, out + c);
  }
  for (; c < width; c++) {
    const float normed = wide(x[c]) * scale, factor = wide(weight[c]);
    out[c] = narrow(offset ? normed * (1.0f + factor) : wide(narrow(normed)) * factor);
  }
}

// The sum of grad · (weight + offset) · x over a row.
REDISTILL_CLONES float weightedDot(const Bits* grad, const Bits* x, const Bits* weight, float offset, int64_t width) {
  Floats lanes = {};
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) lanes += load(grad + c) * (load(weight + c) + offset) * load(x + c);
  float sum = total(lanes);
  for (; c < width; c++) sum += wide(grad[c]) * (wide(weight[c]) + offset) * wide(x[c]);
  return sum;
}

// What a row's backward needs beside its values.
struct Slope {
  float scale, mean, offset;
};

// With `add`, `out` is added to.
REDISTILL_CLONES void backwardRow(const Bits* grad, const Bits* x, const Bits* weight, const Slope& by, bool add, int64_t width,
                                  Bits* out, float* weightGrad) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Floats g = load(grad + c), normed = load(x + c) * by.scale;
    const Floats dx = (g * (load(weight + c) + by.offset) - normed * by.mean) * by.scale;
    store(add ? load(out + c) + dx : dx, out + c);
    store(load(weightGrad + c) + g * normed, weightGrad + c);
  }
  for (; c < width; c++) {
    const float g = wide(grad[c]), normed = wide(x[c]) * by.scale;
    const float dx = (g * (wide(weight[c]) + by.offset) - normed * by.mean) * by.scale;
    out[c] = narrow(add ? wide(out[c]) + dx : dx);
    weightGrad[c] += g * normed;
  }
}

void backwardInto(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                  at::Tensor& weightGrad, bool add, at::Tensor& result) {
  requireNarrow(x, "rms_norm_backward");
  requireNarrow(grad, "rms_norm_backward");
  requireNarrow(weight, "rms_norm_backward");
  requireNarrow(result, "rms_norm_backward");
  TORCH_CHECK(weightGrad.device().is_cpu() && (x.dim() == 2 || x.dim() == 3) && grad.sizes() == x.sizes() &&
                  weight.numel() == x.size(-1) && weightGrad.scalar_type() == at::kFloat &&
                  weightGrad.numel() == x.size(-1) && weightGrad.is_contiguous() && result.sizes() == x.sizes() &&
                  result.is_contiguous(),
              "rms_norm_backward needs rows as long as its weight and a float32 sum");
  const Rows in(x), incoming(grad);
  const at::Tensor w = weight.contiguous();
  const int64_t width = in.width, chunks = (in.count + kRowsAChunk - 1) / kRowsAChunk;
  std::vector<float> partial(chunks * width);
  Bits *to = bitsOf(result), *factors = bitsOf(w);
  const float added = static_cast<float>(offset);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * kRowsAChunk; r < std::min(end * kRowsAChunk, in.count); r++) {
      const Bits *g = incoming.at(r), *row = in.at(r);
      const float scale = scaleOf(squaresOf(row, width), width, eps);
      const float mean = weightedDot(g, row, factors, added, width) * scale / static_cast<float>(width);
      backwardRow(g, row, factors, {scale, mean, added}, add, width, to + r * width, partial.data() + r / kRowsAChunk * width);
    }
  });
  float* sums = weightGrad.data_ptr<float>();
  for (int64_t chunk = 0; chunk < chunks; chunk++)
    for (int64_t c = 0; c < width; c++) sums[c] += partial[chunk * width + c];
}

}  // namespace

at::Tensor norm(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset) {
  requireNarrow(x, "rms_norm");
  requireNarrow(weight, "rms_norm");
  TORCH_CHECK((x.dim() == 2 || x.dim() == 3) && weight.numel() == x.size(-1), "rms_norm needs rows as long as its weight");
  const Rows in(x);
  const at::Tensor w = weight.contiguous();
  at::Tensor out = at::empty(x.sizes(), x.options());
  Bits *to = bitsOf(out), *factors = bitsOf(w);
  at::parallel_for(0, in.count, grain(in.width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float scale = scaleOf(squaresOf(in.at(r), in.width), in.width, eps);
      normRow(in.at(r), factors, scale, offset != 0, in.width, to + r * in.width);
    }
  });
  return out;
}

at::Tensor addNorm(at::Tensor& sum, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset) {
  requireNarrow(sum, "add_rms_norm");
  requireNarrow(x, "add_rms_norm");
  requireNarrow(weight, "add_rms_norm");
  TORCH_CHECK(x.dim() == 2 && sum.sizes() == x.sizes() && sum.is_contiguous() && weight.numel() == x.size(1),
              "add_rms_norm needs two matrices of one shape, dense, with rows as long as its weight");
  const Rows in(x);
  const at::Tensor w = weight.contiguous();
  const int64_t width = in.width;
  at::Tensor out = at::empty(x.sizes(), x.options());
  Bits *to = bitsOf(out), *sums = bitsOf(sum), *factors = bitsOf(w);
  at::parallel_for(0, in.count, grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      Bits* row = sums + r * width;
      normRow(row, factors, scaleOf(addRow(in.at(r), width, row), width, eps), offset != 0, width, to + r * width);
    }
  });
  return out;
}

at::Tensor backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                    at::Tensor& weightGrad) {
  at::Tensor out = at::empty(x.sizes(), x.options());
  backwardInto(grad, x, weight, eps, offset, weightGrad, false, out);
  return out;
}

void addBackward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                 at::Tensor& weightGrad, at::Tensor& sum) {
  backwardInto(grad, x, weight, eps, offset, weightGrad, true, sum);
}

}  // namespace redistill::norms
