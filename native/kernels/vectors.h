// Vectors of 16 values, which the compiler makes of what the processor has; where it is left to find them in a loop, it takes
// shorter ones. They are GCC's and Clang's own. All is inlined, into each clone of a loop.
#pragma once
#include "vector_math.h"

namespace redistill {

using Floats = float __attribute__((vector_size(64)));
using Half = float __attribute__((vector_size(32)));
using Quarter = float __attribute__((vector_size(16)));
using Narrows = Bits __attribute__((vector_size(32)));

REDISTILL_INLINE Floats load(const float* from) {
  Floats result;
  std::memcpy(&result, from, sizeof(result));
  return result;
}

REDISTILL_INLINE Floats load(const Bits* from) {
  Narrows bits;
  std::memcpy(&bits, from, sizeof(bits));
  return (Floats)(__builtin_convertvector(bits, Words) << 16);
}

REDISTILL_INLINE void store(const Floats& values, float* to) { std::memcpy(to, &values, sizeof(values)); }

// The bits of the nearest bf16s, as `narrow` rounds.
REDISTILL_INLINE Words narrowed(const Floats& values) {
  const Words bits = (Words)values, nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, none = Words{} + 0x7fc0;
  return values == values ? nearest : none;
}

REDISTILL_INLINE Floats rounded(const Floats& values) { return (Floats)(narrowed(values) << 16); }

REDISTILL_INLINE void store(const Floats& values, Bits* to) {
  const Narrows result = __builtin_convertvector(narrowed(values), Narrows);
  std::memcpy(to, &result, sizeof(result));
}

// The first `count` of 16 values; the rest are zero.
template <typename T>
REDISTILL_INLINE Floats loadSome(const T* from, int64_t count) {
  T padded[kLanes] = {};
  std::memcpy(padded, from, count * sizeof(T));
  return load(padded);
}

template <typename T>
REDISTILL_INLINE void storeSome(const Floats& values, int64_t count, T* to) {
  T padded[kLanes];
  store(values, padded);
  std::memcpy(to, padded, count * sizeof(T));
}

// Four sums of four values, each of every fourth.
REDISTILL_INLINE Quarter quarterOf(const Floats& values) {
  const Half half = __builtin_shufflevector(values, values, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(values, values, 8, 9, 10, 11, 12, 13, 14, 15);
  return __builtin_shufflevector(half, half, 0, 1, 2, 3) + __builtin_shufflevector(half, half, 4, 5, 6, 7);
}

REDISTILL_INLINE float sumOf(const Floats& values) {
  const Quarter four = quarterOf(values);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

REDISTILL_INLINE float total(const Floats& values) {
  float lanes[kLanes];
  store(values, lanes);
  return total(lanes);
}

REDISTILL_INLINE float largestOf(const Floats& values) {
  float lanes[kLanes];
  store(values, lanes);
  return largestOf(lanes);
}

// Swaps the halves of blocks of 2 · kStep rows and columns that are not on the diagonal.
template <int kStep>
REDISTILL_INLINE void swapBlocks(Words (&rows)[kLanes]) {
  Words lower, upper;
  for (int l = 0; l < kLanes; l++) {
    lower[l] = (l & kStep) != 0 ? kLanes + l - kStep : l;
    upper[l] = (l & kStep) != 0 ? kLanes + l : l + kStep;
  }
  for (int r = 0; r < kLanes; r++) {
    if ((r & kStep) != 0) continue;
    const Words a = rows[r], b = rows[r + kStep];
    rows[r] = __builtin_shuffle(a, b, lower);
    rows[r + kStep] = __builtin_shuffle(a, b, upper);
  }
}

REDISTILL_INLINE void transpose(Words (&rows)[kLanes]) {
  swapBlocks<1>(rows);
  swapBlocks<2>(rows);
  swapBlocks<4>(rows);
  swapBlocks<8>(rows);
}

}  // namespace redistill
