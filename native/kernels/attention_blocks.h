// What attention does with a block of 64 queries and 64 keys, beside its products. Rows are dense.
#pragma once
#include "vector_math.h"

#include <algorithm>
#include <limits>

namespace redistill {

constexpr int64_t kBlock = 64;
constexpr float kHidden = -std::numeric_limits<float>::infinity();

inline int64_t blocksOf(int64_t length) { return (length + kBlock - 1) / kBlock; }

// What a block hides: query i sees key j where j ≤ i, and i − j < window if there is one. Offsets are those of the block.
struct Band {
  int64_t shift;   // position of the first query minus that of the first key
  int64_t window;  // 0 for none
  int64_t keys;    // keys of the block that exist
  int64_t first(int64_t query) const {
    return window == 0 ? 0 : std::clamp<int64_t>(query + shift - window + 1, 0, kBlock);
  }
  int64_t end(int64_t query) const { return std::clamp<int64_t>(query + shift + 1, 0, keys); }
};

// Writes rows of [rows, width] behind each other, and zeros up to whole blocks.
void copyRows(const Bits* from, int64_t stride, int64_t rows, int64_t width, Bits* to);

// One step of the running softmax over products [64, 64]: writes what is not yet divided to `weights`, and the factors by
// which earlier sums shrink to `shrink`. A query that sees nothing keeps its state.
void softmaxStep(const float* scores, Bits* weights, float* largest, float* sums, float* shrink, float scale,
                 const Band& band);
void softmaxStep(const float* scores, float* weights, float* largest, float* sums, float* shrink, float scale,
                 const Band& band);

// Multiplies each of 64 rows by its factor.
void shrinkRows(float* rows, const float* factors, int64_t width);

// Writes a row times a factor in bf16.
void writeRow(const float* from, float factor, int64_t width, Bits* to);

// Writes the transpose of [width, 64] in bf16, `rows` rows of it.
void writeTransposed(const float* from, int64_t rows, int64_t width, Bits* to, int64_t stride);

// Of two rows whose width is a multiple of 16.
float dot(const Bits* a, const Bits* b, int64_t width);

// From transposed scores and transposed gradients of the weights, both [keys, queries]: the weights, and the gradients of
// the scores as a left factor and as a right one.
void scoreGrads(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                float scale, const Band& band, Bits* weights, Bits* left, Bits* right);
void scoreGrads(const float* scores, const float* weightGrads, const float* logSums, const float* deltas,
                float scale, const Band& band, float* weights, float* left, float* right);

}  // namespace redistill
