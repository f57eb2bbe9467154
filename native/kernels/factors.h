// Lays out the factors of a product as the micro-kernels read them; see micro.h.
#pragma once
#include "vector_math.h"

namespace redistill {

constexpr int64_t kTile = 16;  // factors are laid out in multiples of so many rows or columns

inline int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Factors are laid out as bf16, where right ones are in pairs of rows, [depth / 2, width, 2], or widened to float32. Depth and
// width are multiples of 16.

// A right factor [depth, width] from its transpose: `from` has `width` rows, of which `depth` elements count.
void rightFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, Bits* to);
void rightFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, float* to);

// The same from the factor's own rows, of which `rows` exist; zeros stand for the others up to `depth`.
void rightFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to);
void rightFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, float* to);

// A left factor [width, depth], the transpose of `from`, of whose rows `rows` exist; zeros stand for the others up to `depth`.
void leftFromColumns(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to);
void leftFromColumns(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, float* to);

// A left factor [rows, width] from the first `some` of its rows; the others are zero.
void leftFromRows(const Bits* from, int64_t stride, int64_t some, int64_t rows, int64_t width, Bits* to);
void leftFromRows(const Bits* from, int64_t stride, int64_t some, int64_t rows, int64_t width, float* to);

// A left factor from rows that lie behind each other: themselves, or what is written to `to`.
inline const Bits* asLeft(const Bits* from, int64_t, Bits*) { return from; }
const float* asLeft(const Bits* from, int64_t size, float* to);

}  // namespace redistill
