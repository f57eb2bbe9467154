// Larger pages for memory that is read from one end to the other.
#pragma once
#include <ATen/core/Tensor.h>

namespace redistill {

// Asks the system for huge pages under the memory of CPU tensors. It has to be before they are written for the first time, and for
// tensors that lie beside one another together. It is a request: where the system has none, nothing changes.
void useHugePages(at::TensorList tensors);

}  // namespace redistill
