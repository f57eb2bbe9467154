// Vectors of 16 values, which the compiler makes of what the processor has; where it is left to find them in a loop, it takes
// shorter ones. All is inlined, into each clone of a loop.
#pragma once
#include "clones.h"
#include "vector_math.h"

namespace redistill {

using Floats = float __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
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

// Rounds as `narrow`.
REDISTILL_INLINE void store(const Floats& values, Bits* to) {
  const Words bits = (Words)values, rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, none = Words{} + 0x7fc0;
  const Narrows result = __builtin_convertvector(values == values ? rounded : none, Narrows);
  std::memcpy(to, &result, sizeof(result));
}

// As `exponential`; the nearest whole number is found by adding 1.5 · 2²³, after which it stands in the lowest bits.
REDISTILL_INLINE Floats exponential(Floats x) {
  const Floats least = Floats{} - 60.0f, most = Floats{} + 60.0f, shift = Floats{} + 12582912.0f;
  x = x < least ? least : x;
  x = x > most ? most : x;
  const Floats shifted = x * 1.44269504f + shift, n = shifted - shift;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = Floats{} + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * (Floats)(((Words)shifted << 23) + (127u << 23));
}

REDISTILL_INLINE Floats sigmoid(const Floats& x) { return 1.0f / (1.0f + exponential(-x)); }

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
