// One query has nothing to multiply in blocks: keys and values are read once, which takes as long as it takes to fetch them. The
// heads that share keys are computed together. Every loop over keys or over a head's size runs in a fixed order.
#include "slots.h"

#include "clones.h"
#include "vector_math.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

#define REDISTILL_INLINE inline __attribute__((always_inline))

namespace redistill {
namespace {

constexpr int64_t kMostHeads = 8;  // that share keys and are computed together

// A head of keys and its values, the stretch that a query sees.
template <typename T>
struct Seen {
  const T *keys, *values;
  int64_t keyStride, valueStride, count;
};

REDISTILL_INLINE float wideOf(Bits x) { return wide(x); }
REDISTILL_INLINE float wideOf(float x) { return x; }
REDISTILL_INLINE void put(float x, Bits* to) { *to = narrow(x); }
REDISTILL_INLINE void put(float x, float* to) { *to = x; }

// Adds the products of kSome values of a key, from column c on, with kHeads queries of `dim`. kSome is 16, or 1 for what is left.
template <int kHeads, int kSome, typename T>
REDISTILL_INLINE void addProducts(const float* queries, int64_t dim, const T* key, int64_t c, float (*lanes)[kLanes]) {
  for (int64_t l = 0; l < kSome; l++) {
    const float k = wideOf(key[c + l]);
    for (int h = 0; h < kHeads; h++) lanes[h][l] += k * queries[h * dim + c + l];
  }
}

// The products of kHeads queries, [kHeads, dim], with each key, [kHeads, width]. `quarters` has room for four times as many: a
// vector is folded to four sums a key, which are added up for many keys at a time.
template <int kHeads, typename T>
REDISTILL_INLINE void products(const float* queries, int64_t dim, const Seen<T>& seen, int64_t width, float* quarters,
                               float* scores) {
  for (int64_t t = 0; t < seen.count; t++) {
    float lanes[kHeads][kLanes] = {};
    const T* key = seen.keys + t * seen.keyStride;
    int64_t c = 0;
    for (; c + kLanes <= dim; c += kLanes) addProducts<kHeads, kLanes>(queries, dim, key, c, lanes);
    for (; c < dim; c++) addProducts<kHeads, 1>(queries, dim, key, c, lanes);
    for (int h = 0; h < kHeads; h++) {
      for (int64_t l = 0; l < 8; l++) lanes[h][l] += lanes[h][l + 8];
      for (int64_t l = 0; l < 4; l++) quarters[(h * width + t) * 4 + l] = lanes[h][l] + lanes[h][l + 4];
    }
  }
  for (int h = 0; h < kHeads; h++)
    for (int64_t t = 0; t < seen.count; t++) {
      const float* four = quarters + (h * width + t) * 4;
      scores[h * width + t] = (four[0] + four[2]) + (four[1] + four[3]);
    }
}

// Scores [width], of which the first `count` are some key's, become weights; the rest become 0. Returns their sum.
REDISTILL_INLINE float softmax(float* scores, int64_t count, int64_t width, float scale) {
  float lanes[kLanes], sums[kLanes] = {};
  std::fill(scores + count, scores + width, -std::numeric_limits<float>::infinity());
  std::fill(lanes, lanes + kLanes, -std::numeric_limits<float>::infinity());
  for (int64_t t = 0; t < width; t += kLanes)
    for (int64_t l = 0; l < kLanes; l++) lanes[l] = scores[t + l] > lanes[l] ? scores[t + l] : lanes[l];
  const float base = largestOf(lanes) * scale;
  for (int64_t t = 0; t < width; t += kLanes)
    for (int64_t l = 0; l < kLanes; l++) {
      scores[t + l] = exponential(scores[t + l] * scale - base);
      sums[l] += scores[t + l];
    }
  // What is no key's counted as the smallest that `exponential` gives; it takes no part in what follows.
  return total(sums);
}

// kSome columns of the values, from c on, weighted: [kHeads, dim].
template <int kHeads, int kSome, typename T>
REDISTILL_INLINE void mixColumns(const float* weights, int64_t width, int64_t dim, const Seen<T>& seen, const float* factors,
                                 int64_t c, T* out) {
  float lanes[kHeads][kSome] = {};
  for (int64_t t = 0; t < seen.count; t++) {
    const T* value = seen.values + t * seen.valueStride + c;
    for (int64_t l = 0; l < kSome; l++) {
      const float v = wideOf(value[l]);
      for (int h = 0; h < kHeads; h++) lanes[h][l] += v * weights[h * width + t];
    }
  }
  for (int h = 0; h < kHeads; h++)
    for (int64_t l = 0; l < kSome; l++) put(lanes[h][l] * factors[h], out + h * dim + c + l);
}

template <int kHeads, typename T>
REDISTILL_INLINE void mix(const float* weights, int64_t width, int64_t dim, const Seen<T>& seen, const float* factors, T* out) {
  int64_t c = 0;
  for (; c + 2 * kLanes <= dim; c += 2 * kLanes) mixColumns<kHeads, 2 * kLanes>(weights, width, dim, seen, factors, c, out);
  for (; c + kLanes <= dim; c += kLanes) mixColumns<kHeads, kLanes>(weights, width, dim, seen, factors, c, out);
  for (; c < dim; c++) mixColumns<kHeads, 1>(weights, width, dim, seen, factors, c, out);
}

template <int kHeads, typename T>
REDISTILL_INLINE void attendHeads(const T* q, int64_t dim, float scale, const Seen<T>& seen, float* scratch, T* out) {
  const int64_t width = (seen.count + kLanes - 1) / kLanes * kLanes;
  float *queries = scratch, *scores = queries + kHeads * dim, *quarters = scores + kHeads * width, factors[kHeads];
  for (int64_t i = 0; i < kHeads * dim; i++) queries[i] = wideOf(q[i]);
  products<kHeads>(queries, dim, seen, width, quarters, scores);
  for (int h = 0; h < kHeads; h++) factors[h] = 1.0f / softmax(scores + h * width, seen.count, width, scale);
  mix<kHeads>(scores, width, dim, seen, factors, out);
}

template <typename T>
REDISTILL_INLINE void attendAny(int64_t heads, const T* q, int64_t dim, float scale, const Seen<T>& seen, float* scratch,
                                T* out) {
  switch (heads) {
    case 1: return attendHeads<1>(q, dim, scale, seen, scratch, out);
    case 2: return attendHeads<2>(q, dim, scale, seen, scratch, out);
    case 3: return attendHeads<3>(q, dim, scale, seen, scratch, out);
    case 4: return attendHeads<4>(q, dim, scale, seen, scratch, out);
    case 5: return attendHeads<5>(q, dim, scale, seen, scratch, out);
    case 6: return attendHeads<6>(q, dim, scale, seen, scratch, out);
    case 7: return attendHeads<7>(q, dim, scale, seen, scratch, out);
    default: return attendHeads<8>(q, dim, scale, seen, scratch, out);
  }
}

REDISTILL_CLONES void attendNarrow(int64_t heads, const Bits* q, int64_t dim, float scale, const Seen<Bits>& seen,
                                   float* scratch, Bits* out) {
  attendAny(heads, q, dim, scale, seen, scratch, out);
}

REDISTILL_CLONES void attendWide(int64_t heads, const float* q, int64_t dim, float scale, const Seen<float>& seen,
                                 float* scratch, float* out) {
  attendAny(heads, q, dim, scale, seen, scratch, out);
}

template <typename T>
void attend(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, const int64_t* starts,
            const int64_t* counts, float scale, int64_t window, at::Tensor& out) {
  const int64_t queries = q.size(0), heads = q.size(1), dim = q.size(2), kvHeads = keys.size(1), group = heads / kvHeads;
  const T *from = static_cast<const T*>(q.data_ptr()), *k = static_cast<const T*>(keys.data_ptr()),
          *v = static_cast<const T*>(values.data_ptr());
  T* to = static_cast<T*>(out.data_ptr());
  const int64_t most = queries == 0 ? 0 : *std::max_element(counts, counts + queries);
  const int64_t items = queries * kvHeads;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(at::get_num_threads(), items), 1, [&](int64_t begin, int64_t end) {
    const std::unique_ptr<float[]> scratch(new float[kMostHeads * (dim + 5 * (most + kLanes))]);
    for (int64_t thread = begin; thread < end; thread++)
      for (int64_t item; (item = next++) < items;) {
        const int64_t i = item / kvHeads, head = item % kvHeads;
        const int64_t hidden = window == 0 ? 0 : std::max<int64_t>(0, counts[i] - window), first = starts[i] + hidden;
        const Seen<T> seen{k + first * keys.stride(0) + head * keys.stride(1), v + first * values.stride(0) + head * values.stride(1),
                           keys.stride(0), values.stride(0), counts[i] - hidden};
        for (int64_t h = 0; h < group; h += kMostHeads) {
          const T* query = from + i * q.stride(0) + (head * group + h) * dim;
          T* result = to + (i * heads + head * group + h) * dim;
          if constexpr (std::is_same_v<T, Bits>)
            attendNarrow(std::min(kMostHeads, group - h), query, dim, scale, seen, scratch.get(), result);
          else
            attendWide(std::min(kMostHeads, group - h), query, dim, scale, seen, scratch.get(), result);
        }
      }
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
  TORCH_CHECK(window >= 0, "attention to slots needs a window of 0 or more");
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
    attend<float>(q, keys, values, from, count, static_cast<float>(scale), window, out);
  else
    attend<Bits>(q, keys, values, from, count, static_cast<float>(scale), window, out);
  return out;
}

}  // namespace redistill
