// One query has nothing to multiply in blocks: keys and values are read once, which takes as long as it takes to fetch them. The
// heads that share keys are computed together. Every loop over keys or over a head's size runs in a fixed order.
#include "slots.h"

#include "clones.h"
#include "processor.h"
#include "vectors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>

namespace redistill {
namespace {

constexpr int64_t kMostHeads = 4;  // that share keys and are computed together

constexpr int64_t kAhead = 16;     // keys that are fetched before they are read

constexpr int64_t roundedUp(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// A head of keys and its values, the stretch that a query sees.
template <typename T>
struct Seen {
  const T *keys, *values;
  int64_t keyStride, valueStride, count;
};

template <typename T>
using Attend = void (*)(int64_t heads, const T* q, int64_t dim, float scale, const Seen<T>& seen, float* scratch, T* out);

#define REDISTILL_KERNEL "slots_kernel.inc"
#include "each_processor.inc"

template <typename T>
void attendAll(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, const int64_t* starts,
               const int64_t* counts, float scale, int64_t window, at::Tensor& out) {
  static const Attend<T> attend = forProcessor<Attend<T>>(portable::attend<T>, v3::attend<T>, v4::attend<T>);
  const int64_t queries = q.size(0), heads = q.size(1), dim = q.size(2), kvHeads = keys.size(1), group = heads / kvHeads;
  const T *from = static_cast<const T*>(q.data_ptr()), *k = static_cast<const T*>(keys.data_ptr()),
          *v = static_cast<const T*>(values.data_ptr());
  T* to = static_cast<T*>(out.data_ptr());
  const int64_t most = queries == 0 ? 0 : *std::max_element(counts, counts + queries);
  const int64_t threads = at::get_num_threads();
  // The heads of a token lie side by side, so that what is fetched for one of them helps the next on the same processor.
  const int64_t headsAnItem = queries < 4 * threads ? 1 : kvHeads, itemsAQuery = kvHeads / headsAnItem;
  const int64_t items = queries * itemsAQuery;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(threads, items), 1, [&](int64_t begin, int64_t end) {
    const std::unique_ptr<float[]> scratch(new float[kMostHeads * (roundedUp(dim) + 5 * roundedUp(most))]);
    const auto attendHead = [&](int64_t i, int64_t head) {
      const int64_t hidden = window == 0 ? 0 : std::max<int64_t>(0, counts[i] - window), first = starts[i] + hidden;
      const Seen<T> seen{k + first * keys.stride(0) + head * keys.stride(1), v + first * values.stride(0) + head * values.stride(1),
                         keys.stride(0), values.stride(0), counts[i] - hidden};
      for (int64_t h = 0; h < group; h += kMostHeads)
        attend(std::min(kMostHeads, group - h), from + i * q.stride(0) + (head * group + h) * dim, dim, scale, seen,
               scratch.get(), to + (i * heads + head * group + h) * dim);
    };
    for (int64_t thread = begin; thread < end; thread++)
      for (int64_t item; (item = next++) < items;)
        for (int64_t h = 0; h < headsAnItem; h++) attendHead(item / itemsAQuery, item % itemsAQuery * headsAnItem + h);
  });
}

}  // namespace

at::Tensor attendSlots(const at::Tensor& query, const at::Tensor& keys, const at::Tensor& values, const at::Tensor& starts,
                       const at::Tensor& counts, double scale, int64_t window) {
  const auto kind = query.scalar_type();
  TORCH_CHECK(kind == at::kBFloat16 || kind == at::kFloat, "attention to slots needs bf16 or f32");
  for (const at::Tensor* x : {&query, &keys, &values})
    TORCH_CHECK(x->device().is_cpu() && x->scalar_type() == kind && x->dim() == 3 && x->size(2) == query.size(2) &&
                    x->size(2) > 0 && x->size(1) > 0 && x->stride(2) == 1,
                "attention to slots needs [tokens, heads, headDim] of one dtype on the CPU");
  TORCH_CHECK(keys.sizes() == values.sizes() && query.size(1) % keys.size(1) == 0,
              "attention to slots needs as many queries for every key");
  TORCH_CHECK(window >= 0 && scale > 0, "attention to slots needs a window of 0 or more and a positive scale");
  for (const at::Tensor* x : {&starts, &counts})
    TORCH_CHECK(x->device().is_cpu() && x->scalar_type() == at::kLong && x->dim() == 1 && x->size(0) == query.size(0) &&
                    x->is_contiguous(),
                "attention to slots needs a start and a count for every query");
  const int64_t *from = starts.const_data_ptr<int64_t>(), *count = counts.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < query.size(0); i++)
    TORCH_CHECK_INDEX(from[i] >= 0 && count[i] > 0 && from[i] + count[i] <= keys.size(0), "query ", i, " sees ", count[i],
                      " keys from place ", from[i], " of ", keys.size(0));
  const at::Tensor q = query.stride(1) == query.size(2) ? query : query.contiguous();
  at::Tensor out = at::empty({q.size(0), q.size(1) * q.size(2)}, q.options());
  if (kind == at::kFloat)
    attendAll<float>(q, keys, values, from, count, static_cast<float>(scale), window, out);
  else
    attendAll<Bits>(q, keys, values, from, count, static_cast<float>(scale), window, out);
  return out;
}

}  // namespace redistill
