// libtorch's autograd: backward, gradients, modes, and gradients that TypeScript computed in the forward pass.
#include "addon.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

namespace redistill {
namespace {

using torch::autograd::variable_list;

// Tensors with `null` for "none" (an undefined tensor).
variable_list gradients(napi_env env, napi_value values) {
  variable_list result;
  if (isNullish(env, values)) return result;
  for (uint32_t i = 0; i < length(env, values); i++) {
    napi_value value = element(env, values, i);
    result.push_back(isNullish(env, value) ? at::Tensor() : tensorOf(env, value, "gradient"));
  }
  return result;
}

// backward(outputs, gradients | null, retainGraph, inputs | null): adds to .grad of the leaves, or of `inputs` alone.
napi_value backward(napi_env env, size_t, napi_value* argv) {
  variable_list inputs;
  if (!isNullish(env, argv[3])) inputs = tensorsOf(env, argv[3], "inputs");
  torch::autograd::backward(tensorsOf(env, argv[0], "outputs"), gradients(env, argv[1]), boolean(env, argv[2]),
                            /*create_graph=*/false, inputs);
  return undefined(env);
}

// grad(outputs, inputs, gradients | null, retainGraph) → one handle or null an input.
napi_value grad(napi_env env, size_t, napi_value* argv) {
  const auto result =
      torch::autograd::grad(tensorsOf(env, argv[0], "outputs"), tensorsOf(env, argv[1], "inputs"),
                            gradients(env, argv[2]), boolean(env, argv[3]), /*create_graph=*/false, /*allow_unused=*/true);
  napi_value handles = array(env, result.size());
  for (uint32_t i = 0; i < result.size(); i++) set(env, handles, i, wrap(env, result[i]));
  return handles;
}

napi_value getGrad(napi_env env, size_t, napi_value* argv) { return wrap(env, tensorOf(env, argv[0]).grad()); }

napi_value setGrad(napi_env env, size_t, napi_value* argv) {
  at::Tensor tensor = tensorOf(env, argv[0]);
  if (isNullish(env, argv[1])) {
    tensor.mutable_grad() = at::Tensor();
    return undefined(env);
  }
  at::Tensor gradient = tensorOf(env, argv[1], "gradient");
  // mutable_grad() skips the checks that Python's .grad makes.
  if (gradient.sizes() != tensor.sizes() || gradient.scalar_type() != tensor.scalar_type() ||
      gradient.device() != tensor.device()) {
    throw JsError("ERR_ARGUMENT", "setGrad: the gradient needs the shape, dtype and device of its tensor");
  }
  tensor.mutable_grad() = gradient;
  return undefined(env);
}

napi_value setRequiresGrad(napi_env env, size_t, napi_value* argv) {
  tensorOf(env, argv[0]).set_requires_grad(boolean(env, argv[1]));
  return undefined(env);
}

napi_value requiresGrad(napi_env env, size_t, napi_value* argv) {
  return toJs(env, tensorOf(env, argv[0]).requires_grad());
}

// setGradMode(enabled) → what it was. Per thread.
napi_value setGradMode(napi_env env, size_t, napi_value* argv) {
  const bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(boolean(env, argv[0]));
  return toJs(env, before);
}

// Backward of a scalar whose gradients were computed in the forward pass: each is scaled by the incoming gradient.
struct AttachedGrads : torch::autograd::Node {
  std::vector<at::Tensor> grads;

  variable_list apply(variable_list&& incoming) override {
    variable_list result;
    for (const auto& gradient : grads) {
      result.push_back(incoming[0].defined() ? gradient * incoming[0].to(gradient.scalar_type()) : at::Tensor());
    }
    return result;
  }

  void release_variables() override { grads.clear(); }
  std::string name() const override { return "AttachedGrads"; }
};

// attachGrads(value, inputs, grads) → `value` (a scalar), differentiable in `inputs` with these gradients.
napi_value attachGrads(napi_env env, size_t, napi_value* argv) {
  at::Tensor value = tensorOf(env, argv[0], "value").detach();
  const variable_list inputs = tensorsOf(env, argv[1], "inputs");
  auto grads = tensorsOf(env, argv[2], "grads");
  if (value.numel() != 1) throw JsError("ERR_ARGUMENT", "attachGrads: the value must be a scalar");
  if (inputs.size() != grads.size()) throw JsError("ERR_ARGUMENT", "attachGrads: one gradient an input");
  for (size_t i = 0; i < inputs.size(); i++) {
    if (inputs[i].sizes() != grads[i].sizes()) throw JsError("ERR_ARGUMENT", "attachGrads: a gradient has another shape than its input");
  }
  auto node = std::shared_ptr<AttachedGrads>(new AttachedGrads(), torch::autograd::deleteNode);
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  node->grads = std::move(grads);
  torch::autograd::set_history(value, node);
  return wrap(env, value);
}

}  // namespace

void defineAutograd(napi_env env, napi_value exports) {
  define(env, exports, "backward", backward);
  define(env, exports, "grad", grad);
  define(env, exports, "getGrad", getGrad);
  define(env, exports, "setGrad", setGrad);
  define(env, exports, "setRequiresGrad", setRequiresGrad);
  define(env, exports, "requiresGrad", requiresGrad);
  define(env, exports, "setGradMode", setGradMode);
  define(env, exports, "attachGrads", attachGrads);
}

}  // namespace redistill
