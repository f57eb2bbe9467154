// Registers our own operators with libtorch's dispatcher (CUDA's from this file, the CPU's from rows.h, norms.h and attention.h), where TypeScript finds them as it finds libtorch's. Each does in
// one pass over memory what several of libtorch's do; models call them through src/torch/fused.ts.
#include "adamw.h"
#include "attention.h"
#include "cuda.h"
#include "micro.h"
#include "norms.h"
#include "products.h"
#include "rows.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

namespace redistill {
namespace {

constexpr int64_t kEight = 8;
constexpr unsigned kThreads = 256;
constexpr unsigned kRowThreads = 512;
constexpr int64_t kRowsAChunk = 128;

// A thread takes several items where there are more than fill a GPU many times over.
Grid gridFor(int64_t items) { return {std::min<int64_t>((items + kThreads - 1) / kThreads, 4096), kThreads}; }

void requireNarrow(const at::Tensor& tensor, const char* name) {
  TORCH_CHECK(tensor.is_cuda() && tensor.scalar_type() == at::kBFloat16, name, " needs bf16 on a GPU");
}

// glu(gateUp, gelu): [rows, 2 · width] → activation(gate) · up, [rows, width]. Width is a multiple of eight.
at::Tensor glu(const at::Tensor& gateUp, bool gelu) {
  if (gateUp.is_cpu()) return rows::glu(gateUp, gelu);
  requireNarrow(gateUp, "glu");
  const at::Tensor in = gateUp.contiguous();
  int64_t rows = in.size(0), width = in.size(1) / 2 / kEight;
  TORCH_CHECK(in.dim() == 2 && in.size(1) % (2 * kEight) == 0, "glu needs rows of two halves of eights");
  at::Tensor out = at::empty({rows, in.size(1) / 2}, in.options());
  const void *from = in.data_ptr(), *to = out.data_ptr();
  int kind = gelu;
  void* arguments[] = {&from, &to, &rows, &width, &kind};
  launch("glu", in, gridFor(rows * width), arguments);
  return out;
}

at::Tensor gluBackward(const at::Tensor& grad, const at::Tensor& gateUp, bool gelu) {
  if (grad.is_cpu()) return rows::gluBackward(grad, gateUp, gelu);
  requireNarrow(grad, "glu_backward");
  const at::Tensor in = gateUp.contiguous(), incoming = grad.contiguous();
  int64_t rows = in.size(0), width = in.size(1) / 2 / kEight;
  at::Tensor out = at::empty_like(in);
  const void *g = incoming.data_ptr(), *from = in.data_ptr(), *to = out.data_ptr();
  int kind = gelu;
  void* arguments[] = {&g, &from, &to, &rows, &width, &kind};
  launch("glu_backward", in, gridFor(rows * width), arguments);
  return out;
}

// rotate(x, cos, sin, back): x [tokens, heads, headDim], cos and sin [tokens, 1, headDim / 2] → the same shape, contiguous.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines, bool back) {
  if (x.is_cpu()) return rows::rotate(x, cosines, sines, back);
  requireNarrow(x, "rotate");
  requireNarrow(cosines, "rotate");
  TORCH_CHECK(x.dim() == 3 && x.size(2) % (2 * kEight) == 0, "rotate needs heads of two halves of eights");
  const bool fits = x.stride(2) == 1 && x.stride(1) == x.size(2) && x.stride(0) % kEight == 0 &&
                    reinterpret_cast<uintptr_t>(x.data_ptr()) % 16 == 0;
  const at::Tensor in = fits ? x : x.contiguous(), c = cosines.contiguous(), s = sines.contiguous();
  int64_t tokens = in.size(0), heads = in.size(1), half = in.size(2) / 2 / kEight, stride = in.stride(0) / kEight;
  at::Tensor out = at::empty({tokens, heads, in.size(2)}, in.options());
  const void *from = in.data_ptr(), *cos = c.data_ptr(), *sin = s.data_ptr(), *to = out.data_ptr();
  float sign = back ? -1.0f : 1.0f;
  void* arguments[] = {&from, &cos, &sin, &to, &tokens, &heads, &half, &stride, &sign};
  launch("rotate", in, gridFor(tokens * heads * half), arguments);
  return out;
}

// softmax_grad(logits, targets, weights, grad): logits f32[rows, vocab], targets i64[rows], weights f32[rows]. Writes
// weight · (onehot(target) − softmax(logits)) to grad, bf16[rows, vocab], and returns the log-probs of the targets, f32[rows].
// On the CPU the logits are bf16, and grad may be the same tensor.
at::Tensor softmaxGrad(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights, at::Tensor& grad) {
  if (logits.is_cpu()) return rows::softmaxGrad(logits, targets, weights, grad);
  requireNarrow(grad, "softmax_grad");
  TORCH_CHECK(logits.scalar_type() == at::kFloat && weights.scalar_type() == at::kFloat && logits.is_contiguous() &&
                  grad.is_contiguous() && grad.sizes() == logits.sizes() && logits.size(1) % 4 == 0 &&
                  targets.scalar_type() == at::kLong && targets.numel() == logits.size(0) && weights.numel() == logits.size(0),
              "softmax_grad needs contiguous rows whose length is a multiple of four");
  const at::Tensor chosen = targets.contiguous(), factors = weights.contiguous();
  at::Tensor logps = at::empty({logits.size(0)}, logits.options());
  const void *x = logits.data_ptr(), *t = chosen.data_ptr(), *w = factors.data_ptr(), *g = grad.data_ptr(),
             *l = logps.data_ptr();
  int64_t width = logits.size(1);
  void* arguments[] = {&x, &t, &w, &g, &l, &width};
  launch("softmax_grad", logits, {logits.size(0), kRowThreads}, arguments);
  return logps;
}

// rms_norm_backward(grad, x, weight, eps, offset, weightGrad): grad and x [rows, width], weight [width], all bf16; adds the
// weight's gradient to weightGrad, f32[width], and returns dx. Width is even.
at::Tensor rmsNormBackward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset,
                           at::Tensor& weightGrad) {
  if (x.is_cpu()) return norms::backward(grad, x, weight, eps, offset, weightGrad);
  for (const at::Tensor* tensor : {&x, &grad, &weight}) requireNarrow(*tensor, "rms_norm_backward");
  TORCH_CHECK(x.dim() == 2 && x.sizes() == grad.sizes() && weight.numel() == x.size(1) && x.size(1) % 2 == 0 &&
                  weightGrad.scalar_type() == at::kFloat && weightGrad.numel() == x.size(1),
              "rms_norm_backward needs rows of an even length and a float32 sum");
  const at::Tensor g = grad.contiguous(), in = x.contiguous(), w = weight.contiguous();
  int64_t rows = x.size(0), width = x.size(1), chunk = kRowsAChunk;
  const int64_t chunks = (rows + chunk - 1) / chunk;
  at::Tensor out = at::empty_like(in);
  at::Tensor scales = at::empty({rows}, weightGrad.options()), partial = at::empty({chunks, width}, weightGrad.options());
  const void *from = g.data_ptr(), *input = in.data_ptr(), *factor = w.data_ptr(), *to = out.data_ptr(),
             *scale = scales.data_ptr(), *sums = partial.data_ptr();
  float epsilon = static_cast<float>(eps), added = static_cast<float>(offset);
  void* arguments[] = {&from, &input, &factor, &to, &scale, &width, &epsilon, &added};
  launch("rms_norm_backward", in, {rows, kThreads}, arguments);
  void* others[] = {&from, &input, &scale, &sums, &rows, &width, &chunk};
  launch("rms_norm_weight_grad", in, {(width / 2 + kThreads - 1) / kThreads, kThreads, chunks}, others);
  weightGrad.add_(partial.sum(0));
  return out;
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Glu : torch::autograd::Function<Glu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gateUp, bool gelu) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({gateUp});
    context->saved_data["gelu"] = gelu;
    return glu(gateUp, gelu);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    return {gluBackward(grads[0], context->get_saved_variables()[0], context->saved_data["gelu"].toBool()), {}};
  }
};

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines,
                            bool back) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({cosines, sines});
    context->saved_data["back"] = back;
    return rotate(x, cosines, sines, back);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    return {rotate(grads[0], saved[0], saved[1], !context->saved_data["back"].toBool()), {}, {}, {}};
  }
};

