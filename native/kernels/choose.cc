#include "choose.h"

#include "clones.h"
#include "vector_math.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace redistill {
namespace {

constexpr int64_t kPart = 512;  // probabilities whose sum is kept
constexpr int64_t kStretch = 64;  // probabilities that are looked at together
constexpr float kLeast = -60.0f;  // the logarithm of what no longer counts beside the largest: 1e-26

float widened(Bits value) { return wide(value); }
float widened(float value) { return value; }

// Copies a row and returns the largest of it; not a number where one of them is none.
template <typename T>
REDISTILL_INLINE float copyOf(const T* from, int64_t width, float* to) {
  float largest = widened(from[0]);
  int spoilt = 0;
#pragma omp simd reduction(max : largest) reduction(| : spoilt)
  for (int64_t c = 0; c < width; c++) {
    const float x = widened(from[c]);
    largest = x > largest ? x : largest;
    spoilt |= x != x;
    to[c] = x;
  }
  return spoilt ? std::numeric_limits<float>::quiet_NaN() : largest;
}

REDISTILL_CLONES float copyRow(const Bits* from, int64_t width, float* to) { return copyOf(from, width, to); }
REDISTILL_CLONES float copyRow(const float* from, int64_t width, float* to) { return copyOf(from, width, to); }

// Makes logits into probabilities, the largest 1, and returns their sum.
REDISTILL_CLONES double exponentials(float* row, int64_t width, float largest, float factor) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < width; c++) {
    const float x = (row[c] - largest) * factor;
    row[c] = x < kLeast ? 0.0f : exponential(x);
    sum += row[c];
  }
  return sum;
}

// Writes the indices of what is at least `least`, in order: few of a row, so that most stretches hold none.
REDISTILL_CLONES int64_t indicesOf(const float* row, int64_t width, float least, int32_t* to) {
  int64_t count = 0;
  for (int64_t at = 0; at < width; at += kStretch) {
    const int64_t end = std::min(at + kStretch, width);
    int some = 0;
    for (int64_t c = at; c < end; c++) some |= row[c] >= least;
    if (some)
      for (int64_t c = at; c < end; c++)
        if (row[c] >= least) to[count++] = static_cast<int32_t>(c);
  }
  return count;
}

// The least of the largest values that together reach `mass`, without sorting: quickselect by mass. The values are reordered.
float leastOfNucleus(std::vector<float>& values, double mass) {
  auto begin = values.begin(), end = values.end();
  while (end - begin > 1) {
    const float a = *begin, b = *(begin + (end - begin) / 2), c = *(end - 1);
    const float pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
    const auto larger = std::partition(begin, end, [&](float x) { return x > pivot; });
    const auto equal = std::partition(larger, end, [&](float x) { return x == pivot; });
    double above = 0.0;
    for (auto at = begin; at != larger; ++at) above += *at;
    if (above >= mass) {
      end = larger;
      continue;
    }
    mass -= above + static_cast<double>(pivot) * static_cast<double>(equal - larger);
    if (mass <= 0.0 || equal == end) return pivot;
    begin = equal;
  }
  return *begin;
}

// How a row is sampled, as it stands in a row of the tensor.
struct Sampling {
  double temperature, topP, topK, minP;
};

// One thread's work on its rows.
class Chooser {
 public:
  explicit Chooser(int64_t width)
      : width_(width), row_(new float[width]), indices_(new int32_t[width]), sums_((width + kPart - 1) / kPart) {}

  template <typename T>
  int64_t token(const T* logits, double uniform, const Sampling& sampling) {
    const float largest = copyRow(logits, width_, row());
    if (!std::isfinite(largest)) return -1;
    if (sampling.temperature == 0.0) return std::find(row(), row() + width_, largest) - row();
    double total = 0.0;
    for (size_t part = 0; part < sums_.size(); part++) {
      const int64_t at = static_cast<int64_t>(part) * kPart;
      sums_[part] = exponentials(row() + at, std::min(kPart, width_ - at), largest, static_cast<float>(1.0 / sampling.temperature));
      total += sums_[part];
    }
    const bool keepsAll = sampling.topP >= 1.0 && sampling.topK == 0.0 && sampling.minP == 0.0;
    return keepsAll ? ofAll(uniform, total) : ofKept(uniform, total, sampling);
  }

 private:
  float* row() { return row_.get(); }

