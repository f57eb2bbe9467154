// Arithmetic that loops over rows are made of; the compiler turns it into vectors. See clones.h.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

namespace redistill {

using Bits = uint16_t;  // of a bf16

constexpr int64_t kLanes = 16;  // sums and maxima that are taken side by side

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

// exp within two units in the last place, of what is kept between −60 and 60: what is smaller than 1e-26 counts for nothing
// beside the one of a softmax, and its products could be denormal, which are a hundred times as slow, even in the lanes of a
// vector whose results are not used. After Cephes' expf.
inline float exponential(float x) {
  x = x < -60.0f ? -60.0f : x;
  x = x > 60.0f ? 60.0f : x;
  const float n = __builtin_floorf(x * 1.44269504f + 0.5f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return p * power;
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

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