// attention(q, k, v, lengths, scale, window): attention of each of the sequences that make up the rows; see attention.h.
std::tuple<at::Tensor, at::Tensor> attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                             at::IntArrayRef lengths, double scale, int64_t window) {
  const AttentionShape shape{lengths.vec(), scale, window};
  requireAttention(q, k, v, shape);
  return attentionForward(q, k, v, shape);
}

struct Attention : torch::autograd::Function<Attention> {
  static variable_list forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               at::IntArrayRef lengths, double scale, int64_t window) {
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [out, logSums] = attention(q, k, v, lengths, scale, window);
    context->save_for_backward({q, k, v, out, logSums});
    context->mark_non_differentiable({logSums});
    context->saved_data["lengths"] = lengths.vec();
    context->saved_data["scale"] = scale;
    context->saved_data["window"] = window;
    return {out, logSums};
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const AttentionShape shape{context->saved_data["lengths"].toIntVector(), context->saved_data["scale"].toDouble(),
                               context->saved_data["window"].toInt()};
    const auto [dq, dk, dv] = attentionBackward(grads[0], saved[0], saved[1], saved[2], saved[3], saved[4], shape);
    return {dq, dk, dv, {}, {}, {}};
  }
};

std::tuple<at::Tensor, at::Tensor> attentionRecorded(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                                     at::IntArrayRef lengths, double scale, int64_t window) {
  const auto results = Attention::apply(q, k, v, lengths, scale, window);
  return {results[0], results[1]};
}

