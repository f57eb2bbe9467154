// Writes files in another thread, past the system's page cache.
#include "addon.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace redistill {
namespace {

// What a write past the cache asks of its memory, place and length; no disk in use has larger blocks.
constexpr size_t kBlock = 4096;
// What is gathered before it is written.
constexpr size_t kRoom = 4 << 20;

// Has writes go past the cache. Some systems and file systems know no other way than through it.
bool setDirect(int fd, bool on) {
#ifdef O_DIRECT
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
#else
  return false;
#endif
}

struct Part {
  const char* data;
  size_t size;
};

struct Writing {
  napi_async_work work = nullptr;
  napi_deferred deferred = nullptr;
  napi_ref held = nullptr;  // keeps the memory of the parts
  int fd = -1;
  std::vector<Part> parts;
  bool direct = false;
  int error = 0;
  size_t written = 0;

  // Writes bytes behind what has been written. Returns whether that worked.
  bool append(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t count = pwrite(fd, data, size, static_cast<off_t>(written));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EINVAL && direct) {
        // The file system refuses only now, or has taken a part of a block before the disk was full.
        direct = false;
        if (setDirect(fd, false)) continue;
      }
      if (count <= 0) {
        error = count < 0 ? errno : EIO;
        return false;
      }
      data += count;
      size -= count;
      written += count;
    }
    return true;
  }

  // Gathers the parts in memory that lies as the disk wants it, and writes it whenever it is full.
  void run() {
    const std::unique_ptr<char, decltype(&std::free)> room(
        static_cast<char*>(std::aligned_alloc(kBlock, kRoom)), std::free);
    if (!room) {
      error = ENOMEM;
      return;
    }
    direct = setDirect(fd, true);
    size_t filled = 0;
    for (Part part : parts) {
      while (part.size > 0) {
        const size_t count = std::min(part.size, kRoom - filled);
        std::memcpy(room.get() + filled, part.data, count);
        part = {part.data + count, part.size - count};
        filled += count;
        if (filled < kRoom) continue;
        if (!append(room.get(), filled)) return;
        filled = 0;
      }
    }
    const size_t whole = filled / kBlock * kBlock;
    if (!append(room.get(), whole)) return;
    if (direct) setDirect(fd, false);  // the end is no whole block
    append(room.get() + whole, filled - whole);
  }
};

void settle(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Writing> writing(static_cast<Writing*>(data));
  napi_value result;
  if (napi_create_array_with_length(env, 2, &result) == napi_ok) {
    set(env, result, 0, toJs(env, static_cast<double>(writing->error)));
    set(env, result, 1, toJs(env, static_cast<double>(writing->written)));
    napi_resolve_deferred(env, writing->deferred, result);
  }
  napi_delete_reference(env, writing->held);
  napi_delete_async_work(env, writing->work);
}

// writeParts(fd, parts: Uint8Array[]) → a promise of [errno, bytes written]. The file is new; it is not flushed. The parts stay as
// they are until then.
napi_value writeParts(napi_env env, size_t, napi_value* argv) {
  auto writing = std::make_unique<Writing>();
  writing->fd = static_cast<int>(integer(env, argv[0]));
  for (uint32_t i = 0; i < length(env, argv[1]); i++) {
    void* data;
    size_t size;
    check(env, napi_get_typedarray_info(env, element(env, argv[1], i), nullptr, &size, &data, nullptr, nullptr));
    writing->parts.push_back({static_cast<const char*>(data), size});
  }
  napi_value promise;
  check(env, napi_create_async_work(
                 env, nullptr, toJs(env, std::string("redistill:write")),
                 [](napi_env, void* data) { static_cast<Writing*>(data)->run(); }, settle, writing.get(),
                 &writing->work));
  check(env, napi_create_reference(env, argv[1], 1, &writing->held));
  check(env, napi_create_promise(env, &writing->deferred, &promise));
  check(env, napi_queue_async_work(env, writing->work));
  writing.release();  // `settle` has it
  return promise;
}

}  // namespace

void defineFiles(napi_env env, napi_value exports) { define(env, exports, "writeParts", writeParts); }

}  // namespace redistill
