// Blocks of 64 queries and 64 keys, as in FlashAttention-2 (Dao 2023, arXiv:2307.08691). Products are oneDNN's micro-kernels with
// float32 sums; the softmax is float32 and, where factors are bf16, rounded once, before the second product.
#include "attention.h"

#include "attention_blocks.h"
#include "factors.h"
#include "micro.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace redistill {
namespace {

// c [m, n] = a [m, k] · b [k, n], or added to it; rows behind each other.
template <typename Factor>
void product(int64_t m, int64_t n, int64_t k, const Factor* a, const Factor* b, float* c, bool add) {
  redistill::product(m, n, k, a, k, b, c, n, add);
}

// Where the rows of a head lie in [tokens, heads, headDim].
struct Rows {
  Bits* data;
  int64_t token, head;
  explicit Rows(const at::Tensor& x)
      : data(reinterpret_cast<Bits*>(x.data_ptr())), token(x.stride(0)), head(x.stride(1)) {}
  Bits* at(int64_t tokenIndex, int64_t headIndex) const { return data + tokenIndex * token + headIndex * head; }
};

// One sequence of the pack: its first token, its length, and its first token when each is padded to whole blocks.
struct Sequence {
  int64_t start, length, padded;
};

struct Layout {
  std::vector<Sequence> sequences;  // the longest first, so that the last items are short
  int64_t padded = 0;               // tokens of all when padded
  explicit Layout(const std::vector<int64_t>& lengths) {
    int64_t start = 0;
    for (int64_t length : lengths) {
      sequences.push_back({start, length, padded});
      start += length;
      padded += blocksOf(length) * kBlock;
    }
    std::stable_sort(sequences.begin(), sequences.end(),
                     [](const Sequence& a, const Sequence& b) { return a.length > b.length; });
  }
};

at::Tensor withDenseRows(const at::Tensor& x) { return x.stride(2) == 1 ? x : x.contiguous(); }

// Memory for factors [heads, padded tokens, width].
template <typename Factor>
struct Packed {
  std::unique_ptr<Factor[]> data;
  int64_t head, width;
  Packed(int64_t heads, int64_t padded, int64_t width)
      : data(new Factor[heads * padded * width]), head(padded * width), width(width) {}
  Factor* at(int64_t headIndex, int64_t paddedToken) const { return data.get() + headIndex * head + paddedToken * width; }
};

// The first block of keys that the block of queries sees.
int64_t firstKeyBlock(int64_t queryBlock, int64_t window) {
  return window == 0 ? 0 : std::max<int64_t>(0, queryBlock * kBlock - window + 1) / kBlock;
}

// The end of the blocks of queries that see the block of keys.
int64_t endOfQueryBlocks(int64_t keyBlock, int64_t blocks, int64_t window) {
  return window == 0 ? blocks : std::min(blocks, ((keyBlock + 1) * kBlock - 1 + window - 1) / kBlock + 1);
}

template <typename Factor>
std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                           const AttentionShape& shape) {
  const at::Tensor q = withDenseRows(query), k = withDenseRows(key), v = withDenseRows(value);
  const int64_t tokens = q.size(0), heads = q.size(1), dim = q.size(2), kvHeads = k.size(1), group = heads / kvHeads;
  at::Tensor out = at::empty({tokens, heads, dim}, q.options());
  at::Tensor logSums = at::empty({heads, tokens}, q.options().dtype(at::kFloat));
  const Rows queries(q), keys(k), values(v), outputs(out);
  float* logs = logSums.data_ptr<float>();
  const Layout layout(shape.lengths);
  const int64_t count = static_cast<int64_t>(layout.sequences.size());
  const Packed<Factor> keyFactors(kvHeads, layout.padded, dim), valueFactors(kvHeads, layout.padded, dim);
  eachItem(count * kvHeads, kBlock * dim, [&](int64_t item, float* scratch) {
    const auto& [start, length, padded] = layout.sequences[item / kvHeads];
    const int64_t head = item % kvHeads;
    Bits* rows = reinterpret_cast<Bits*>(scratch);
    for (int64_t at = 0; at < length; at += kBlock) {
      const int64_t some = std::min(kBlock, length - at);
      copyRows(keys.at(start + at, head), keys.token, some, dim, rows);
      rightFromColumns(rows, dim, dim, kBlock, keyFactors.at(head, padded + at));
      copyRows(values.at(start + at, head), values.token, some, dim, rows);
      rightFromRows(rows, dim, kBlock, kBlock, dim, valueFactors.at(head, padded + at));
    }
  });
  std::vector<std::pair<int64_t, int64_t>> blocks;  // a sequence and a block of its queries, the dearest first
  for (int64_t s = 0; s < count; s++)
    for (int64_t i = blocksOf(layout.sequences[s].length); i-- > 0;) blocks.emplace_back(s, i);
  const float scale = static_cast<float>(shape.scale);
  eachItem(static_cast<int64_t>(blocks.size()) * heads, kBlock * (kBlock * 2 + dim * 2 + 3), [&](int64_t item, float* scratch) {
    const auto [s, i] = blocks[item / heads];
    const int64_t head = item % heads;
    const auto& [start, length, padded] = layout.sequences[s];
    float *scores = scratch, *sums = scores + kBlock * kBlock, *largest = sums + kBlock, *shrink = largest + kBlock,
          *result = shrink + kBlock;
    Factor *weights = reinterpret_cast<Factor*>(result + kBlock * dim), *left = weights + kBlock * kBlock;
    std::fill(sums, sums + kBlock, 0.0f);
    std::fill(largest, largest + kBlock, kHidden);
    const int64_t from = i * kBlock, some = std::min(kBlock, length - from);
    leftFromRows(queries.at(start + from, head), queries.token, some, kBlock, dim, left);
    const int64_t firstBlock = firstKeyBlock(i, shape.window);
    for (int64_t j = firstBlock; j <= i; j++) {
      const int64_t at = j * kBlock;
      product(kBlock, kBlock, dim, left, keyFactors.at(head / group, padded + at), scores, false);
      softmaxStep(scores, weights, largest, sums, shrink, scale, {from - at, shape.window, std::min(kBlock, length - at)});
      if (j > firstBlock) shrinkRows(result, shrink, dim);
      product(kBlock, dim, kBlock, weights, valueFactors.at(head / group, padded + at), result, j > firstBlock);
    }
    for (int64_t r = 0; r < some; r++) {
      writeRow(result + r * dim, 1.0f / sums[r], dim, outputs.at(start + from + r, head));
      logs[head * tokens + start + from + r] = largest[r] + std::log(sums[r]);
    }
  });
  return {out, logSums};
}

