// Creates process groups over c10d. Collectives are the ordinary operators `_c10d_functional::…`, by group name.
#include "addon.h"

#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <map>
#include <mutex>

namespace redistill {
namespace {

// Keeps groups until destroyGroup, since c10d's registry holds them weakly.
struct Groups {
  std::mutex mutex;
  std::map<std::string, c10::intrusive_ptr<c10d::ProcessGroup>> byName;
};

Groups& groups() {
  static Groups* instance = new Groups();
  return *instance;
}

using Gloo = c10d::ProcessGroupGloo;

// Gloo's options with the network device that GLOO_SOCKET_IFNAME names, or the default one.
template <class Options>
auto glooOptions(std::chrono::milliseconds timeout, int) -> decltype(Options::create_default(timeout)) {
  return Options::create_default(timeout);
}

// The same for libtorch 2.9, which has no create_default.
template <class Options>
c10::intrusive_ptr<Options> glooOptions(std::chrono::milliseconds timeout, long) {
  auto options = Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface ? Gloo::createDeviceForInterface(interface) : Gloo::createDefaultDevice());
  options->threads = 2;
  return options;
}

// initGroup(name, host, port, serve, rank, world, timeoutSeconds); the process that owns the store passes `serve` (rank
// 0, unless a launcher's agent already serves that port).
napi_value initGroup(napi_env env, size_t, napi_value* argv) {
  const std::string name = text(env, argv[0]);
  const int rank = static_cast<int>(integer(env, argv[4]));
  const int world = static_cast<int>(integer(env, argv[5]));
  const std::chrono::milliseconds timeout(static_cast<int64_t>(1000 * number(env, argv[6])));
  const int64_t port = integer(env, argv[2]);
  // A port is 16 bits to the store, which would silently cut a larger number.
  if (port < 1 || port > 65535) throw JsError("ERR_ARGUMENT", "initGroup: a port is from 1 to 65535, not " + std::to_string(port));
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.isServer = boolean(env, argv[3]);
  options.timeout = timeout;
  options.waitWorkers = false;
  // Node exports libuv's symbols, which would replace the library's own copy.
  options.useLibUV = false;
  // Keys get the group's name as prefix, since a launcher's store also holds its own keys and those of earlier attempts.
  auto store = c10::make_intrusive<c10d::PrefixStore>(
      name, c10::make_intrusive<c10d::TCPStore>(text(env, argv[1]), options));
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, world);
  auto gloo = c10::make_intrusive<Gloo>(store, rank, world, glooOptions<Gloo::Options>(timeout, 0));
  group->setBackend(c10::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  group->setGroupName(name);
  Groups& all = groups();
  std::lock_guard<std::mutex> lock(all.mutex);
  c10d::register_process_group(name, group);
  all.byName[name] = group;
  return undefined(env);
}

napi_value destroyGroup(napi_env env, size_t, napi_value* argv) {
  const std::string name = text(env, argv[0]);
  Groups& all = groups();
  std::lock_guard<std::mutex> lock(all.mutex);
  if (all.byName.erase(name)) c10d::unregister_process_group(name);
  return undefined(env);
}

}  // namespace

void defineDistributed(napi_env env, napi_value exports) {
  define(env, exports, "initGroup", initGroup);
  define(env, exports, "destroyGroup", destroyGroup);
}

}  // namespace redistill
