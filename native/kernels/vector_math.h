// Arithmetic that loops over rows are made of; the compiler turns it into vectors. See clones.h.
#pragma once
#include "clones.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace redistill {

using Bits = uint16_t;  // of a bf16

constexpr int64_t kLanes = 16;  // sums and maxima that are taken side by side

// 16 values; vectors.h has more of them.
using Words = uint32_t __attribute__((vector_size(64)));

// Rounds to the nearest, to the even one of two; what is not a number stays so.
inline Bits narrow(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<Bits>(value == value ? rounded : 0x7fc0);
}

inline float wide(Bits value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

// exp within two units in the last place, of a number or of 16, of what is kept between −60 and 60: what is smaller than 1e-26
// counts for nothing beside the one of a softmax, and its products could be denormal, which are a hundred times as slow, even in
// the lanes of a vector whose results are not used. After Cephes' expf. The nearest whole number is found by adding 1.5 · 2²³,
// after which it stands in the lowest bits.
template <typename T>
REDISTILL_INLINE T exponential(const T& power) {
  using Whole = std::conditional_t<sizeof(T) == sizeof(float), uint32_t, Words>;
  const T least = T{} - 60.0f, most = T{} + 60.0f, shift = T{} + 12582912.0f;
  T x = power < least ? least : power;
  x = x > most ? most : x;
  const T shifted = x * 1.44269504f + shift, n = shifted - shift;
  const T r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  T p = T{} + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<T>((std::bit_cast<Whole>(shifted) << 23) + (127u << 23));
}

template <typename T>
REDISTILL_INLINE T sigmoid(const T& x) {
  return 1.0f / (1.0f + exponential(-x));
}

inline float total(float* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t l = 0; l < half; l++) lanes[l] += lanes[l + half];
  return lanes[0];
}

inline float largestOf(float* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t l = 0; l < half; l++) lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
  return lanes[0];
}

}  // namespace redistill
