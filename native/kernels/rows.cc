#include "rows.h"

#include "dense_rows.h"
#include "vectors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cmath>

namespace redistill::rows {
namespace {

constexpr int64_t kColumnsASum = 512;  // whose exponentials are summed in float32 before they are added in float64
constexpr float kGeluInner = 0.7978845608f, kGeluCube = 0.044715f;

// The activation of a gate, and its slope.
template <typename T>
REDISTILL_INLINE T activated(const T& x, bool gelu) {
  return x * sigmoid(gelu ? 2 * kGeluInner * (x + kGeluCube * x * x * x) : x);
}

template <typename T>
REDISTILL_INLINE T slopeAt(const T& x, bool gelu) {
  if (!gelu) {
    const T s = sigmoid(x);
    return s + x * s * (1 - s);
  }
  const T s = sigmoid(2 * kGeluInner * (x + kGeluCube * x * x * x));
  return s + x * s * (1 - s) * (2 * kGeluInner * (1 + 3 * kGeluCube * x * x));
}

REDISTILL_CLONES void gluRow(const Bits* gate, const Bits* up, int64_t width, bool gelu, Bits* out) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) store(activated(load(gate + c), gelu) * load(up + c), out + c);
  for (; c < width; c++) out[c] = narrow(activated(wide(gate[c]), gelu) * wide(up[c]));
}

REDISTILL_CLONES void gluBackwardRow(const Bits* grad, const Bits* gate, const Bits* up, int64_t width, bool gelu,
                                     Bits* dGate, Bits* dUp) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Floats x = load(gate + c), g = load(grad + c);
    store(g * load(up + c) * slopeAt(x, gelu), dGate + c);
    store(g * activated(x, gelu), dUp + c);
  }
  for (; c < width; c++) {
    const float x = wide(gate[c]), g = wide(grad[c]);
    dGate[c] = narrow(g * wide(up[c]) * slopeAt(x, gelu));
    dUp[c] = narrow(g * activated(x, gelu));
  }
}

REDISTILL_CLONES void rotateRow(const Bits* x, const Bits* cosines, const Bits* sines, float sign, int64_t half, Bits* out) {
  for (int64_t c = 0; c < half; c++) {
    const float a = wide(x[c]), b = wide(x[c + half]), cosine = wide(cosines[c]), sine = sign * wide(sines[c]);
    out[c] = narrow(a * cosine - b * sine);
    out[c + half] = narrow(b * cosine + a * sine);
  }
}

REDISTILL_CLONES float largestOfRow(const Bits* row, int64_t width) {
  Floats lanes = Floats{} + wide(row[0]);
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Floats values = load(row + c);
    lanes = values > lanes ? values : lanes;
  }
  float largest = largestOf(lanes);
  for (; c < width; c++) largest = wide(row[c]) > largest ? wide(row[c]) : largest;
  return largest;
}

REDISTILL_CLONES float sumOfExponentials(const Bits* row, float largest, int64_t width) {
  Floats lanes = {};
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) lanes += exponential(load(row + c) - largest);
  float sum = total(lanes);
  for (; c < width; c++) sum += exponential(wide(row[c]) - largest);
  return sum;
}

// `out` may be `row`.
REDISTILL_CLONES void softmaxRow(const Bits* row, float largest, float factor, int64_t width, Bits* out) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) store(factor * exponential(load(row + c) - largest), out + c);
  for (; c < width; c++) out[c] = narrow(factor * exponential(wide(row[c]) - largest));
}

struct Softmax {
  float largest;
  double denominator;
  float logp(Bits logit) const { return static_cast<float>(wide(logit) - largest - std::log(denominator)); }
};

Softmax softmaxOf(const Bits* row, int64_t width) {
  Softmax result{largestOfRow(row, width), 0.0};
  for (int64_t c = 0; c < width; c += kColumnsASum)
    result.denominator += sumOfExponentials(row + c, result.largest, std::min(kColumnsASum, width - c));
  return result;
}

void requireLogits(const at::Tensor& logits, const at::Tensor& targets) {
  requireNarrow(logits, "softmax_grad");
  TORCH_CHECK(targets.device().is_cpu() && logits.dim() == 2 && logits.stride(1) == 1 && logits.size(1) > 0 && targets.scalar_type() == at::kLong &&
                  targets.numel() == logits.size(0),
              "softmax_grad needs dense rows and a target for each");
}

