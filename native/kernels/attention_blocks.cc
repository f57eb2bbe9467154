#include "attention_blocks.h"

#include "clones.h"

#include <algorithm>

namespace redistill {

void copyRows(const Bits* from, int64_t stride, int64_t rows, int64_t width, Bits* to) {
  for (int64_t r = 0; r < rows; r++) std::memcpy(to + r * width, from + r * stride, width * sizeof(Bits));
  std::memset(to + rows * width, 0, (blocksOf(rows) * kBlock - rows) * width * sizeof(Bits));
}

REDISTILL_CLONES void pairRows(const Bits* from, int64_t rows, int64_t width, Bits* to) {
  for (int64_t r = 0; r < rows; r += 2) {
    const Bits *even = from + r * width, *odd = even + width;
    uint32_t* out = reinterpret_cast<uint32_t*>(to + r * width);
    for (int64_t c = 0; c < width; c++) out[c] = even[c] | static_cast<uint32_t>(odd[c]) << 16;
  }
}

REDISTILL_CLONES void pairColumns(const Bits* from, int64_t width, Bits* to) {
  const uint32_t* in = reinterpret_cast<const uint32_t*>(from);
  uint32_t* out = reinterpret_cast<uint32_t*>(to);
  const int64_t pairs = width / 2;
  for (int64_t c = 0; c < pairs; c++)
    for (int64_t r = 0; r < kBlock; r++) out[c * kBlock + r] = in[r * pairs + c];
}

REDISTILL_CLONES void transposeBlock(const Bits* from, int64_t width, Bits* to) {
  for (int64_t c = 0; c < width; c++)
    for (int64_t r = 0; r < kBlock; r++) to[c * kBlock + r] = from[r * width + c];
}

// The running softmax of one query: `row` has the products with 64 keys, of which those from `first` to `end` are seen;
// it is overwritten.
template <bool kMasked>
inline void softmaxOfQuery(float* row, int64_t first, int64_t end, float scale, float& largest, float& sum, float& shrink,
                           Bits* weights) {
  const auto seen = [&](int64_t j) { return !kMasked || (j >= first && j < end); };
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, kHidden);
  for (int64_t j = 0; j < kBlock; j += kLanes)
    for (int64_t l = 0; l < kLanes; l++) {
      const float score = seen(j + l) ? row[j + l] : kHidden;
      lanes[l] = score > lanes[l] ? score : lanes[l];
    }
  const float here = largestOf(lanes) * scale, top = here > largest ? here : largest;
  const float base = top == kHidden ? 0.0f : top;
  shrink = exponential(largest - base);
  for (int64_t j = 0; j < kBlock; j++) {
    row[j] = seen(j) ? exponential(row[j] * scale - base) : 0.0f;
    weights[j] = narrow(row[j]);
  }
  std::fill(lanes, lanes + kLanes, 0.0f);
  for (int64_t j = 0; j < kBlock; j += kLanes)
    for (int64_t l = 0; l < kLanes; l++) lanes[l] += row[j + l];
  largest = top;
  sum = sum * shrink + total(lanes);
}

REDISTILL_CLONES void softmaxStep(float* scores, Bits* weights, float* largest, float* sums, float* shrink, float scale,
                                  const Band& band) {
  for (int64_t i = 0; i < kBlock; i++) {
    float* row = scores + i * kBlock;
    const int64_t first = band.first(i), end = band.end(i);
    if (first == 0 && end == kBlock)
      softmaxOfQuery<false>(row, first, end, scale, largest[i], sums[i], shrink[i], weights + i * kBlock);
    else
      softmaxOfQuery<true>(row, first, end, scale, largest[i], sums[i], shrink[i], weights + i * kBlock);
  }
}

REDISTILL_CLONES void shrinkRows(float* rows, const float* factors, int64_t width) {
  for (int64_t i = 0; i < kBlock; i++)
    for (int64_t c = 0; c < width; c++) rows[i * width + c] *= factors[i];
}

REDISTILL_CLONES void writeRow(const float* from, float factor, int64_t width, Bits* to) {
  for (int64_t c = 0; c < width; c++) to[c] = narrow(from[c] * factor);
}

REDISTILL_CLONES void writeTransposed(const float* from, int64_t rows, int64_t width, Bits* to, int64_t stride) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < width; c++) to[i * stride + c] = narrow(from[c * kBlock + i]);
}

REDISTILL_CLONES float dot(const Bits* a, const Bits* b, int64_t width) {
  float lanes[kLanes] = {};
  for (int64_t c = 0; c < width; c += kLanes)
    for (int64_t l = 0; l < kLanes; l++) lanes[l] += wide(a[c + l]) * wide(b[c + l]);
  return total(lanes);
}

REDISTILL_CLONES void scoreGrads(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                                 float scale, const Band& band, Bits* weights, Bits* left, Bits* right) {
  // Query i sees key j where lowest ≤ i − j, that is i ≥ j − shift, and i < j − shift + window.
  float row[2][kBlock];
  for (int64_t j = 0; j < kBlock; j += 2) {
    for (int64_t odd = 0; odd < 2; odd++) {
      const int64_t key = j + odd;
      const int64_t first = key < band.keys ? std::clamp<int64_t>(key - band.shift, 0, kBlock) : kBlock;
      const int64_t end =
          band.window == 0 ? kBlock : std::clamp<int64_t>(key - band.shift + band.window, 0, kBlock);
      const float *s = scores + key * kBlock, *g = weightGrads + key * kBlock;
      Bits *w = weights + key * kBlock, *l = left + key * kBlock;
      for (int64_t i = 0; i < kBlock; i++) {
        const float weight = i >= first && i < end ? exponential(s[i] * scale - logSums[i]) : 0.0f;
        w[i] = narrow(weight);
        row[odd][i] = weight * (g[i] - deltas[i]) * scale;
        l[i] = narrow(row[odd][i]);
      }
    }
    uint32_t* pairs = reinterpret_cast<uint32_t*>(right + j * kBlock);
    const Bits *even = left + j * kBlock, *odd = even + kBlock;
    for (int64_t i = 0; i < kBlock; i++) pairs[i] = even[i] | static_cast<uint32_t>(odd[i]) << 16;
  }
}

}  // namespace redistill
