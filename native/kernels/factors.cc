#include "factors.h"

#include "clones.h"
#include "vectors.h"

#include <algorithm>

namespace redistill {

REDISTILL_CLONES void rightFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, Bits* to) {
  uint32_t* out = reinterpret_cast<uint32_t*>(to);
  const int64_t pairs = depth / 2;
  for (int64_t c = 0; c < width; c += kTile)
    for (int64_t p = 0; p < pairs; p += kTile) {
      const int64_t some = std::min(kTile, pairs - p);  // 8 at an odd multiple of 16
      Words tile[kTile];
      for (int64_t r = 0; r < kTile; r++) {
        const Bits* row = from + (c + r) * stride + 2 * p;
        if (some == kTile)
          std::memcpy(&tile[r], row, sizeof(Words));
        else {
          tile[r] = Words{};
          std::memcpy(&tile[r], row, some * sizeof(uint32_t));
        }
      }
      transpose(tile);
      for (int64_t i = 0; i < some; i++) std::memcpy(out + (p + i) * width + c, &tile[i], sizeof(Words));
    }
}

REDISTILL_CLONES void rightFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to) {
  uint32_t* out = reinterpret_cast<uint32_t*>(to);
  for (int64_t r = 0; r + 1 < rows; r += 2) {
    const Bits *even = from + r * stride, *odd = even + stride;
    uint32_t* pairs = out + r / 2 * width;
    for (int64_t c = 0; c < width; c++) pairs[c] = even[c] | static_cast<uint32_t>(odd[c]) << 16;
  }
  if (rows % 2 != 0)
    for (int64_t c = 0; c < width; c++) out[rows / 2 * width + c] = from[(rows - 1) * stride + c];
  const int64_t written = (rows + 1) / 2;
  std::memset(out + written * width, 0, (depth / 2 - written) * width * sizeof(uint32_t));
}

REDISTILL_CLONES void leftFromColumns(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to) {
  for (int64_t r = 0; r < depth; r += 2 * kTile) {
    const int64_t bytes = std::min(2 * kTile, depth - r) * static_cast<int64_t>(sizeof(Bits));
    // Rows lie far apart, on pages of their own, where the processor does not look ahead by itself.
    for (int64_t ahead = r + 2 * kTile; ahead < std::min(r + 4 * kTile, rows); ahead++)
      for (int64_t c = 0; c < width; c += 2 * kTile) __builtin_prefetch(from + ahead * stride + c);
    for (int64_t c = 0; c < width; c += kTile) {
      Words tile[kTile];
      for (int64_t p = 0; p < kTile; p++) {
        const int64_t row = r + 2 * p;
        const Bits *even = from + row * stride + c, *odd = even + stride;
        uint32_t pairs[kTile] = {};
        if (row + 1 < rows)
          for (int64_t l = 0; l < kTile; l++) pairs[l] = even[l] | static_cast<uint32_t>(odd[l]) << 16;
        else if (row < rows)
          for (int64_t l = 0; l < kTile; l++) pairs[l] = even[l];
        std::memcpy(&tile[p], pairs, sizeof(Words));
      }
      transpose(tile);
      for (int64_t l = 0; l < kTile; l++) {
        Bits* row = to + (c + l) * depth + r;
        if (bytes == sizeof(Words))
          std::memcpy(row, &tile[l], sizeof(Words));
        else
          std::memcpy(row, &tile[l], sizeof(Words) / 2);
      }
    }
  }
}

REDISTILL_CLONES void leftFromRows(const Bits* from, int64_t stride, int64_t some, int64_t rows, int64_t width, Bits* to) {
  for (int64_t r = 0; r < some; r++) std::memcpy(to + r * width, from + r * stride, width * sizeof(Bits));
  std::memset(to + some * width, 0, (rows - some) * width * sizeof(Bits));
}

// Widens 16 rows of 16 elements, `stride` apart, and turns them: [16 columns, 16 rows], `columns` elements apart.
REDISTILL_INLINE void widenTurned(const Bits* from, int64_t stride, int64_t rows, float* to, int64_t columns) {
  Words tile[kTile];
  for (int64_t r = 0; r < kTile; r++) tile[r] = r < rows ? (Words)load(from + r * stride) : Words{};
  transpose(tile);
  for (int64_t l = 0; l < kTile; l++) store((Floats)tile[l], to + l * columns);
}

REDISTILL_INLINE void widenRow(const Bits* from, int64_t width, float* to) {
  for (int64_t c = 0; c < width; c += kLanes) store(load(from + c), to + c);
}

REDISTILL_CLONES void rightFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, float* to) {
  for (int64_t c = 0; c < width; c += kTile)
    for (int64_t k = 0; k < depth; k += kTile) widenTurned(from + c * stride + k, stride, kTile, to + k * width + c, width);
}

REDISTILL_CLONES void leftFromRows(const Bits* from, int64_t stride, int64_t some, int64_t rows, int64_t width, float* to) {
  for (int64_t r = 0; r < some; r++) widenRow(from + r * stride, width, to + r * width);
  std::memset(to + some * width, 0, (rows - some) * width * sizeof(float));
}

void rightFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, float* to) {
  leftFromRows(from, stride, rows, depth, width, to);
}

REDISTILL_CLONES void leftFromColumns(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, float* to) {
  for (int64_t r = 0; r < depth; r += kTile) {
    const int64_t here = std::clamp<int64_t>(rows - r, 0, kTile);
    // Rows lie far apart, on pages of their own, where the processor does not look ahead by itself.
    for (int64_t ahead = r + kTile; ahead < std::min(r + 2 * kTile, rows); ahead++)
      for (int64_t c = 0; c < width; c += 2 * kTile) __builtin_prefetch(from + ahead * stride + c);
    for (int64_t c = 0; c < width; c += kTile) widenTurned(from + r * stride + c, stride, here, to + c * depth + r, depth);
  }
}

REDISTILL_CLONES const float* asLeft(const Bits* from, int64_t size, float* to) {
  widenRow(from, size, to);
  return to;
}

}  // namespace redistill
