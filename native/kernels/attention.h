// Attention on the CPU over the sequences of a pack: causal, grouped queries, an optional window, O(tokens) memory.
#pragma once
#include <ATen/core/Tensor.h>

#include <tuple>
#include <vector>

namespace redistill {

// The sequences of a pack and how their queries see their keys.
struct AttentionShape {
  std::vector<int64_t> lengths;  // they add up to the tokens
  double scale;                  // of the products of queries and keys
  int64_t window;                // a query sees so many keys, its own among them; 0 for all before it
};

// Throws unless these are what the kernel can compute, and the processor has products to do so.
void requireAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionShape& shape);

// q [tokens, heads, headDim], k and v [tokens, kvHeads, headDim], bf16 → the output, bf16[tokens, heads, headDim], and the
// logarithm of each softmax's denominator, f32[heads, tokens], which the backward pass needs.
std::tuple<at::Tensor, at::Tensor> attentionForward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                    const AttentionShape& shape);

// The gradients of q, k and v in their shapes, contiguous.
std::tuple<at::Tensor, at::Tensor, at::Tensor> attentionBackward(const at::Tensor& grad, const at::Tensor& q,
                                                                 const at::Tensor& k, const at::Tensor& v,
                                                                 const at::Tensor& out, const at::Tensor& logSums,
                                                                 const AttentionShape& shape);

}  // namespace redistill