// linear(x, weight, bias, sum): x · weightᵀ + bias. Backward adds the weight's gradient to `sum`, f32[out, in], where there is
// one, and gives it to autograd otherwise.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                  const std::optional<at::Tensor>& sum) {
  at::Tensor result = at::empty({x.size(0), weight.size(0)}, x.options());
  products::linear(x, weight, bias, result);
  return result;
}

void linearOut(const at::Tensor& x, const at::Tensor& weight, at::Tensor& result) {
  products::linear(x, weight, std::nullopt, result);
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const std::optional<at::Tensor>& sum) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x, weight});
    context->saved_data["sum"] = sum;
    context->saved_data["bias"] = bias.has_value();
    return linear(x, weight, bias, sum);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &grad = grads[0];
    const auto sum = context->saved_data["sum"].toOptional<at::Tensor>();
    variable_list result(4);
    if (context->needs_input_grad(0)) {
      result[0] = at::empty(x.sizes(), x.options());
      products::inputGrad(grad, weight, result[0]);
    }
    if (context->needs_input_grad(1)) {
      at::Tensor gradient = sum ? *sum : at::zeros(weight.sizes(), weight.options().dtype(at::kFloat));
      products::addWeightGrad(grad, x, gradient);
      if (!sum) result[1] = gradient.to(weight.scalar_type());
    }
    // Only tensors that are there have an index here.
    const bool hasBias = context->saved_data["bias"].toBool();
    if (hasBias && context->needs_input_grad(2)) result[2] = grad.sum(0, false, at::kFloat).to(grad.scalar_type());
    return result;
  }
};

at::Tensor linearRecorded(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                          const std::optional<at::Tensor>& sum) {
  return Linear::apply(x, weight, bias, sum);
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double eps,
                            int64_t offset) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x, weight});
    context->saved_data["eps"] = eps;
    context->saved_data["offset"] = offset;
    return norms::norm(x, weight, eps, offset);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    at::Tensor weightGrad = at::zeros({saved[1].numel()}, saved[1].options().dtype(at::kFloat));
    at::Tensor dx = norms::backward(grads[0], saved[0], saved[1], context->saved_data["eps"].toDouble(),
                                          context->saved_data["offset"].toInt(), weightGrad);
    return {dx, weightGrad.to(saved[1].scalar_type()), {}, {}};
  }
};

