// Blocks of 64 queries and 64 keys, as in FlashAttention-2 (Dao 2023, arXiv:2307.08691). Products are oneDNN's bf16
// micro-kernels with float32 sums (AMX or AVX-512 bf16); the softmax is float32 and rounded once, before the second product.
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

// c [m, n] = a [m, k] · b [k, n], or added to it; rows behind each other, b in pairs of rows.
inline void product(int64_t m, int64_t n, int64_t k, const Bits* a, const Bits* b, float* c, bool add) {
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

// Memory for [heads, padded tokens, width] of bf16.
struct Packed {
  std::unique_ptr<Bits[]> data;
  int64_t head, width;
  Packed(int64_t heads, int64_t padded, int64_t width)
      : data(new Bits[heads * padded * width]), head(padded * width), width(width) {}
  Bits* at(int64_t headIndex, int64_t paddedToken) const { return data.get() + headIndex * head + paddedToken * width; }
};

// The first block of keys that the block of queries sees.
int64_t firstKeyBlock(int64_t queryBlock, int64_t window) {
  return window == 0 ? 0 : std::max<int64_t>(0, queryBlock * kBlock - window + 1) / kBlock;
}

// The end of the blocks of queries that see the block of keys.
int64_t endOfQueryBlocks(int64_t keyBlock, int64_t blocks, int64_t window) {
  return window == 0 ? blocks : std::min(blocks, ((keyBlock + 1) * kBlock - 1 + window - 1) / kBlock + 1);
}

// Tries a product of small whole numbers: the layout of the right factor is the micro-kernels' own affair.
bool multipliesRightly() {
  constexpr int64_t size = 32;
  std::vector<Bits> a(size * size), rows(size * size), b(size * size);
  for (int64_t i = 0; i < size * size; i++) {
    a[i] = narrow(static_cast<float>(i * 7 % 11 - 5));
    rows[i] = narrow(static_cast<float>(i * 5 % 13 - 6));
  }
  pairsFromRows(rows.data(), size, size, size, size, b.data());
  std::vector<float> c(size * size);
  try {
    product(size, size, size, a.data(), b.data(), c.data(), false);
    at::native::cpublas::brgemm_release();
  } catch (const std::exception&) {
    return false;
  }
  for (int64_t r = 0; r < size; r++)
    for (int64_t j = 0; j < size; j++) {
      float sum = 0.0f;
      for (int64_t k = 0; k < size; k++) sum += wide(a[r * size + k]) * wide(rows[k * size + j]);
      if (sum != c[r * size + j]) return false;
    }
  return true;
}

}  // namespace

bool hasAttention() {
  static const bool has = [] {
#if defined(__x86_64__) && defined(__GNUC__)
    if (!at::native::cpublas::could_pack(at::kBFloat16) && !__builtin_cpu_supports("avx512bf16")) return false;
#else
    return false;
#endif
    return multipliesRightly();
  }();
  return has;
}

void requireAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionShape& shape) {
  TORCH_CHECK(hasAttention(), "this processor has no bf16 products");
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

std::tuple<at::Tensor, at::Tensor> attentionForward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                                    const AttentionShape& shape) {
  const at::Tensor q = withDenseRows(query), k = withDenseRows(key), v = withDenseRows(value);
  const int64_t tokens = q.size(0), heads = q.size(1), dim = q.size(2), kvHeads = k.size(1), group = heads / kvHeads;
  at::Tensor out = at::empty({tokens, heads, dim}, q.options());
  at::Tensor logSums = at::empty({heads, tokens}, q.options().dtype(at::kFloat));
  const Rows queries(q), keys(k), values(v), outputs(out);
  float* logs = logSums.data_ptr<float>();
  const Layout layout(shape.lengths);
  const int64_t count = static_cast<int64_t>(layout.sequences.size());
  const Packed keyFactors(kvHeads, layout.padded, dim), valueFactors(kvHeads, layout.padded, dim);
  eachItem(count * kvHeads, kBlock * dim, [&](int64_t item, float* scratch) {
    const auto& [start, length, padded] = layout.sequences[item / kvHeads];
    const int64_t head = item % kvHeads;
    Bits* rows = reinterpret_cast<Bits*>(scratch);
    for (int64_t at = 0; at < length; at += kBlock) {
      const int64_t some = std::min(kBlock, length - at);
      copyRows(keys.at(start + at, head), keys.token, some, dim, rows);
      pairsFromColumns(rows, dim, dim, kBlock, keyFactors.at(head, padded + at));
      copyRows(values.at(start + at, head), values.token, some, dim, rows);
      pairsFromRows(rows, dim, kBlock, kBlock, dim, valueFactors.at(head, padded + at));
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
    Bits *weights = reinterpret_cast<Bits*>(result + kBlock * dim), *rows = weights + kBlock * kBlock;
    std::fill(sums, sums + kBlock, 0.0f);
    std::fill(largest, largest + kBlock, kHidden);
    const int64_t from = i * kBlock, some = std::min(kBlock, length - from);
    copyRows(queries.at(start + from, head), queries.token, some, dim, rows);
    const int64_t firstBlock = firstKeyBlock(i, shape.window);
    for (int64_t j = firstBlock; j <= i; j++) {
      const int64_t at = j * kBlock;
      product(kBlock, kBlock, dim, rows, keyFactors.at(head / group, padded + at), scores, false);
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

std::tuple<at::Tensor, at::Tensor, at::Tensor> attentionBackward(const at::Tensor& gradient, const at::Tensor& query,
                                                                 const at::Tensor& key, const at::Tensor& value,
                                                                 const at::Tensor& out, const at::Tensor& logSums,
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
  const int64_t perHead = longest * (4 * dim / 2 + dim + 2);
  const int64_t scratchFloats = group * perHead + 2 * square + 2 * kBlock * dim + (3 * square + 3 * kBlock * dim) / 2;
  eachItem(count * kvHeads, scratchFloats, [&](int64_t item, float* scratch) {
    const auto& [start, length, padded] = layout.sequences[item / kvHeads];
    const int64_t kvHead = item % kvHeads, blocks = blocksOf(length), whole = blocks * kBlock;
    float* next = scratch;
    const auto floats = [&](int64_t size) { return std::exchange(next, next + size); };
    const auto narrows = [&](int64_t size) { return reinterpret_cast<Bits*>(floats(size / 2)); };
    struct Head {
      Bits *queryColumns, *queryPairs, *gradColumns, *gradPairs;
      float *dQuery, *logSums, *deltas;
    };
    float *scores = floats(square), *weightGrads = floats(square), *dKey = floats(kBlock * dim), *dValue = floats(kBlock * dim);
    Bits *weights = narrows(square), *left = narrows(square), *right = narrows(square), *rows = narrows(kBlock * dim),
         *keyRows = narrows(kBlock * dim), *keyColumns = narrows(kBlock * dim);
    std::vector<Head> all(group);
    for (int64_t h = 0; h < group; h++) {
      Head& head = all[h];
      head = {narrows(whole * dim), narrows(whole * dim), narrows(whole * dim), narrows(whole * dim),
              floats(whole * dim),  floats(whole),        floats(whole)};
      const int64_t at = kvHead * group + h;
      std::fill(head.dQuery, head.dQuery + whole * dim, 0.0f);
      std::fill(head.deltas, head.deltas + whole, 0.0f);
      std::fill(head.logSums, head.logSums + whole, 0.0f);
      std::copy_n(logs + at * tokens + start, length, head.logSums);
      for (int64_t from = 0; from < length; from += kBlock) {
        const int64_t some = std::min(kBlock, length - from);
        copyRows(queries.at(start + from, at), queries.token, some, dim, rows);
        pairsFromColumns(rows, dim, dim, kBlock, head.queryColumns + from * dim);
        pairsFromRows(rows, dim, kBlock, kBlock, dim, head.queryPairs + from * dim);
        copyRows(grads.at(start + from, at), grads.token, some, dim, rows);
        pairsFromColumns(rows, dim, dim, kBlock, head.gradColumns + from * dim);
        pairsFromRows(rows, dim, kBlock, kBlock, dim, head.gradPairs + from * dim);
        for (int64_t r = 0; r < some; r++)
          head.deltas[from + r] = dot(rows + r * dim, outputs.at(start + from + r, at), dim);
      }
    }
    for (int64_t j = 0; j < blocks; j++) {
      const int64_t at = j * kBlock, some = std::min(kBlock, length - at);
      copyRows(keys.at(start + at, kvHead), keys.token, some, dim, keyRows);
      leftFromColumns(keyRows, dim, kBlock, kBlock, dim, keyColumns);
      copyRows(values.at(start + at, kvHead), values.token, some, dim, rows);
      bool add = false;
      for (const Head& head : all) {
        for (int64_t i = j; i < endOfQueryBlocks(j, blocks, shape.window); i++) {
          const int64_t from = i * kBlock;
          product(kBlock, kBlock, dim, keyRows, head.queryColumns + from * dim, scores, false);
          product(kBlock, kBlock, dim, rows, head.gradColumns + from * dim, weightGrads, false);
          scoreGrads(scores, weightGrads, head.logSums + from, head.deltas + from, scale, {from - at, shape.window, some},
                     weights, left, right);
          product(kBlock, dim, kBlock, weights, head.gradPairs + from * dim, dValue, add);
          product(kBlock, dim, kBlock, left, head.queryPairs + from * dim, dKey, add);
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

}  // namespace redistill