  int64_t ofKept(double uniform, double total, const Sampling& sampling) {
    // The largest is 1. Where top-p alone cuts, what is less than this is outside of the nucleus: all of it together is not what may be
    // left out.
    const bool isNucleus = sampling.topK == 0.0 && sampling.minP == 0.0;
    const double outside = isNucleus ? (1.0 - sampling.topP) * total / static_cast<double>(width_) * 0.999 : sampling.minP;
    const float least = std::max(static_cast<float>(outside), std::numeric_limits<float>::min());
    const int64_t count = indicesOf(row(), width_, least, indices_.get());
    candidates_.resize(count);
    for (int64_t i = 0; i < count; i++) candidates_[i] = row()[indices_[i]];
    const float threshold = leastKept(isNucleus, total, sampling);
    double kept = 0.0;
    for (int64_t i = 0; i < count; i++)
      if (row()[indices_[i]] >= threshold) kept += row()[indices_[i]];
    const double target = uniform * kept;
    double sum = 0.0;
    int64_t last = -1;
    for (int64_t i = 0; i < count && sum <= target; i++) {
      if (row()[indices_[i]] < threshold) continue;
      sum += row()[indices_[i]];
      last = indices_[i];
    }
    return last;
  }

  // The least of the candidates that top-k and top-p keep.
  float leastKept(bool isNucleus, double total, const Sampling& sampling) {
    float threshold = 0.0f;
    if (sampling.topK > 0.0 && sampling.topK < static_cast<double>(candidates_.size())) {
      const auto last = candidates_.begin() + static_cast<int64_t>(sampling.topK) - 1;
      std::nth_element(candidates_.begin(), last, candidates_.end(), std::greater<float>());
      threshold = *last;
      const auto end = std::partition(candidates_.begin(), candidates_.end(), [&](float x) { return x >= threshold; });
      candidates_.erase(end, candidates_.end());
    }
    if (sampling.topP >= 1.0) return threshold;
    double mass = total;
    if (!isNucleus) {
      mass = 0.0;
      for (const float x : candidates_) mass += x;
    }
    return std::max(threshold, leastOfNucleus(candidates_, sampling.topP * mass));
  }

  int64_t ofAll(double uniform, double total) {
    const double target = uniform * total;
    double sum = 0.0;
    size_t part = 0;
    while (part + 1 < sums_.size() && sum + sums_[part] <= target) sum += sums_[part++];
    const int64_t at = static_cast<int64_t>(part) * kPart, end = std::min(at + kPart, width_);
    for (int64_t c = at; c < end; c++) {
      sum += row()[c];
      if (row()[c] > 0.0f && sum > target) return c;
    }
    // A part's own sum is rounded in another order: it may be passed by a hair at its last token.
    int64_t last = end - 1;
    while (row()[last] <= 0.0f) last--;
    return last;
  }

  int64_t width_;
  std::unique_ptr<float[]> row_;
  std::unique_ptr<int32_t[]> indices_;
  std::vector<double> sums_;
  std::vector<float> candidates_;
};

}  // namespace

at::Tensor choose(const at::Tensor& given, const at::Tensor& uniforms, const at::Tensor& sampling) {
  const auto kind = given.scalar_type();
  TORCH_CHECK(given.device().is_cpu() && given.dim() == 2 && given.size(1) > 0 &&
                  given.size(1) <= std::numeric_limits<int32_t>::max() && (kind == at::kBFloat16 || kind == at::kFloat),
              "choosing tokens needs bf16 or f32[rows, vocab] on the CPU");
  const at::Tensor logits = given.contiguous(), drawn = uniforms.contiguous(), ways = sampling.contiguous();
  const int64_t rows = logits.size(0), width = logits.size(1);
  TORCH_CHECK(drawn.device().is_cpu() && drawn.scalar_type() == at::kDouble && drawn.numel() == rows,
              "choosing tokens needs a number in f64 for every row");
  TORCH_CHECK(ways.device().is_cpu() && ways.scalar_type() == at::kDouble && ways.dim() == 2 && ways.size(0) == rows && ways.size(1) == 4,
              "choosing tokens needs temperature, top-p, top-k and min-p in f64 for every row");
  at::Tensor tokens = at::empty({rows}, logits.options().dtype(at::kLong));
  int64_t* to = tokens.data_ptr<int64_t>();
  const double* numbers = drawn.const_data_ptr<double>();
  const double* way = ways.const_data_ptr<double>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    Chooser chooser(width);
    for (int64_t r = begin; r < end; r++) {
      const Sampling row{way[4 * r], way[4 * r + 1], way[4 * r + 2], way[4 * r + 3]};
      if (kind == at::kFloat)
        to[r] = chooser.token(logits.const_data_ptr<float>() + r * width, numbers[r], row);
      else
        to[r] = chooser.token(static_cast<const Bits*>(logits.data_ptr()) + r * width, numbers[r], row);
    }
  });
  return tokens;
}

}  // namespace redistill