at::Tensor rmsNormRecorded(const at::Tensor& x, const at::Tensor& weight, double eps, int64_t offset) {
  return RmsNorm::apply(x, weight, eps, offset);
}

at::Tensor gluRecorded(const at::Tensor& gateUp, bool gelu) { return Glu::apply(gateUp, gelu); }

at::Tensor rotateRecorded(const at::Tensor& x, const at::Tensor& cosines, const at::Tensor& sines, bool back) {
  return Rotate::apply(x, cosines, sines, back);
}

}  // namespace

TORCH_LIBRARY(redistill, library) {
  library.def("glu(Tensor gate_up, bool gelu) -> Tensor");
  library.def("rotate(Tensor x, Tensor cosines, Tensor sines, bool back) -> Tensor");
  library.def("rms_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor");
  library.def(
      "rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad) -> Tensor");
  library.def("add_rms_norm(Tensor(a!) sum, Tensor x, Tensor weight, float eps, int offset) -> Tensor");
  library.def(
      "add_rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad, Tensor(b!) sum) "
      "-> ()");
  library.def("target_logps(Tensor logits, Tensor targets) -> Tensor");
  library.def("softmax_grad(Tensor logits, Tensor targets, Tensor weights, Tensor(a!) grad) -> Tensor");
  library.def("attention(Tensor q, Tensor k, Tensor v, int[] lengths, float scale, int window) -> (Tensor, Tensor)");
  library.def("has_products() -> bool", hasProducts);
  library.def("widens_factors() -> bool", widensFactors);
  library.def("widen_factors(bool wide) -> ()", widenFactors);
  library.def("linear(Tensor x, Tensor weight, Tensor? bias, Tensor? sum) -> Tensor");
  library.def("linear_out(Tensor x, Tensor weight, Tensor(a!) out) -> ()");
  library.def("linear_input_grad(Tensor grad, Tensor weight, Tensor(a!) out) -> ()");
  library.def("linear_weight_grad(Tensor grad, Tensor x, Tensor(a!) sum) -> ()");
  library.def(
      "adamw(Tensor(a!)[] params, Tensor(b!)[] grads, Tensor(c!)[] averages, Tensor(d!)[] squares, Tensor(e!)[] copies, int step, "
      "float scale, float lr, float beta1, float beta2, float eps, float weight_decay) -> ()",
      adamw);
}

// What both kinds of device have.
void implementShared(torch::Library& library) {
  library.impl("glu", glu);
  library.impl("rotate", rotate);
  library.impl("softmax_grad", softmaxGrad);
  library.impl("rms_norm_backward", rmsNormBackward);
}

void recordShared(torch::Library& library) {
  library.impl("glu", gluRecorded);
  library.impl("rotate", rotateRecorded);
}

TORCH_LIBRARY_IMPL(redistill, CUDA, library) { implementShared(library); }

TORCH_LIBRARY_IMPL(redistill, AutogradCUDA, library) { recordShared(library); }

TORCH_LIBRARY_IMPL(redistill, CPU, library) {
  implementShared(library);
  library.impl("rms_norm", norms::norm);
  library.impl("add_rms_norm", norms::addNorm);
  library.impl("add_rms_norm_backward", norms::addBackward);
  library.impl("target_logps", rows::targetLogps);
  library.impl("attention", attention);
  library.impl("linear", linear);
  library.impl("linear_out", linearOut);
  library.impl("linear_input_grad", products::inputGrad);
  library.impl("linear_weight_grad", products::addWeightGrad);
}

TORCH_LIBRARY_IMPL(redistill, AutogradCPU, library) {
  recordShared(library);
  library.impl("rms_norm", rmsNormRecorded);
  library.impl("attention", attentionRecorded);
  library.impl("linear", linearRecorded);
}

}  // namespace redistill
