#include "adamw.h"

#include "processor.h"
#include "vector_math.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace redistill {
namespace {

constexpr int64_t kSome = 1 << 14;  // weights that are updated at a time

// Some weights and what belongs to each of them.
struct Weights {
  float *param, *grad, *average, *square;
  Bits* copy;
};

// What is the same for all weights.
struct Factors {
  float scale;         // of the gradient
  float kept;          // of a weight, after its decay
  float averageShare;  // of the gradient in its average
  float squareKept, squareShare;
  float correction;    // of the root of the square
  float eps;
  float step;          // negative
};

#define REDISTILL_KERNEL "adamw_kernel.inc"
#include "each_processor.inc"

using Update = void (*)(Factors by, Weights of, int64_t count);

template <bool kCopies>
Update bestUpdate() {
  return forProcessor<Update>(portable::update<false, kCopies>, v3::update<true, kCopies>, v4::update<true, kCopies>);
}

}  // namespace

void adamw(at::TensorList params, at::TensorList grads, at::TensorList averages, at::TensorList squares, at::TensorList copies,
           int64_t step, double scale, double lr, double beta1, double beta2, double eps, double weightDecay) {
  const size_t count = params.size();
  for (const at::TensorList& list : {grads, averages, squares})
    TORCH_CHECK(list.size() == count, "adamw needs as many of each tensor");
  TORCH_CHECK(copies.empty() || copies.size() == count, "adamw needs a copy of each parameter, or none");
  TORCH_CHECK(step > 0, "adamw needs the number of its step, from 1");
  const auto dataOf = [&](const at::Tensor& x, size_t i, at::ScalarType type) {
    TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == type && x.is_contiguous() && x.sizes() == params[i].sizes(),
                "adamw needs dense tensors of a parameter's shape on the CPU: float32, and bf16 for copies");
    return x.data_ptr();
  };
  std::vector<Weights> weights;
  std::vector<std::pair<size_t, int64_t>> items;  // a parameter, and its first weight of some
  for (size_t i = 0; i < count; i++) {
    const auto wide = [&](const at::Tensor& x) { return static_cast<float*>(dataOf(x, i, at::kFloat)); };
    Bits* copy = copies.empty() ? nullptr : static_cast<Bits*>(dataOf(copies[i], i, at::kBFloat16));
    weights.push_back({wide(params[i]), wide(grads[i]), wide(averages[i]), wide(squares[i]), copy});
    for (int64_t first = 0; first < params[i].numel(); first += kSome) items.emplace_back(i, first);
  }
  const double power = static_cast<double>(step);
  const Factors factors{static_cast<float>(scale),
                        static_cast<float>(1 - lr * weightDecay),
                        static_cast<float>(1 - beta1),
                        static_cast<float>(beta2),
                        static_cast<float>(1 - beta2),
                        static_cast<float>(std::sqrt(1 - std::pow(beta2, power))),
                        static_cast<float>(eps),
                        static_cast<float>(-lr / (1 - std::pow(beta1, power)))};
  static const Update copying = bestUpdate<true>(), plain = bestUpdate<false>();
  const Update update = copies.empty() ? plain : copying;
  at::parallel_for(0, static_cast<int64_t>(items.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const auto [i, first] = items[item];
      const Weights& all = weights[i];
      const Weights some{all.param + first, all.grad + first, all.average + first, all.square + first,
                         all.copy == nullptr ? nullptr : all.copy + first};
      update(factors, some, std::min(kSome, params[i].numel() - first));
    }
  });
}

}  // namespace redistill
