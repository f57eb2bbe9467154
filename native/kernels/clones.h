// Compiles a function once for each kind of processor; the loader picks the one for the processor at hand.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define REDISTILL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define REDISTILL_CLONES
#endif

// Before a loop whose output may be its input, element by element.
#if defined(__GNUC__) && !defined(__clang__)
#define REDISTILL_IN_PLACE _Pragma("GCC ivdep")
#else
#define REDISTILL_IN_PLACE
#endif

#define REDISTILL_INLINE inline __attribute__((always_inline))
