// Declares what the addon's files share: the handle table, argument conversion and error translation.
// The addon knows tensors, operators, autograd, devices, groups and the writing of files; it does not know models.
#pragma once

#include <node_api.h>

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace redistill {

// ---- errors ------------------------------------------------------------------------------------------------

// Unwinds to the entry point when a JavaScript exception is already pending.
struct JsPending {};

// Throws in C++; `guarded` turns it into a JavaScript Error with this code.
struct JsError : std::runtime_error {
  JsError(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

void check(napi_env env, napi_status status);

using Native = napi_value (*)(napi_env, size_t argc, napi_value* argv);

// Adds `fn` to `exports`. The entry point catches every C++ exception; TypeScript receives it as an Error with a code:
// ERR_OUT_OF_MEMORY, ERR_DISPOSED, ERR_ARGUMENT, ERR_TORCH, ERR_SCOPE or ERR_LIBRARY.
void define(napi_env env, napi_value exports, const char* name, Native fn);

// ---- conversion --------------------------------------------------------------------------------------------

double number(napi_env env, napi_value value);
int64_t integer(napi_env env, napi_value value);
bool boolean(napi_env env, napi_value value);
std::string text(napi_env env, napi_value value);
bool isNullish(napi_env env, napi_value value);
uint32_t length(napi_env env, napi_value array);
napi_value element(napi_env env, napi_value array, uint32_t index);

napi_value toJs(napi_env env, double value);
napi_value toJs(napi_env env, bool value);
napi_value toJs(napi_env env, const std::string& value);
napi_value undefined(napi_env env);
napi_value array(napi_env env, size_t size);
void set(napi_env env, napi_value array, uint32_t index, napi_value value);

// ---- handles -----------------------------------------------------------------------------------------------

// A tensor is a number in JavaScript: generation · 2^22 + slot. A slot's generation grows when it is freed, so that
// using a number for too long is an error and never reaches another tensor.
double makeHandle(at::Tensor tensor);
napi_value wrap(napi_env env, at::Tensor tensor);

// Returns the tensor of a handle. `where` names the argument in the error of a use after disposal.
at::Tensor tensorOf(double handle, const char* where);
at::Tensor tensorOf(napi_env env, napi_value value, const char* where = "tensor");
std::vector<at::Tensor> tensorsOf(napi_env env, napi_value array, const char* where);

// ---- the groups of functions -------------------------------------------------------------------------------

void defineHandles(napi_env env, napi_value exports);
void defineOps(napi_env env, napi_value exports);
void defineTensors(napi_env env, napi_value exports);
void defineAutograd(napi_env env, napi_value exports);
void defineRuntime(napi_env env, napi_value exports);
void defineMemory(napi_env env, napi_value exports);
void defineDevice(napi_env env, napi_value exports);
void defineDistributed(napi_env env, napi_value exports);
void defineFiles(napi_env env, napi_value exports);

}  // namespace redistill
