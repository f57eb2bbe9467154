// Registers what decoding on the CPU calls with libtorch's dispatcher, where TypeScript finds it as it finds libtorch's own
// operators (src/torch/decoding.ts). Nothing here records a graph.
#include "choose.h"
#include "exact.h"
#include "few_rows.h"
#include "huge_pages.h"
#include "slots.h"

#include <torch/library.h>

namespace redistill {

TORCH_LIBRARY_FRAGMENT(redistill, library) {
  library.def("few_rows(Tensor x, Tensor weight, Tensor? bias) -> Tensor");
  library.def("attend_slots(Tensor q, Tensor keys, Tensor values, Tensor starts, Tensor counts, float scale, int window) -> Tensor");
  library.def("use_huge_pages(Tensor[] tensors) -> ()", useHugePages);
  library.def("exact_linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor");
  library.def("exact_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor");
  library.def("exact_glu(Tensor gate_up, bool gelu) -> Tensor");
  library.def("exact_rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor");
  library.def("exact_logps(Tensor logits, Tensor targets) -> Tensor");
  library.def("choose(Tensor logits, Tensor uniforms, Tensor sampling) -> Tensor");
}

TORCH_LIBRARY_IMPL(redistill, CPU, library) {
  library.impl("few_rows", fewRows);
  library.impl("attend_slots", attendSlots);
  library.impl("choose", choose);
  library.impl("exact_linear", exact::linear);
  library.impl("exact_norm", exact::norm);
  library.impl("exact_glu", exact::glu);
  library.impl("exact_rotate", exact::rotate);
  library.impl("exact_logps", exact::logps);
}

}  // namespace redistill
