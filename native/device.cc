// Drives accelerators through libtorch's device-generic guards and allocators, without their headers. The CPU half of
// libtorch is linked; `loadLibrary` loads the CUDA half on request.
#include "addon.h"
#include "kernels/cuda.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <unordered_map>

namespace redistill {
namespace {

using c10::CachingDeviceAllocator::StatType;

// Streams and events are for overlapping collectives with the backward pass in data-parallel training; nothing uses them
// yet. They belong to the thread that drives the device; their numbers are indices into these.
struct Event {
  void* native = nullptr;
  c10::Device device = c10::Device(c10::kCPU);
};
thread_local std::vector<c10::Stream> streams;
thread_local std::unordered_map<int64_t, Event> events;
thread_local int64_t nextEvent = 0;

c10::Device deviceOf(napi_env env, napi_value value) {
  c10::Device device(text(env, value));
  return device.is_cpu() || device.has_index() ? device : c10::Device(device.type(), 0);
}

c10::impl::VirtualGuardImpl guardOf(const c10::Device& device) { return c10::impl::VirtualGuardImpl(device.type()); }

c10::Stream streamOf(napi_env env, napi_value value) {
  const auto index = static_cast<size_t>(integer(env, value));
  if (index >= streams.size()) throw JsError("ERR_ARGUMENT", "unknown stream");
  return streams[index];
}

Event& eventOf(napi_env env, napi_value value) {
  const auto found = events.find(integer(env, value));
  if (found == events.end()) throw JsError("ERR_ARGUMENT", "unknown event");
  return found->second;
}

// loadLibrary(path) registers a library's operators and devices with libtorch (libtorch_cuda.so).
napi_value loadLibrary(napi_env env, size_t, napi_value* argv) {
  const std::string path = text(env, argv[0]);
  if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) throw JsError("ERR_LIBRARY", dlerror());
  return undefined(env);
}

// deviceCount(type) → how many there are; 0 where libtorch's half for them is not loaded. Throws libtorch's reason where it
// finds none, which its own count would only print.
napi_value deviceCount(napi_env env, size_t, napi_value* argv) {
  const c10::DeviceType type = c10::Device(text(env, argv[0])).type();
  if (!c10::impl::hasDeviceGuardImpl(type)) return toJs(env, 0.0);
  at::globalContext().lazyInitDevice(type);
  return toJs(env, static_cast<double>(c10::impl::VirtualGuardImpl(type).deviceCount()));
}

napi_value setDevice(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  at::globalContext().lazyInitDevice(device.type());  // before that the allocator has no statistics
  guardOf(device).setDevice(device);
  // A product over a long dimension, such as the vocabulary, may be split; its parts are then added up in float32.
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
  return undefined(env);
}

// capability("cuda:N") → 90 for a GPU of compute capability 9.0
napi_value capabilityOf(napi_env env, size_t, napi_value* argv) {
  return toJs(env, static_cast<double>(capability(deviceOf(env, argv[0]).index())));
}

napi_value synchronize(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  if (!device.is_cpu()) guardOf(device).synchronizeDevice(device.index());
  return undefined(env);
}

// memoryStats(device) → [allocated, peakAllocated, reserved, peakReserved] in bytes. "cpu" is not supported.
napi_value memoryStats(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  constexpr auto all = static_cast<size_t>(StatType::AGGREGATE);
  const double values[] = {
      static_cast<double>(stats.allocated_bytes[all].current), static_cast<double>(stats.allocated_bytes[all].peak),
      static_cast<double>(stats.reserved_bytes[all].current),  static_cast<double>(stats.reserved_bytes[all].peak)};
  napi_value result = array(env, std::size(values));
  for (uint32_t i = 0; i < std::size(values); i++) set(env, result, i, toJs(env, values[i]));
  return result;
}

napi_value resetPeakMemory(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
  return undefined(env);
}

napi_value emptyCache(napi_env env, size_t, napi_value* argv) {
  c10::getDeviceAllocator(deviceOf(env, argv[0]).type())->emptyCache();
  return undefined(env);
}

// newStream(device) → number
napi_value newStream(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  streams.push_back(guardOf(device).getNewStream(device));
  return toJs(env, static_cast<double>(streams.size() - 1));
}

// currentStream(device) → number
napi_value currentStream(napi_env env, size_t, napi_value* argv) {
  const auto device = deviceOf(env, argv[0]);
  const auto stream = guardOf(device).getStream(device);
  for (size_t i = 0; i < streams.size(); i++) {
    if (streams[i] == stream) return toJs(env, static_cast<double>(i));
  }
  streams.push_back(stream);
  return toJs(env, static_cast<double>(streams.size() - 1));
}

napi_value setStream(napi_env env, size_t, napi_value* argv) {
  const auto stream = streamOf(env, argv[0]);
  guardOf(stream.device()).exchangeStream(stream);
  return undefined(env);
}

// recordEvent(stream) → number, a point on the stream; waitEvent(stream, event) makes another stream wait for it.
napi_value recordEvent(napi_env env, size_t, napi_value* argv) {
  const auto stream = streamOf(env, argv[0]);
  Event event{nullptr, stream.device()};
  guardOf(stream.device()).record(&event.native, stream, stream.device_index(), c10::EventFlag::BACKEND_DEFAULT);
  events[nextEvent] = event;
  return toJs(env, static_cast<double>(nextEvent++));
}

napi_value waitEvent(napi_env env, size_t, napi_value* argv) {
  const auto stream = streamOf(env, argv[0]);
  guardOf(stream.device()).block(eventOf(env, argv[1]).native, stream);
  return undefined(env);
}

napi_value releaseEvent(napi_env env, size_t, napi_value* argv) {
  const Event event = eventOf(env, argv[0]);
  guardOf(event.device).destroyEvent(event.native, event.device.index());
  events.erase(integer(env, argv[0]));
  return undefined(env);
}

}  // namespace

void defineDevice(napi_env env, napi_value exports) {
  define(env, exports, "loadLibrary", loadLibrary);
  define(env, exports, "deviceCount", deviceCount);
  define(env, exports, "setDevice", setDevice);
  define(env, exports, "capability", capabilityOf);
  define(env, exports, "synchronize", synchronize);
  define(env, exports, "memoryStats", memoryStats);
  define(env, exports, "resetPeakMemory", resetPeakMemory);
  define(env, exports, "emptyCache", emptyCache);
  define(env, exports, "newStream", newStream);
  define(env, exports, "currentStream", currentStream);
  define(env, exports, "setStream", setStream);
  define(env, exports, "recordEvent", recordEvent);
  define(env, exports, "waitEvent", waitEvent);
  define(env, exports, "releaseEvent", releaseEvent);
}

}  // namespace redistill
