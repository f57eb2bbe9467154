// Exposes libtorch's autograd: backward, gradients and the recording mode. Nothing here calls back into JavaScript.
#include "addon.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

namespace redistill {
namespace {

using torch::autograd::variable_list;

// Tensors; `null` becomes an undefined tensor, which stands for no gradient.
variable_list gradients(napi_env env, napi_value values) {
  variable_list result;
  if (isNullish(env, values)) return result;
  for (uint32_t i = 0; i < length(env, values); i++) {
    napi_value value = element(env, values, i);
    result.push_back(isNullish(env, value) ? at::Tensor() : tensorOf(env, value, "gradient"));
  }
  return result;
}

// backward(outputs, gradients | null, retainGraph) adds to .grad of the leaves.
napi_value backward(napi_env env, size_t, napi_value* argv) {
  torch::autograd::backward(tensorsOf(env, argv[0], "outputs"), gradients(env, argv[1]), boolean(env, argv[2]));
  return undefined(env);
}

// grad(outputs, inputs, gradients | null, retainGraph) → one handle or null per input.
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

// setGradMode(enabled) → the mode before. Each thread has its own.
napi_value setGradMode(napi_env env, size_t, napi_value* argv) {
  const bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(boolean(env, argv[0]));
  return toJs(env, before);
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
}

}  // namespace redistill
