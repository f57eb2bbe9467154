// Holds the table of live tensors and the scopes that free them.
#include "addon.h"

#include <deque>
#include <mutex>

namespace redistill {
namespace {

constexpr double kSlots = 4194304;               // 2^22 live tensors
constexpr uint32_t kGenerations = 2147483648u;  // the other 31 bits that a double holds exactly

struct Slot {
  at::Tensor tensor;
  uint32_t generation = 1;
};

struct Table {
  std::mutex mutex;
  std::deque<Slot> slots;  // a deque, so that growing does not move slots
  std::vector<uint32_t> unused;
  size_t live = 0;
};

// The table is leaked on purpose: a static destructor would run after Node's environment has ended and release
// JavaScript buffers into it.
Table& table() {
  static Table* instance = new Table();
  return *instance;
}

// Handles made on this thread since its outermost scope began; `marks` are the beginnings of the open scopes.
thread_local std::vector<double> created;
thread_local std::vector<size_t> marks;

uint32_t slotOf(double handle) { return static_cast<uint32_t>(static_cast<uint64_t>(handle) % static_cast<uint64_t>(kSlots)); }
uint32_t generationOf(double handle) { return static_cast<uint32_t>(static_cast<uint64_t>(handle) / static_cast<uint64_t>(kSlots)); }

Slot* find(Table& t, double handle) {
  if (!(handle >= kSlots)) return nullptr;
  const uint32_t slot = slotOf(handle);
  if (slot >= t.slots.size()) return nullptr;
  Slot& entry = t.slots[slot];
  return entry.generation == generationOf(handle) && entry.tensor.defined() ? &entry : nullptr;
}

// Takes the tensor out of the table. It is freed with the returned value, outside the lock.
at::Tensor take(Table& t, double handle) {
  Slot* entry = find(t, handle);
  if (!entry) return {};
  at::Tensor tensor = std::move(entry->tensor);
  entry->tensor = at::Tensor();
  entry->generation = entry->generation + 1 == kGenerations ? 1 : entry->generation + 1;
  t.unused.push_back(slotOf(handle));
  t.live--;
  return tensor;
}

napi_value scopeBegin(napi_env env, size_t, napi_value*) {
  marks.push_back(created.size());
  return undefined(env);
}

// scopeEnd(keep: number[]) frees what the innermost scope made, except `keep`, which passes to the scope outside.
napi_value scopeEnd(napi_env env, size_t, napi_value* argv) {
  if (marks.empty()) throw JsError("ERR_SCOPE", "scopeEnd without scopeBegin");
  std::vector<double> keep(length(env, argv[0]));
  for (uint32_t i = 0; i < keep.size(); i++) keep[i] = number(env, element(env, argv[0], i));
  const size_t mark = marks.back();
  marks.pop_back();
  std::vector<at::Tensor> dying;
  dying.reserve(created.size() - mark);
  size_t kept = mark;
  {
    Table& t = table();
    std::lock_guard<std::mutex> lock(t.mutex);
    for (size_t i = mark; i < created.size(); i++) {
      const double handle = created[i];
      if (std::find(keep.begin(), keep.end(), handle) != keep.end()) {
        created[kept++] = handle;
      } else {
        dying.push_back(take(t, handle));
      }
    }
  }
  created.resize(marks.empty() ? 0 : kept);
  return undefined(env);
}

napi_value release(napi_env env, size_t, napi_value* argv) {
  at::Tensor dying;
  Table& t = table();
  std::lock_guard<std::mutex> lock(t.mutex);
  dying = take(t, number(env, argv[0]));
  return toJs(env, dying.defined());
}

napi_value liveTensors(napi_env env, size_t, napi_value*) {
  std::lock_guard<std::mutex> lock(table().mutex);
  return toJs(env, static_cast<double>(table().live));
}

}  // namespace

double makeHandle(at::Tensor tensor) {
  Table& t = table();
  double handle;
  {
    std::lock_guard<std::mutex> lock(t.mutex);
    uint32_t slot;
    if (t.unused.empty()) {
      if (t.slots.size() >= static_cast<size_t>(kSlots)) throw JsError("ERR_OUT_OF_MEMORY", "more than 4,194,304 live tensors");
      slot = static_cast<uint32_t>(t.slots.size());
      t.slots.emplace_back();
    } else {
      slot = t.unused.back();
      t.unused.pop_back();
    }
    Slot& entry = t.slots[slot];
    entry.tensor = std::move(tensor);
    t.live++;
    handle = entry.generation * kSlots + slot;
  }
  if (!marks.empty()) created.push_back(handle);
  return handle;
}

napi_value wrap(napi_env env, at::Tensor tensor) {
  if (!tensor.defined()) {
    napi_value null;
    check(env, napi_get_null(env, &null));
    return null;
  }
  return toJs(env, makeHandle(std::move(tensor)));
}

at::Tensor tensorOf(double handle, const char* where) {
  Table& t = table();
  std::lock_guard<std::mutex> lock(t.mutex);
  const Slot* entry = find(t, handle);
  if (!entry) throw JsError("ERR_DISPOSED", std::string("tensor used after it was disposed (") + where + ")");
  return entry->tensor;
}

at::Tensor tensorOf(napi_env env, napi_value value, const char* where) { return tensorOf(number(env, value), where); }

std::vector<at::Tensor> tensorsOf(napi_env env, napi_value array, const char* where) {
  std::vector<at::Tensor> result(length(env, array));
  for (uint32_t i = 0; i < result.size(); i++) result[i] = tensorOf(env, element(env, array, i), where);
  return result;
}

void defineHandles(napi_env env, napi_value exports) {
  define(env, exports, "scopeBegin", scopeBegin);
  define(env, exports, "scopeEnd", scopeEnd);
  define(env, exports, "release", release);
  define(env, exports, "liveTensors", liveTensors);
}

}  // namespace redistill
