#include "huge_pages.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace redistill {

void useHugePages(at::TensorList tensors) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.is_cpu() || tensor.nbytes() == 0) continue;
    // Whole pages, also those that it shares with its neighbours: no gap is left between tensors that lie beside one another.
    const uintptr_t from = reinterpret_cast<uintptr_t>(tensor.data_ptr()) / page * page;
    const uintptr_t end = (reinterpret_cast<uintptr_t>(tensor.data_ptr()) + tensor.nbytes() + page - 1) / page * page;
    madvise(reinterpret_cast<void*>(from), end - from, MADV_HUGEPAGE);
  }
#endif
}

}  // namespace redistill
