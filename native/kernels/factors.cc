#include "factors.h"

#include "clones.h"

#include <algorithm>

namespace redistill {
namespace {

typedef uint32_t Lanes __attribute__((vector_size(64), aligned(4), may_alias));

// Swaps the halves of blocks of 2 · kStep rows and columns that are not on the diagonal.
template <int kStep>
inline void swapBlocks(Lanes (&rows)[kTile]) {
  Lanes lower, upper;
  for (int l = 0; l < kTile; l++) {
    lower[l] = (l & kStep) != 0 ? kTile + l - kStep : l;
    upper[l] = (l & kStep) != 0 ? kTile + l : l + kStep;
  }
  for (int r = 0; r < kTile; r++) {
    if ((r & kStep) != 0) continue;
    const Lanes a = rows[r], b = rows[r + kStep];
    rows[r] = __builtin_shuffle(a, b, lower);
    rows[r + kStep] = __builtin_shuffle(a, b, upper);
  }
}

inline void transpose(Lanes (&rows)[kTile]) {
  swapBlocks<1>(rows);
  swapBlocks<2>(rows);
  swapBlocks<4>(rows);
  swapBlocks<8>(rows);
}

}  // namespace

REDISTILL_CLONES void pairsFromColumns(const Bits* from, int64_t stride, int64_t depth, int64_t width, Bits* to) {
  uint32_t* out = reinterpret_cast<uint32_t*>(to);
  const int64_t pairs = depth / 2;
  for (int64_t c = 0; c < width; c += kTile)
    for (int64_t p = 0; p < pairs; p += kTile) {
      const int64_t some = std::min(kTile, pairs - p);  // 8 at an odd multiple of 16
      Lanes tile[kTile];
      for (int64_t r = 0; r < kTile; r++) {
        const Bits* row = from + (c + r) * stride + 2 * p;
        if (some == kTile)
          std::memcpy(&tile[r], row, sizeof(Lanes));
        else {
          tile[r] = Lanes{};
          std::memcpy(&tile[r], row, some * sizeof(uint32_t));
        }
      }
      transpose(tile);
      for (int64_t i = 0; i < some; i++) std::memcpy(out + (p + i) * width + c, &tile[i], sizeof(Lanes));
    }
}

REDISTILL_CLONES void pairsFromRows(const Bits* from, int64_t stride, int64_t rows, int64_t depth, int64_t width, Bits* to) {
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
      Lanes tile[kTile];
      for (int64_t p = 0; p < kTile; p++) {
        const int64_t row = r + 2 * p;
        const Bits *even = from + row * stride + c, *odd = even + stride;
        uint32_t pairs[kTile] = {};
        if (row + 1 < rows)
          for (int64_t l = 0; l < kTile; l++) pairs[l] = even[l] | static_cast<uint32_t>(odd[l]) << 16;
        else if (row < rows)
          for (int64_t l = 0; l < kTile; l++) pairs[l] = even[l];
        std::memcpy(&tile[p], pairs, sizeof(Lanes));
      }
      transpose(tile);
      for (int64_t l = 0; l < kTile; l++) std::memcpy(to + (c + l) * depth + r, &tile[l], bytes);
    }
  }
}

}  // namespace redistill
