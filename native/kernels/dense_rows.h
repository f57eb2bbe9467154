// How kernels that go row by row find the rows of a bf16 tensor.
#pragma once
#include "vector_math.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

namespace redistill::rows {

// Rows that are worth a thread's start.
inline int64_t grain(int64_t width) { return std::max<int64_t>(1, 32768 / std::max<int64_t>(1, width)); }

inline Bits* bitsOf(const at::Tensor& x) { return reinterpret_cast<Bits*>(x.data_ptr()); }

inline void requireNarrow(const at::Tensor& x, const char* name) {
  TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kBFloat16, name, " needs bf16");
}

// The rows of a tensor of two or three dimensions whose last one is dense.
struct Rows {
  at::Tensor tensor;
  Bits* data;
  int64_t count, width, inner, outerStride, innerStride;
  explicit Rows(const at::Tensor& x) : tensor(x.stride(-1) == 1 ? x : x.contiguous()), data(bitsOf(tensor)) {
    const bool flat = tensor.dim() == 2;
    inner = flat ? 1 : tensor.size(1);
    count = tensor.size(0) * inner;
    width = tensor.size(-1);
    outerStride = tensor.stride(0);
    innerStride = flat ? 0 : tensor.stride(1);
  }
  Bits* at(int64_t row) const { return data + row / inner * outerStride + row % inner * innerStride; }
};

}  // namespace redistill::rows
