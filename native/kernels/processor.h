// Tells for which processor a kernel is chosen that was compiled for several kinds.
#pragma once

namespace redistill {

// The level of x86-64 that the processor has, of those that kernels are compiled for: 4, 3, or 1 for any processor. The loader
// cannot choose, as it does in clones.h, where there are vectors: they are made into what a processor has before functions are
// cloned.
inline int processorLevel() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  const bool has3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool has4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512cd");
  return has3 && has4 ? 4 : has3 ? 3 : 1;
#else
  return 1;
#endif
}

// Chooses what was compiled for the processor at hand, by each_processor.inc.
template <typename T>
T forProcessor(const T& portable, const T& v3, const T& v4) {
  const int level = processorLevel();
  return level == 4 ? v4 : level == 3 ? v3 : portable;
}

}  // namespace redistill
