// Defines the shared conversions and error translation, and initializes the module.
#include "addon.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <cstring>

namespace redistill {

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw JsPending{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw JsError("ERR_ARGUMENT", info && info->error_message ? info->error_message : "wrong argument");
}

namespace {

constexpr size_t kMaxArguments = 64;

void raise(napi_env env, const std::string& code, const std::string& message) {
  napi_throw_error(env, code.c_str(), message.c_str());
}

bool outOfMemory(const char* message) {
  return std::strstr(message, "not enough memory") || std::strstr(message, "can't allocate memory") ||
         std::strstr(message, "Cannot allocate memory") ||
         std::strstr(message, "out of memory");
}

napi_value guarded(napi_env env, napi_callback_info info) {
  napi_value argv[kMaxArguments];
  size_t argc = kMaxArguments;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, &data) != napi_ok) return nullptr;
  if (argc > kMaxArguments) {
    raise(env, "ERR_ARGUMENT", "too many arguments");
    return nullptr;
  }
  try {
    return reinterpret_cast<Native>(data)(env, argc, argv);
  } catch (const JsPending&) {
  } catch (const JsError& error) {
    raise(env, error.code, error.what());
  } catch (const c10::OutOfMemoryError& error) {
    raise(env, "ERR_OUT_OF_MEMORY", error.what_without_backtrace());
  } catch (const c10::Error& error) {
    const char* message = error.what_without_backtrace();
    raise(env, outOfMemory(message) ? "ERR_OUT_OF_MEMORY" : "ERR_TORCH", message);
  } catch (const std::bad_alloc&) {
    raise(env, "ERR_OUT_OF_MEMORY", "out of memory");
  } catch (const std::exception& error) {
    raise(env, "ERR_TORCH", error.what());
  }
  return nullptr;
}

}  // namespace

void define(napi_env env, napi_value exports, const char* name, Native fn) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded, reinterpret_cast<void*>(fn), &function));
  check(env, napi_set_named_property(env, exports, name, function));
}

double number(napi_env env, napi_value value) {
  double result;
  check(env, napi_get_value_double(env, value, &result));
  return result;
}

int64_t integer(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  int64_t result;
  if (type == napi_bigint) {
    bool lossless;
    check(env, napi_get_value_bigint_int64(env, value, &result, &lossless));
    if (!lossless) throw JsError("ERR_ARGUMENT", "bigint does not fit in 64 bits");
  } else {
    // Node-API would silently cut 2.5 to 2 and turn NaN into 0: wrong sizes and offsets.
    const double x = number(env, value);
    if (std::trunc(x) != x || std::abs(x) > 9007199254740992.0) {
      throw JsError("ERR_ARGUMENT", "a whole number is expected, not " + std::to_string(x));
    }
    result = static_cast<int64_t>(x);
  }
  return result;
}

bool boolean(napi_env env, napi_value value) {
  bool result;
  check(env, napi_get_value_bool(env, value, &result));
  return result;
}

std::string text(napi_env env, napi_value value) {
  size_t size;
  check(env, napi_get_value_string_utf8(env, value, nullptr, 0, &size));
  std::string result(size, '\0');
  check(env, napi_get_value_string_utf8(env, value, result.data(), size + 1, &size));
  return result;
}

bool isNullish(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type == napi_undefined || type == napi_null;
}

uint32_t length(napi_env env, napi_value array) {
  uint32_t size;
  check(env, napi_get_array_length(env, array, &size));
  return size;
}

napi_value element(napi_env env, napi_value array, uint32_t index) {
  napi_value result;
  check(env, napi_get_element(env, array, index, &result));
  return result;
}

napi_value toJs(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

napi_value toJs(napi_env env, bool value) {
  napi_value result;
  check(env, napi_get_boolean(env, value, &result));
  return result;
}

napi_value toJs(napi_env env, const std::string& value) {
  napi_value result;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}

napi_value undefined(napi_env env) {
  napi_value result;
  check(env, napi_get_undefined(env, &result));
  return result;
}

napi_value array(napi_env env, size_t size) {
  napi_value result;
  check(env, napi_create_array_with_length(env, size, &result));
  return result;
}

void set(napi_env env, napi_value array, uint32_t index, napi_value value) {
  check(env, napi_set_element(env, array, index, value));
}

}  // namespace redistill

NAPI_MODULE_INIT() {
  using namespace redistill;
  try {
    defineHandles(env, exports);
    defineOps(env, exports);
    defineTensors(env, exports);
    defineAutograd(env, exports);
    defineRuntime(env, exports);
    defineMemory(env, exports);
    defineDevice(env, exports);
    defineDistributed(env, exports);
    defineFiles(env, exports);
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_TORCH", error.what());
  } catch (const JsPending&) {
  }
  return exports;
}
