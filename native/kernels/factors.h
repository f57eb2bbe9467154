// Lays out the factors of a product as the micro-kernels read them.
#pragma once
#include "vector_math.h"

namespace redistill {

constexpr int64_t kTile = 16;  // factors are laid out in multiples of so many rows or columns

inline int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// A right factor [depth, width] in pairs of rows, [depth / 2, width, 2], from its transpose: `from` has `width` rows, of which
// `depth` elements count. Both are multiples of 16.
void pairsFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, Bits* to);

// The same from the factor's own rows, of which `rows` exist; zeros stand for the others up to `depth`.
void pairsFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to);

// A left factor [width, depth], the transpose of `from`, of whose rows `rows` exist; zeros stand for the others up to `depth`.
// Both are multiples of 16.
void leftFromColumns(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to);

}  // namespace redistill