template <typename Factor>
std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key,
                                                        const at::Tensor& value, const at::Tensor& out, const at::Tensor& logSums,
                                                        const AttentionShape& shape) {
  const at::Tensor g = withDenseRows(gradient), q = withDenseRows(query), k = withDenseRows(key), v = withDenseRows(value);
  const int64_t tokens = q.size(0), heads = q.size(1), dim = q.size(2), kvHeads = k.size(1), group = heads / kvHeads;
  at::Tensor dq = at::empty({tokens, heads, dim}, q.options()), dk = at::empty({tokens, kvHeads, dim}, q.options()),
             dv = at::empty({tokens, kvHeads, dim}, q.options());
  const Rows grads(g), queries(q), keys(k), values(v), outputs(out), dQueries(dq), dKeys(dk), dValues(dv);
  const float* logs = logSums.data_ptr<float>();
  const Layout layout(shape.lengths);
  const int64_t count = static_cast<int64_t>(layout.sequences.size());
  const float scale = static_cast<float>(shape.scale);
  const int64_t longest = blocksOf(layout.sequences[0].length) * kBlock, square = kBlock * kBlock;
  // Of each head of a group: four right factors, the gradient of the queries, log-sums and deltas.
  constexpr int64_t kAFloat = sizeof(float) / sizeof(Factor);  // factors in the place of one
  const int64_t perHead = longest * (4 * dim / kAFloat + dim + 2);
  const int64_t scratchFloats = group * perHead + 2 * square + 3 * kBlock * dim + (3 * square + 3 * kBlock * dim) / kAFloat;
  eachItem(count * kvHeads, scratchFloats, [&](int64_t item, float* scratch) {
    const auto& [start, length, padded] = layout.sequences[item / kvHeads];
    const int64_t kvHead = item % kvHeads, blocks = blocksOf(length), whole = blocks * kBlock;
    float* next = scratch;
    const auto floats = [&](int64_t size) { return std::exchange(next, next + size); };
    const auto factors = [&](int64_t size) { return reinterpret_cast<Factor*>(floats(size / kAFloat)); };
    struct Head {
      Factor *queryColumns, *queryRows, *gradColumns, *gradRows;
      float *dQuery, *logSums, *deltas;
    };
    float *scores = floats(square), *weightGrads = floats(square), *dKey = floats(kBlock * dim), *dValue = floats(kBlock * dim);
    Bits *rows = reinterpret_cast<Bits*>(floats(kBlock * dim / 2)), *keyRows = reinterpret_cast<Bits*>(floats(kBlock * dim / 2));
    Factor *weights = factors(square), *left = factors(square), *right = factors(square), *keyColumns = factors(kBlock * dim),
           *keyLeft = factors(kBlock * dim), *valueLeft = factors(kBlock * dim);
    std::vector<Head> all(group);
    for (int64_t h = 0; h < group; h++) {
      Head& head = all[h];
      head = {factors(whole * dim), factors(whole * dim), factors(whole * dim), factors(whole * dim),
              floats(whole * dim),  floats(whole),        floats(whole)};
      const int64_t at = kvHead * group + h;
      std::fill(head.dQuery, head.dQuery + whole * dim, 0.0f);
      std::fill(head.deltas, head.deltas + whole, 0.0f);
      std::fill(head.logSums, head.logSums + whole, 0.0f);
      std::copy_n(logs + at * tokens + start, length, head.logSums);
      for (int64_t from = 0; from < length; from += kBlock) {
        const int64_t some = std::min(kBlock, length - from);
        copyRows(queries.at(start + from, at), queries.token, some, dim, rows);
        rightFromColumns(rows, dim, dim, kBlock, head.queryColumns + from * dim);
        rightFromRows(rows, dim, kBlock, kBlock, dim, head.queryRows + from * dim);
        copyRows(grads.at(start + from, at), grads.token, some, dim, rows);
        rightFromColumns(rows, dim, dim, kBlock, head.gradColumns + from * dim);
        rightFromRows(rows, dim, kBlock, kBlock, dim, head.gradRows + from * dim);
        for (int64_t r = 0; r < some; r++)
          head.deltas[from + r] = dot(rows + r * dim, outputs.at(start + from + r, at), dim);
      }
    }
    for (int64_t j = 0; j < blocks; j++) {
      const int64_t at = j * kBlock, some = std::min(kBlock, length - at);
      copyRows(keys.at(start + at, kvHead), keys.token, some, dim, keyRows);
      leftFromColumns(keyRows, dim, kBlock, kBlock, dim, keyColumns);
      copyRows(values.at(start + at, kvHead), values.token, some, dim, rows);
      const Factor *keyFactor = asLeft(keyRows, kBlock * dim, keyLeft), *valueFactor = asLeft(rows, kBlock * dim, valueLeft);
      bool add = false;
      for (const Head& head : all) {
        for (int64_t i = j; i < endOfQueryBlocks(j, blocks, shape.window); i++) {
          const int64_t from = i * kBlock;
          product(kBlock, kBlock, dim, keyFactor, head.queryColumns + from * dim, scores, false);
          product(kBlock, kBlock, dim, valueFactor, head.gradColumns + from * dim, weightGrads, false);
          scoreGrads(scores, weightGrads, head.logSums + from, head.deltas + from, scale, {from - at, shape.window, some},
                     weights, left, right);
          product(kBlock, dim, kBlock, weights, head.gradRows + from * dim, dValue, add);
          product(kBlock, dim, kBlock, left, head.queryRows + from * dim, dKey, add);
          product(dim, kBlock, kBlock, keyColumns, right, head.dQuery + from * dim, true);
          add = true;
        }
      }
      for (int64_t r = 0; r < some; r++) {
        writeRow(dKey + r * dim, 1.0f, dim, dKeys.at(start + at + r, kvHead));
        writeRow(dValue + r * dim, 1.0f, dim, dValues.at(start + at + r, kvHead));
      }
    }
    for (int64_t h = 0; h < group; h++)
      for (int64_t from = 0; from < length; from += kBlock)
        writeTransposed(all[h].dQuery + from * dim, std::min(kBlock, length - from), dim,
                        dQueries.at(start + from, kvHead * group + h), dQueries.token);
  });
  return {dq, dk, dv};
}

}  // namespace

void requireAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionShape& shape) {
  TORCH_CHECK(hasProducts(), "this processor has no products that kernels are made of");
  for (const at::Tensor* x : {&q, &k, &v})
    TORCH_CHECK(x->device().is_cpu() && x->scalar_type() == at::kBFloat16 && x->dim() == 3 && x->size(0) == q.size(0) &&
                    x->size(2) == q.size(2) && x->size(2) % kLanes == 0 && x->size(2) > 0 && x->size(1) > 0,
                "attention needs bf16[tokens, heads, headDim] on the CPU, headDim a multiple of 16");
  TORCH_CHECK(k.size(1) == v.size(1) && q.size(1) % k.size(1) == 0, "attention needs as many queries for every key");
  int64_t tokens = 0;
  for (const int64_t length : shape.lengths) {
    TORCH_CHECK(length > 0, "attention needs sequences with tokens");
    tokens += length;
  }
  TORCH_CHECK(tokens == q.size(0) && tokens > 0 && shape.window >= 0, "attention needs lengths that add up to the tokens");
  TORCH_CHECK(shape.scale > 0, "attention needs a positive scale");
}

std::tuple<at::Tensor, at::Tensor> attentionForward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                    const AttentionShape& shape) {
  return withFactors([&](auto factor) { return forward<decltype(factor)>(q, k, v, shape); });
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> attentionBackward(const at::Tensor& grad, const at::Tensor& q,
                                                                 const at::Tensor& k, const at::Tensor& v,
                                                                 const at::Tensor& out, const at::Tensor& logSums,
                                                                 const AttentionShape& shape) {
  return withFactors([&](auto factor) { return backward<decltype(factor)>(grad, q, k, v, out, logSums, shape); });
}

}  // namespace redistill