int64_t targetOf(const int64_t* targets, int64_t row, int64_t width) {
  TORCH_CHECK_INDEX(targets[row] >= 0 && targets[row] < width, "target ", targets[row], " of ", width, " logits");
  return targets[row];
}

}  // namespace

at::Tensor glu(const at::Tensor& gateUp, bool gelu) {
  requireNarrow(gateUp, "glu");
  TORCH_CHECK(gateUp.dim() == 2 && gateUp.size(1) % 2 == 0, "glu needs rows of two halves");
  const Rows in(gateUp);
  const int64_t width = in.width / 2;
  at::Tensor out = at::empty({in.count, width}, gateUp.options());
  Bits* to = bitsOf(out);
  at::parallel_for(0, in.count, grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) gluRow(in.at(r), in.at(r) + width, width, gelu, to + r * width);
  });
  return out;
}

at::Tensor gluBackward(const at::Tensor& grad, const at::Tensor& gateUp, bool gelu) {
  requireNarrow(grad, "glu_backward");
  const Rows incoming(grad), in(gateUp);
  const int64_t width = incoming.width;
  at::Tensor out = at::empty({in.count, in.width}, gateUp.options());
  Bits* to = bitsOf(out);
  at::parallel_for(0, in.count, grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      Bits* row = to + r * in.width;
      gluBackwardRow(incoming.at(r), in.at(r), in.at(r) + width, width, gelu, row, row + width);
    }
  });
  return out;
}

at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines, bool back) {
  requireNarrow(x, "rotate");
  requireNarrow(cosines, "rotate");
  requireNarrow(sines, "rotate");
  TORCH_CHECK(x.dim() == 3 && x.size(2) % 2 == 0 && cosines.numel() == x.size(0) * x.size(2) / 2 &&
                  sines.numel() == cosines.numel(),
              "rotate needs heads of two halves and an angle for each pair");
  const Rows in(x);
  const at::Tensor c = cosines.contiguous(), s = sines.contiguous();
  const int64_t half = in.width / 2;
  at::Tensor out = at::empty({x.size(0), x.size(1), in.width}, x.options());
  Bits *to = bitsOf(out), *cos = bitsOf(c), *sin = bitsOf(s);
  const float sign = back ? -1.0f : 1.0f;
  at::parallel_for(0, in.count, grain(in.width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const int64_t token = r / in.inner * half;
      rotateRow(in.at(r), cos + token, sin + token, sign, half, to + r * in.width);
    }
  });
  return out;
}

at::Tensor targetLogps(const at::Tensor& logits, const at::Tensor& targets) {
  requireLogits(logits, targets);
  const at::Tensor chosen = targets.contiguous();
  at::Tensor logps = at::empty({logits.size(0)}, logits.options().dtype(at::kFloat));
  const Rows in(logits);
  const int64_t* wanted = chosen.data_ptr<int64_t>();
  float* result = logps.data_ptr<float>();
  at::parallel_for(0, in.count, grain(in.width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++)
      result[r] = softmaxOf(in.at(r), in.width).logp(in.at(r)[targetOf(wanted, r, in.width)]);
  });
  return logps;
}

at::Tensor softmaxGrad(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights, at::Tensor& grad) {
  requireLogits(logits, targets);
  requireNarrow(grad, "softmax_grad");
  TORCH_CHECK(weights.device().is_cpu() && grad.sizes() == logits.sizes() && grad.stride(1) == 1 && weights.scalar_type() == at::kFloat &&
                  weights.numel() == logits.size(0),
              "softmax_grad needs a gradient as large as the logits and a weight for each row");
  const at::Tensor chosen = targets.contiguous(), factors = weights.contiguous();
  at::Tensor logps = at::empty({logits.size(0)}, weights.options());
  const Rows in(logits), out(grad);
  const int64_t* wanted = chosen.data_ptr<int64_t>();
  const float* factor = factors.data_ptr<float>();
  float* result = logps.data_ptr<float>();
  at::parallel_for(0, in.count, grain(in.width), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const int64_t target = targetOf(wanted, r, in.width);
      const Softmax softmax = softmaxOf(in.at(r), in.width);
      result[r] = softmax.logp(in.at(r)[target]);
      softmaxRow(in.at(r), softmax.largest, static_cast<float>(-factor[r] / softmax.denominator), in.width, out.at(r));
      out.at(r)[target] = narrow(-factor[r] * std::expm1(result[r]));
    }
  });
  return logps;
}

}  // namespace redistill::rows
