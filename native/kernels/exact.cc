#include "exact.h"

#include "clones.h"
#include "processor.h"
#include "vectors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace redistill::exact {
namespace {

constexpr int64_t kMost = 4;  // rows, and outputs, that are multiplied at a time

using Multiply = void (*)(const float* const* rows, const float* const* weights, int64_t width, float* results);

// All products of a model are made by these two, whatever their number: of one row or several with some outputs.
struct Dots {
  int64_t rows, outputs;
  Multiply several, one;
};

#define REDISTILL_KERNEL "exact_kernel.inc"
#include "each_processor.inc"

// As many sums as there are registers for.
Dots bestDots() {
  return forProcessor<Dots>({2, 2, portable::dots<2, 2>, portable::dots<1, 2>}, {2, 2, v3::dots<2, 2>, v3::dots<1, 2>},
                            {kMost, kMost, v4::dots<kMost, kMost>, v4::dots<1, kMost>});
}

REDISTILL_CLONES void normRow(const float* x, const float* weight, float eps, float offset, int64_t width, float* out) {
  float lanes[kLanes] = {};
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes)
    for (int64_t l = 0; l < kLanes; l++) lanes[l] += x[c + l] * x[c + l];
  for (; c < width; c++) lanes[c % kLanes] += x[c] * x[c];
  const float scale = 1.0f / std::sqrt(total(lanes) / static_cast<float>(width) + eps);
  for (c = 0; c < width; c++) out[c] = x[c] * scale * (weight[c] + offset);
}

REDISTILL_CLONES void gluRow(const float* gate, const float* up, bool gelu, int64_t width, float* out) {
  if (gelu) {
    // x · sigmoid(2 · √(2/π) · (x + 0.044715 x³)) is GELU's tanh form.
    for (int64_t c = 0; c < width; c++) {
      const float x = gate[c];
      out[c] = x * sigmoid(1.5957691216f * (x + 0.044715f * x * x * x)) * up[c];
    }
    return;
  }
  for (int64_t c = 0; c < width; c++) out[c] = gate[c] * sigmoid(gate[c]) * up[c];
}

REDISTILL_CLONES void rotateRow(const float* x, const float* cosines, const float* sines, int64_t half, float* out) {
  for (int64_t c = 0; c < half; c++) {
    out[c] = x[c] * cosines[c] - x[half + c] * sines[c];
    out[half + c] = x[half + c] * cosines[c] + x[c] * sines[c];
  }
}

void requireWide(const at::Tensor& x, int64_t least, const char* name) {
  TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kFloat && x.dim() >= least && x.numel() > 0, name,
              " needs f32 on the CPU, and rows in it");
}

}  // namespace

at::Tensor linear(const at::Tensor& input, const at::Tensor& weights, const std::optional<at::Tensor>& bias) {
  requireWide(input, 2, "an exact product");
  requireWide(weights, 2, "an exact product");
  const at::Tensor x = input.contiguous(), weight = weights.contiguous();
  const int64_t count = x.size(0), width = x.size(1), outputs = weight.size(0);
  TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && weight.size(1) == width, "an exact product needs [rows, in] and [out, in]");
  at::Tensor addend;
  if (bias) {
    requireWide(*bias, 1, "an exact product");
    TORCH_CHECK(bias->numel() == outputs, "an exact product needs a bias for each output");
    addend = bias->contiguous();
  }
  at::Tensor out = at::empty({count, outputs}, x.options());
  const float *from = x.const_data_ptr<float>(), *matrix = weight.const_data_ptr<float>(),
              *added = bias ? addend.const_data_ptr<float>() : nullptr;
  float* to = out.data_ptr<float>();
  static const Dots dots = bestDots();
  at::parallel_for(0, (outputs + dots.outputs - 1) / dots.outputs, 4, [&](int64_t begin, int64_t end) {
    const float *rows[kMost], *columns[kMost];
    float sums[kMost * kMost];
    for (int64_t n = begin * dots.outputs; n < std::min(end * dots.outputs, outputs); n += dots.outputs) {
      // The last row and output stand in for those that are not there.
      for (int64_t j = 0; j < dots.outputs; j++) columns[j] = matrix + std::min(n + j, outputs - 1) * width;
      for (int64_t r = 0; r < count; r += dots.rows) {
        for (int64_t i = 0; i < dots.rows; i++) rows[i] = from + std::min(r + i, count - 1) * width;
        (r + 1 == count ? dots.one : dots.several)(rows, columns, width, sums);
        for (int64_t i = 0; i < std::min(dots.rows, count - r); i++)
          for (int64_t j = 0; j < std::min(dots.outputs, outputs - n); j++)
            to[(r + i) * outputs + n + j] = sums[i * dots.outputs + j] + (added ? added[n + j] : 0.0f);
      }
    }
  });
  return out;
}

