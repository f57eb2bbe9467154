// Compiles a function once for each kind of processor; the loader picks the one for the processor at hand.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define REDISTILL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define REDISTILL_CLONES
#endif

#define REDISTILL_INLINE inline __attribute__((always_inline))
