#include "attention_blocks.h"

#include "clones.h"
#include "factors.h"
#include "vectors.h"

#include <algorithm>

namespace redistill {

void copyRows(const Bits* from, int64_t stride, int64_t rows, int64_t width, Bits* to) {
  for (int64_t r = 0; r < rows; r++) std::memcpy(to + r * width, from + r * stride, width * sizeof(Bits));
  std::memset(to + rows * width, 0, (blocksOf(rows) * kBlock - rows) * width * sizeof(Bits));
}

// 0 to 15.
REDISTILL_INLINE Words counted() {
  Words result;
  for (int l = 0; l < kLanes; l++) result[l] = l;
  return result;
}

// The running softmax of one query: `row` has the products with 64 keys, of which those from `first` to `end` are seen.
template <bool kMasked, typename Factor>
REDISTILL_INLINE void softmaxOfQuery(const float* row, int64_t first, int64_t end, float scale, float& largest, float& sum,
                                     float& shrink, Factor* weights) {
  constexpr int64_t kVectors = kBlock / kLanes;
  const Floats hidden = Floats{} + kHidden, nothing = Floats{};
  const Words from = Words{} + static_cast<uint32_t>(first), seen = Words{} + static_cast<uint32_t>(end - first);
  Floats scores[kVectors], most = hidden;
  for (int64_t v = 0; v < kVectors; v++) {
    scores[v] = load(row + v * kLanes);
    // A place before the first is a large number when it is counted from there.
    if (kMasked) scores[v] = counted() + static_cast<uint32_t>(v * kLanes) - from < seen ? scores[v] : hidden;
    most = scores[v] > most ? scores[v] : most;
  }
  const float here = largestOf(most) * scale, top = here > largest ? here : largest;
  const float base = top == kHidden ? 0.0f : top;
  shrink = exponential(largest - base);
  Floats all = nothing;
  for (int64_t v = 0; v < kVectors; v++) {
    Floats weight = exponential(scores[v] * scale - base);
    if (kMasked) weight = scores[v] == hidden ? nothing : weight;
    store(weight, weights + v * kLanes);
    all += weight;
  }
  largest = top;
  sum = sum * shrink + total(all);
}

template <typename Factor>
REDISTILL_INLINE void softmaxStepOf(const float* scores, Factor* weights, float* largest, float* sums, float* shrink, float scale,
                                    const Band& band) {
  for (int64_t i = 0; i < kBlock; i++) {
    const float* row = scores + i * kBlock;
    const int64_t first = band.first(i), end = band.end(i);
    if (first == 0 && end == kBlock)
      softmaxOfQuery<false>(row, first, end, scale, largest[i], sums[i], shrink[i], weights + i * kBlock);
    else
      softmaxOfQuery<true>(row, first, std::max(first, end), scale, largest[i], sums[i], shrink[i], weights + i * kBlock);
  }
}

REDISTILL_CLONES void softmaxStep(const float* scores, Bits* weights, float* largest, float* sums, float* shrink, float scale,
                                  const Band& band) {
  softmaxStepOf(scores, weights, largest, sums, shrink, scale, band);
}

REDISTILL_CLONES void softmaxStep(const float* scores, float* weights, float* largest, float* sums, float* shrink, float scale,
                                  const Band& band) {
  softmaxStepOf(scores, weights, largest, sums, shrink, scale, band);
}

REDISTILL_CLONES void shrinkRows(float* rows, const float* factors, int64_t width) {
  for (int64_t i = 0; i < kBlock; i++)
    for (int64_t c = 0; c < width; c++) rows[i * width + c] *= factors[i];
}

REDISTILL_CLONES void writeRow(const float* from, float factor, int64_t width, Bits* to) {
  for (int64_t c = 0; c < width; c++) to[c] = narrow(from[c] * factor);
}

REDISTILL_CLONES void writeTransposed(const float* from, int64_t rows, int64_t width, Bits* to, int64_t stride) {
  for (int64_t r = 0; r < rows; r += kLanes)
    for (int64_t c = 0; c < width; c += kLanes) {
      Words tile[kLanes];
      for (int64_t l = 0; l < kLanes; l++) tile[l] = (Words)load(from + (c + l) * kBlock + r);
      transpose(tile);
      for (int64_t l = 0; l < std::min(kLanes, rows - r); l++) store((Floats)tile[l], to + (r + l) * stride + c);
    }
}

REDISTILL_CLONES float dot(const Bits* a, const Bits* b, int64_t width) {
  float lanes[kLanes] = {};
  for (int64_t c = 0; c < width; c += kLanes)
    for (int64_t l = 0; l < kLanes; l++) lanes[l] += wide(a[c + l]) * wide(b[c + l]);
  return total(lanes);
}

// Lays out two rows of a left factor for a right one.
REDISTILL_INLINE void layRight(const Bits* rows, Bits* right) { rightFromRows(rows, kBlock, 2, 2, kBlock, right); }
REDISTILL_INLINE void layRight(const float* rows, float* right) { std::memcpy(right, rows, 2 * kBlock * sizeof(float)); }

template <typename Factor>
REDISTILL_INLINE void scoreGradsOf(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                                 float scale, const Band& band, Factor* weights, Factor* left, Factor* right) {
  // Query i sees key j where lowest ≤ i − j, that is i ≥ j − shift, and i < j − shift + window.
  for (int64_t j = 0; j < kBlock; j += 2) {
    for (int64_t key = j; key < j + 2; key++) {
      const int64_t first = key < band.keys ? std::clamp<int64_t>(key - band.shift, 0, kBlock) : kBlock;
      const int64_t end =
          band.window == 0 ? kBlock : std::clamp<int64_t>(key - band.shift + band.window, 0, kBlock);
      const Words from = Words{} + static_cast<uint32_t>(first);
      const Words seen = Words{} + static_cast<uint32_t>(std::max<int64_t>(end - first, 0));
      const float *s = scores + key * kBlock, *g = weightGrads + key * kBlock;
      Factor *w = weights + key * kBlock, *l = left + key * kBlock;
      for (int64_t i = 0; i < kBlock; i += kLanes) {
        const Floats computed = exponential(load(s + i) * scale - load(logSums + i));
        const Floats weight = counted() + static_cast<uint32_t>(i) - from < seen ? computed : Floats{};
        store(weight, w + i);
        store(weight * (load(g + i) - load(deltas + i)) * scale, l + i);
      }
    }
    layRight(left + j * kBlock, right + j * kBlock);
  }
}

REDISTILL_CLONES void scoreGrads(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                                 float scale, const Band& band, Bits* weights, Bits* left, Bits* right) {
  scoreGradsOf(scores, weightGrads, logSums, deltas, scale, band, weights, left, right);
}

REDISTILL_CLONES void scoreGrads(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                                 float scale, const Band& band, float* weights, float* left, float* right) {
  scoreGradsOf(scores, weightGrads, logSums, deltas, scale, band, weights, left, right);
}

}  // namespace redistill
