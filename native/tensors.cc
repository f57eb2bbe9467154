// Moves tensors in and out of JavaScript memory and reads their properties.
#include "addon.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace redistill {
namespace {

// Releases JavaScript buffers on the thread that owns them, since libtorch may drop a storage on any thread. There is one
// per environment (a worker has its own); where a tensor outlives its environment, nothing is left to release.
struct Releaser {
  std::mutex mutex;
  napi_threadsafe_function function = nullptr;
};

// Holds the ArrayBuffer whose memory fromBuffer shares, until libtorch drops the storage.
struct Borrowed {
  napi_ref reference;
  std::shared_ptr<Releaser> releaser;
};

void releaseReference(napi_env env, napi_value, void*, void* data) {
  auto* borrowed = static_cast<Borrowed*>(data);
  if (env) napi_delete_reference(env, borrowed->reference);
  delete borrowed;
}

void giveBack(Borrowed* borrowed) {
  const auto releaser = borrowed->releaser;
  std::lock_guard<std::mutex> lock(releaser->mutex);
  const bool sent = releaser->function &&
                    napi_call_threadsafe_function(releaser->function, borrowed, napi_tsfn_nonblocking) == napi_ok;
  if (!sent) delete borrowed;
}

// Returns this environment's releaser, which does not keep the event loop alive.
std::shared_ptr<Releaser> releaserOf(napi_env env) {
  static std::mutex mutex;
  static auto* perEnvironment = new std::unordered_map<napi_env, std::shared_ptr<Releaser>>();
  std::lock_guard<std::mutex> lock(mutex);
  auto& releaser = (*perEnvironment)[env];
  if (!releaser) {
    auto made = std::make_shared<Releaser>();
    check(env, napi_create_threadsafe_function(env, nullptr, nullptr, toJs(env, std::string("redistill:release")), 0, 1,
                                               nullptr, nullptr, nullptr, releaseReference, &made->function));
    check(env, napi_unref_threadsafe_function(env, made->function));
    check(env, napi_add_env_cleanup_hook(
                   env,
                   [](void* key) {
                     std::lock_guard<std::mutex> lock(mutex);
                     const auto ending = perEnvironment->extract(static_cast<napi_env>(key)).mapped();
                     std::lock_guard<std::mutex> releasing(ending->mutex);
                     ending->function = nullptr;
                   },
                   env));
    releaser = made;
  }
  return releaser;
}

// fromBuffer(typedArray, shape, dtype) → a CPU tensor that shares memory with the typed array.
napi_value fromBuffer(napi_env env, size_t, napi_value* argv) {
  napi_typedarray_type type;
  size_t count, offset;
  void* data;
  napi_value buffer;
  check(env, napi_get_typedarray_info(env, argv[0], &type, &count, &data, &buffer, &offset));
  static constexpr size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  std::vector<int64_t> shape(length(env, argv[1]));
  for (uint32_t i = 0; i < shape.size(); i++) shape[i] = integer(env, element(env, argv[1], i));
  const auto dtype = static_cast<at::ScalarType>(integer(env, argv[2]));
  if (c10::multiply_integers(shape) * c10::elementSize(dtype) != count * sizes[type]) {
    throw JsError("ERR_ARGUMENT", "fromBuffer: the array has another number of bytes than the shape needs");
  }
  auto borrowed = std::make_unique<Borrowed>(Borrowed{nullptr, releaserOf(env)});
  check(env, napi_create_reference(env, buffer, 1, &borrowed->reference));
  // Whoever drops the last of these gives the buffer back: the storage, or this function where no tensor can be made.
  const std::shared_ptr<Borrowed> held(borrowed.release(), giveBack);
  return wrap(env, at::from_blob(data, shape, [held](void*) {}, at::TensorOptions().dtype(dtype)));
}

// toBuffer(tensor) → an ArrayBuffer over the storage of a contiguous CPU tensor, without a copy where that is allowed.
napi_value toBuffer(napi_env env, size_t, napi_value* argv) {
  auto tensor = std::make_unique<at::Tensor>(tensorOf(env, argv[0]));
  if (!tensor->is_cpu() || !tensor->is_contiguous()) {
    throw JsError("ERR_ARGUMENT", "toBuffer takes a contiguous tensor on the CPU");
  }
  napi_value result;
  if (tensor->nbytes() > 0) {
    const napi_status status = napi_create_external_arraybuffer(
        env, tensor->data_ptr(), tensor->nbytes(), [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); },
        tensor.get(), &result);
    if (status == napi_ok) {
      tensor.release();  // the array buffer owns it
      return result;
    }
    // Some runtimes (Electron) allow no memory of others in their heap: they get a copy.
    if (status != napi_no_external_buffers_allowed) check(env, status);
  }
  void* copy = nullptr;
  check(env, napi_create_arraybuffer(env, tensor->nbytes(), &copy, &result));
  if (tensor->nbytes() > 0) std::memcpy(copy, tensor->data_ptr(), tensor->nbytes());
  return result;
}

napi_value shape(napi_env env, size_t, napi_value* argv) {
  const at::Tensor tensor = tensorOf(env, argv[0]);
  napi_value result = array(env, tensor.dim());
  for (int64_t i = 0; i < tensor.dim(); i++) set(env, result, i, toJs(env, static_cast<double>(tensor.size(i))));
  return result;
}

napi_value dtype(napi_env env, size_t, napi_value* argv) {
  return toJs(env, static_cast<double>(static_cast<int>(tensorOf(env, argv[0]).scalar_type())));
}

napi_value device(napi_env env, size_t, napi_value* argv) { return toJs(env, tensorOf(env, argv[0]).device().str()); }

napi_value item(napi_env env, size_t, napi_value* argv) {
  const c10::Scalar value = tensorOf(env, argv[0]).item();
  return toJs(env, value.isBoolean() ? static_cast<double>(value.toBool()) : value.toDouble());
}

}  // namespace

void defineTensors(napi_env env, napi_value exports) {
  define(env, exports, "fromBuffer", fromBuffer);
  define(env, exports, "toBuffer", toBuffer);
  define(env, exports, "shape", shape);
  define(env, exports, "dtype", dtype);
  define(env, exports, "device", device);
  define(env, exports, "item", item);
}

}  // namespace redistill