at::Tensor norm(const at::Tensor& input, const at::Tensor& weight, double eps, int64_t offset) {
  requireWide(input, 2, "an exact norm");
  requireWide(weight, 1, "an exact norm");
  const at::Tensor x = input.contiguous(), factors = weight.contiguous();
  const int64_t width = x.size(-1), rows = x.numel() / width;
  TORCH_CHECK(factors.numel() == width, "an exact norm needs a weight as long as its rows");
  at::Tensor out = at::empty(x.sizes(), x.options());
  const float *from = x.const_data_ptr<float>(), *factor = factors.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++)
      normRow(from + r * width, factor, static_cast<float>(eps), static_cast<float>(offset), width, to + r * width);
  });
  return out;
}

at::Tensor glu(const at::Tensor& gateUp, bool gelu) {
  requireWide(gateUp, 2, "an exact glu");
  TORCH_CHECK(gateUp.dim() == 2 && gateUp.size(1) % 2 == 0, "an exact glu needs rows of two halves");
  const at::Tensor in = gateUp.contiguous();
  const int64_t rows = in.size(0), width = in.size(1) / 2;
  at::Tensor out = at::empty({rows, width}, in.options());
  const float* from = in.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++)
      gluRow(from + 2 * r * width, from + (2 * r + 1) * width, gelu, width, to + r * width);
  });
  return out;
}

at::Tensor rotate(const at::Tensor& input, const at::Tensor& cosines, const at::Tensor& sines) {
  requireWide(input, 3, "an exact rotation");
  const at::Tensor x = input.contiguous(), c = cosines.contiguous(), s = sines.contiguous();
  const int64_t tokens = x.size(0), heads = x.size(1), half = x.size(2) / 2;
  for (const at::Tensor* angles : {&c, &s}) {
    requireWide(*angles, 1, "an exact rotation");
    TORCH_CHECK(angles->numel() == tokens * half && x.size(2) % 2 == 0, "an exact rotation needs an angle for each pair");
  }
  at::Tensor out = at::empty(x.sizes(), x.options());
  const float *from = x.const_data_ptr<float>(), *cos = c.const_data_ptr<float>(), *sin = s.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, tokens * heads, 512, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      rotateRow(from + i * 2 * half, cos + i / heads * half, sin + i / heads * half, half, to + i * 2 * half);
  });
  return out;
}

at::Tensor logps(const at::Tensor& given, const at::Tensor& targets) {
  requireWide(given, 2, "exact log-probs");
  const at::Tensor logits = given.contiguous(), wanted = targets.contiguous();
  const int64_t rows = logits.size(0), width = logits.size(1);
  TORCH_CHECK(logits.dim() == 2 && wanted.device().is_cpu() && wanted.scalar_type() == at::kLong && wanted.numel() == rows,
              "exact log-probs need a target for each row");
  at::Tensor out = at::empty({rows}, logits.options().dtype(at::kDouble));
  const int64_t* target = wanted.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < rows; r++)
    TORCH_CHECK_INDEX(target[r] >= 0 && target[r] < width, "target ", target[r], " of ", width, " logits");
  double* to = out.data_ptr<double>();
  at::parallel_for(0, rows, 4, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float* row = logits.const_data_ptr<float>() + r * width;
      const double largest = *std::max_element(row, row + width);
      double sum = 0.0;
      for (int64_t c = 0; c < width; c++) sum += std::exp(row[c] - largest);
      to[r] = row[target[r]] - largest - std::log(sum);
    }
  });
  return out;
}

}  // namespace redistill::exact
