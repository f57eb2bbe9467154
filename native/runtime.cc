// Reads and changes process-wide settings: threads, seeds, the version.
#include "addon.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace redistill {
namespace {

napi_value setThreads(napi_env env, size_t, napi_value* argv) {
  // A thread's first parallel operator takes over the count that any thread set last; this call makes that happen now.
  at::get_num_threads();
  at::set_num_threads(static_cast<int>(integer(env, argv[0])));
  return undefined(env);
}

napi_value threads(napi_env env, size_t, napi_value*) { return toJs(env, static_cast<double>(at::get_num_threads())); }

napi_value seed(napi_env env, size_t, napi_value* argv) {
  at::manual_seed(static_cast<uint64_t>(integer(env, argv[0])));
  return undefined(env);
}

at::Generator generator(napi_env env, napi_value device) { return at::globalContext().defaultGenerator(at::Device(text(env, device))); }

napi_value rngState(napi_env env, size_t, napi_value* argv) {
  auto rng = generator(env, argv[0]);
  std::lock_guard<std::mutex> lock(rng.mutex());
  return wrap(env, rng.get_state());
}

napi_value setRngState(napi_env env, size_t, napi_value* argv) {
  auto rng = generator(env, argv[0]);
  std::lock_guard<std::mutex> lock(rng.mutex());
  rng.set_state(tensorOf(env, argv[1], "state"));
  return undefined(env);
}

napi_value version(napi_env env, size_t, napi_value*) { return toJs(env, std::string(TORCH_VERSION)); }

// setDeterministic(on) has operators compute in one order where they have one, and throw where they have none.
napi_value setDeterministic(napi_env env, size_t, napi_value* argv) {
  at::globalContext().setDeterministicAlgorithms(boolean(env, argv[0]), false);
  // Otherwise every new tensor is filled: no result here depends on memory that nobody has written.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  return undefined(env);
}

napi_value isDeterministic(napi_env env, size_t, napi_value*) {
  return toJs(env, at::globalContext().deterministicAlgorithms());
}

// endWith(pid) has the system kill this process when the one with that number, which started it, has ended.
napi_value endWith(napi_env env, size_t, napi_value* argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before this call.
  if (getppid() != integer(env, argv[0])) raise(SIGKILL);
  return undefined(env);
}

}  // namespace

void defineRuntime(napi_env env, napi_value exports) {
  define(env, exports, "setThreads", setThreads);
  define(env, exports, "threads", threads);
  define(env, exports, "seed", seed);
  define(env, exports, "rngState", rngState);
  define(env, exports, "setRngState", setRngState);
  define(env, exports, "version", version);
  define(env, exports, "setDeterministic", setDeterministic);
  define(env, exports, "isDeterministic", isDeterministic);
  define(env, exports, "endWith", endWith);
}

}  // namespace redistill
