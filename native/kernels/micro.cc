#include "micro.h"

#include "factors.h"

#include <atomic>
#include <chrono>
#include <vector>

namespace redistill {
namespace {

constexpr int64_t kRows = 32, kColumns = 192, kDepth = 256;  // of the product that is tried

// A product of whole numbers that is tried with factors of one kind.
template <typename Factor>
struct Trial {
  std::vector<Bits> a, b;
  std::vector<Factor> left, right;
  std::vector<float> c;
  Trial() : a(kRows * kDepth), b(kDepth * kColumns), left(kRows * kDepth), right(kDepth * kColumns), c(kRows * kColumns) {
    for (int64_t i = 0; i < kRows * kDepth; i++) a[i] = narrow(static_cast<float>(i * 7 % 11 - 5));
    for (int64_t i = 0; i < kDepth * kColumns; i++) b[i] = narrow(static_cast<float>(i * 5 % 13 - 6));
    leftFromRows(a.data(), kDepth, kRows, kRows, kDepth, left.data());
    rightFromRows(b.data(), kColumns, kDepth, kDepth, kColumns, right.data());
  }
  void run() { product(kRows, kColumns, kDepth, left.data(), kDepth, right.data(), c.data(), kColumns, false); }
  double seconds() {
    const auto started = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; i++) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  }
  // The layout of the right factor is the micro-kernels' own affair.
  bool isRight() {
    try {
      run();
      at::native::cpublas::brgemm_release();
    } catch (const std::exception&) {
      return false;
    }
    for (int64_t r = 0; r < kRows; r++)
      for (int64_t j = 0; j < kColumns; j++) {
        float sum = 0.0f;
        for (int64_t k = 0; k < kDepth; k++) sum += wide(a[r * kDepth + k]) * wide(b[k * kColumns + j]);
        if (sum != c[r * kColumns + j]) return false;
      }
    return true;
  }
};

bool mayMultiplyNarrow() {
#if defined(__x86_64__) && defined(__GNUC__)
  return at::native::cpublas::could_pack(at::kBFloat16) || __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool mayMultiplyWide() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

struct Products {
  bool narrow = false, wide = false;
  std::atomic<bool> widens = false;
  Products() {
    Trial<Bits> pairs;
    Trial<float> values;
    narrow = mayMultiplyNarrow() && pairs.isRight();
    wide = mayMultiplyWide() && values.isRight();
    widens = wide && (!narrow || isFaster(values, pairs));
  }
  // Each takes its turn, and counts with its best time: what else the machine does falls on both, and one is twice the other.
  static bool isFaster(Trial<float>& values, Trial<Bits>& pairs) {
    double best[2] = {1.0, 1.0};
    for (int round = 0; round < 12; round++) {
      best[0] = std::min(best[0], values.seconds());
      best[1] = std::min(best[1], pairs.seconds());
    }
    at::native::cpublas::brgemm_release();
    return best[0] < best[1];
  }
};

Products& products() {
  static Products result;
  return result;
}

}  // namespace

bool hasProducts() { return products().narrow || products().wide; }

bool widensFactors() { return products().widens; }

void widenFactors(bool wide) {
  TORCH_CHECK(wide ? products().wide : products().narrow, "this processor has no products of ", wide ? "float32" : "bf16",
              " that kernels are made of");
  products().widens = wide;
}

}  // namespace redistill
