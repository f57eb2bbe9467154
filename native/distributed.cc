// Creates process groups over c10d. Collectives are the ordinary operators `_c10d_functional::…`, by group name.
#include "addon.h"

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

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

// Waits until all members have said in the store that they are there, since Gloo's own wait does not tell who is missing.
// Throws ERR_ABSENT with the ranks of those that have not, with commas between them.
void requireAll(c10d::Store& store, int rank, int world, std::chrono::milliseconds patience) {
  std::vector<std::string> keys;
  for (int member = 0; member < world; member++) keys.push_back("here/" + std::to_string(member));
  store.set(keys[rank], std::vector<uint8_t>{1});
  std::string absent;
  try {
    store.wait(keys, patience);
    return;
  } catch (const std::exception&) {
    for (int member = 0; member < world; member++)
      if (!store.check({keys[member]})) absent += (absent.empty() ? "" : ",") + std::to_string(member);
    if (absent.empty()) throw;
  }
  throw JsError("ERR_ABSENT", absent);
}

// Connects this member to all others. Throws ERR_CONNECT.
c10::intrusive_ptr<Gloo> connected(const c10::intrusive_ptr<c10d::Store>& store, int rank, int world,
                                   std::chrono::milliseconds patience) {
  try {
    return c10::make_intrusive<Gloo>(store, rank, world, glooOptions<Gloo::Options>(patience, 0));
  } catch (const std::exception& error) {
    throw JsError("ERR_CONNECT", error.what());
  }
}

// initGroup(name, host, port, serve, rank, world, joinSeconds, timeoutSeconds); the process that owns the store passes `serve`
// (rank 0, unless a launcher's agent already serves that port). All members are there within joinSeconds, or it throws.
napi_value initGroup(napi_env env, size_t, napi_value* argv) {
  const std::string name = text(env, argv[0]);
  const int rank = static_cast<int>(integer(env, argv[4]));
  const int world = static_cast<int>(integer(env, argv[5]));
  const std::chrono::milliseconds patience(static_cast<int64_t>(1000 * number(env, argv[6])));
  const std::chrono::milliseconds timeout(static_cast<int64_t>(1000 * number(env, argv[7])));
  const int64_t port = integer(env, argv[2]);
  // A port is 16 bits to the store, which would silently cut a larger number.
  if (port < 1 || port > 65535) throw JsError("ERR_ARGUMENT", "initGroup: a port is from 1 to 65535, not " + std::to_string(port));
  c10::initLogging();  // has TORCH_CPP_LOG_LEVEL count
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.isServer = boolean(env, argv[3]);
  options.timeout = patience;
  options.waitWorkers = false;
  // Node exports libuv's symbols, which would replace the library's own copy.
  options.useLibUV = false;
  // Keys get the group's name as prefix, since a launcher's store also holds its own keys and those of earlier attempts.
  auto store = c10::make_intrusive<c10d::PrefixStore>(
      name, c10::make_intrusive<c10d::TCPStore>(text(env, argv[1]), options));
  requireAll(*store, rank, world, patience);
  auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, world);
  const auto gloo = connected(store, rank, world, patience);
  store->setTimeout(timeout);
  gloo->setTimeout(timeout);
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
