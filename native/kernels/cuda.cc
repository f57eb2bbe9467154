#include "cuda.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda_source.h"

namespace redistill {
namespace {

// libtorch_cuda comes with NVRTC and the driver's library behind this one, which itself opens them lazily.
constexpr const char* kNvrtcStub = "libcaffe2_nvrtc.so";

constexpr const char* kAdvice = " (REDISTILL_KERNELS=off goes without kernels of redistill's own)";

// What is used of NVRTC and of the driver's API. Both are plain C and keep their signatures.
struct Cuda {
  int (*createProgram)(void**, const char*, const char*, int, const char* const*, const char* const*);
  int (*compileProgram)(void*, int, const char* const*);
  int (*destroyProgram)(void**);
  int (*getCubinSize)(void*, size_t*);
  int (*getCubin)(void*, char*);
  int (*getLogSize)(void*, size_t*);
  int (*getLog)(void*, char*);
  int (*deviceGet)(int*, int);
  int (*deviceAttribute)(int*, int attribute, int device);
  int (*contextCurrent)(void**);
  int (*contextRetain)(void**, int device);
  int (*contextSet)(void*);
  int (*moduleLoad)(void**, const void*);
  int (*moduleFunction)(void**, void* module, const char*);
  int (*launchKernel)(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void* stream,
                      void** arguments, void** extra);
};

template <typename F>
void find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  TORCH_CHECK(function, name, " is in none of the libraries that libtorch_cuda brings", kAdvice);
}

const Cuda& cuda() {
  static const Cuda loaded = [] {
    void* library = dlopen(kNvrtcStub, RTLD_NOW | RTLD_GLOBAL);
    TORCH_CHECK(library, dlerror(), kAdvice);
    Cuda api{};
    find(library, "nvrtcCreateProgram", api.createProgram);
    find(library, "nvrtcCompileProgram", api.compileProgram);
    find(library, "nvrtcDestroyProgram", api.destroyProgram);
    find(library, "nvrtcGetCUBINSize", api.getCubinSize);
    find(library, "nvrtcGetCUBIN", api.getCubin);
    find(library, "nvrtcGetProgramLogSize", api.getLogSize);
    find(library, "nvrtcGetProgramLog", api.getLog);
    find(library, "cuDeviceGet", api.deviceGet);
    find(library, "cuDeviceGetAttribute", api.deviceAttribute);
    find(library, "cuCtxGetCurrent", api.contextCurrent);
    find(library, "cuDevicePrimaryCtxRetain", api.contextRetain);
    find(library, "cuCtxSetCurrent", api.contextSet);
    find(library, "cuModuleLoadData", api.moduleLoad);
    find(library, "cuModuleGetFunction", api.moduleFunction);
    find(library, "cuLaunchKernel", api.launchKernel);
    return api;
  }();
  return loaded;
}

void checkDriver(int status, const char* what) { TORCH_CHECK(status == 0, what, " failed with CUDA error ", status); }

int deviceAt(int index) {
  int device = 0;
  checkDriver(cuda().deviceGet(&device, index), "cuDeviceGet");
  return device;
}

// A thread of autograd's that has run nothing yet has no context, and the driver, unlike CUDA's runtime, makes none.
void requireContext(int index) {
  void* context = nullptr;
  checkDriver(cuda().contextCurrent(&context), "cuCtxGetCurrent");
  if (context) return;
  checkDriver(cuda().contextRetain(&context, deviceAt(index)), "cuDevicePrimaryCtxRetain");
  checkDriver(cuda().contextSet(context), "cuCtxSetCurrent");
}

std::vector<char> compile(int index) {
  void* program = nullptr;
  checkDriver(cuda().createProgram(&program, kCudaSource, "redistill.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
  const std::string target = "--gpu-architecture=sm_" + std::to_string(capability(index));
  const char* options[] = {target.c_str(), "--std=c++17"};
  const int status = cuda().compileProgram(program, static_cast<int>(std::size(options)), options);
  size_t size = 0;
  if (status != 0) {
    cuda().getLogSize(program, &size);
    std::vector<char> log(size + 1);
    cuda().getLog(program, log.data());
    cuda().destroyProgram(&program);
    TORCH_CHECK(false, "the CUDA kernels do not compile with ", target, kAdvice, ": ", log.data());
  }
  cuda().getCubinSize(program, &size);
  std::vector<char> binary(size);
  cuda().getCubin(program, binary.data());
  cuda().destroyProgram(&program);
  return binary;
}

// A kernel of the module of a device, which is loaded once and kept.
void* function(const char* kernel, int index) {
  static std::mutex mutex;
  static std::unordered_map<int, void*> modules;
  static std::unordered_map<std::string, void*> functions;
  std::lock_guard<std::mutex> lock(mutex);
  void*& found = functions[std::to_string(index) + kernel];
  if (found) return found;
  void*& module = modules[index];
  if (!module) checkDriver(cuda().moduleLoad(&module, compile(index).data()), "cuModuleLoadData");
  checkDriver(cuda().moduleFunction(&found, module, kernel), "cuModuleGetFunction");
  return found;
}

// The driver's name of a stream. libtorch 2.9 tells it of none; the default stream's is null.
template <typename Stream>
void* handleOf(const Stream& stream) {
  if constexpr (requires { stream.native_handle(); }) {
    return stream.native_handle();
  } else {
    TORCH_CHECK(stream.id() == 0, "with this libtorch the kernels run on the default stream alone", kAdvice);
    return nullptr;
  }
}

}  // namespace

int capability(int index) {
  constexpr int kMajor = 75, kMinor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
  const int device = deviceAt(index);
  int major = 0, minor = 0;
  checkDriver(cuda().deviceAttribute(&major, kMajor, device), "cuDeviceGetAttribute");
  checkDriver(cuda().deviceAttribute(&minor, kMinor, device), "cuDeviceGetAttribute");
  return 10 * major + minor;
}

void launch(const char* kernel, const at::Tensor& on, Grid grid, void** arguments) {
  if (grid.blocks == 0) return;
  const auto device = on.device();
  const c10::DeviceGuard guard(device);
  void* stream = handleOf(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  requireContext(device.index());
  checkDriver(cuda().launchKernel(function(kernel, device.index()), static_cast<unsigned>(grid.blocks),
                                  static_cast<unsigned>(grid.layers), 1, grid.threads, 1, 1, 0, stream, arguments, nullptr),
              kernel);
}

}  // namespace redistill
