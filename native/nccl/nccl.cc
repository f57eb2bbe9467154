// Gives a process group a backend for CUDA tensors: c10d's own ProcessGroupNCCL. An addon of its own, since it needs CUDA's
// headers and libtorch_cuda.so, which only a machine with several GPUs has to have.
#include <node_api.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <chrono>
#include <string>

namespace {

// addNccl(name, timeoutSeconds): the group is one that the other addon has made and registered under that name.
napi_value addNccl(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  size_t argc = 2;
  char name[256];
  size_t length = 0;
  double timeoutSeconds = 0;
  if (napi_get_cb_info(env, info, &argc, argv, nullptr, nullptr) != napi_ok || argc != 2 ||
      napi_get_value_string_utf8(env, argv[0], name, sizeof name, &length) != napi_ok ||
      napi_get_value_double(env, argv[1], &timeoutSeconds) != napi_ok) {
    napi_throw_type_error(env, "ERR_ARGUMENT", "addNccl: expected the name of a group and a number of seconds");
    return nullptr;
  }
  try {
    const auto group = c10d::resolve_process_group(std::string(name, length));
    // Keys of NCCL's identifiers stand apart from Gloo's.
    auto store = c10::make_intrusive<c10d::PrefixStore>("nccl", group->getStore());
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = std::chrono::milliseconds(static_cast<int64_t>(1000 * timeoutSeconds));
    group->setBackend(c10::kCUDA, c10d::ProcessGroup::BackendType::NCCL,
                      c10::make_intrusive<c10d::ProcessGroupNCCL>(store, group->getRank(), group->getSize(), options));
  } catch (const c10::Error& error) {
    napi_throw_error(env, "ERR_TORCH", error.what_without_backtrace());
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_TORCH", error.what());
  }
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "addNccl", NAPI_AUTO_LENGTH, addNccl, nullptr, &function) != napi_ok ||
      napi_set_named_property(env, exports, "addNccl", function) != napi_ok)
    napi_throw_error(env, "ERR_NAPI", "addNccl cannot be defined");
  return exports;
}
