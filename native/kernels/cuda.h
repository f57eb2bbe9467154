// Compiles the CUDA kernels for the GPU at hand and launches them, without CUDA's headers or its compiler.
#pragma once

#include <ATen/ATen.h>

#include <string>

namespace redistill {

// How a kernel's work is divided.
struct Grid {
  int64_t blocks;
  unsigned threads;
  int64_t layers = 1;  // blockIdx.y
};

// Launches `kernel` of cuda_source.h on the current stream of the device of `on`; the first call on a device compiles all of
// them (two seconds). `arguments` points to each of the kernel's arguments. Throws c10::Error.
void launch(const char* kernel, const at::Tensor& on, Grid grid, void** arguments);

// The compute capability of a GPU: 90 for 9.0.
int capability(int index);

}  // namespace redistill
