// The CUDA kernels, as text that is compiled on the user's machine for the GPU that it has (`cuda.cc`). All of them read and
// write bf16 and compute in float32. `Eight` is what a thread moves at a time.
#pragma once

namespace redistill {

constexpr const char* kCudaSource = R"cuda(
typedef long long Index;
typedef unsigned short Bf16;

__device__ __forceinline__ float wide(Bf16 x) { return __uint_as_float((unsigned)x << 16); }

__device__ __forceinline__ Bf16 narrow(float x) {  // rounds to nearest, ties to even
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
  return (Bf16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

struct __align__(16) Eight { Bf16 at[8]; };
struct __align__(8) Four { Bf16 at[4]; };

__device__ __forceinline__ float tanh_of(float x) {
  const float e = __expf(2.0f * fminf(fmaxf(x, -15.0f), 15.0f));
  return (e - 1.0f) / (e + 1.0f);
}

// The activation and its derivative: silu, or gelu by the tanh formula.
__device__ __forceinline__ float2 activate(float x, int gelu) {
  if (!gelu) {
    const float s = 1.0f / (1.0f + __expf(-x));
    return make_float2(x * s, s * (1.0f + x * (1.0f - s)));
  }
  const float k = 0.7978845608028654f, c = 0.044715f;
  const float t = tanh_of(k * (x + c * x * x * x));
  const float slope = 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * k * (1.0f + 3.0f * c * x * x);
  return make_float2(0.5f * x * (1.0f + t), slope);
}

// out[row] = activation(gate) · up of in[row] = [gate | up]; `width` counts eights of one half.
extern "C" __global__ void glu(const Eight* in, Eight* out, Index rows, Index width, int gelu) {
  for (Index i = blockIdx.x * (Index)blockDim.x + threadIdx.x; i < rows * width; i += gridDim.x * (Index)blockDim.x) {
    const Index row = i / width, column = i - row * width;
    const Eight gate = in[row * 2 * width + column], up = in[row * 2 * width + width + column];
    Eight result;
#pragma unroll
    for (int j = 0; j < 8; j++) result.at[j] = narrow(activate(wide(gate.at[j]), gelu).x * wide(up.at[j]));
    out[i] = result;
  }
}

extern "C" __global__ void glu_backward(const Eight* grad, const Eight* in, Eight* out, Index rows, Index width, int gelu) {
  for (Index i = blockIdx.x * (Index)blockDim.x + threadIdx.x; i < rows * width; i += gridDim.x * (Index)blockDim.x) {
    const Index row = i / width, column = i - row * width;
    const Index first = row * 2 * width + column, second = first + width;
    const Eight g = grad[i], gate = in[first], up = in[second];
    Eight dgate, dup;
#pragma unroll
    for (int j = 0; j < 8; j++) {
      const float2 a = activate(wide(gate.at[j]), gelu);
      const float incoming = wide(g.at[j]);
      dgate.at[j] = narrow(incoming * wide(up.at[j]) * a.y);
      dup.at[j] = narrow(incoming * a.x);
    }
    out[first] = dgate;
    out[second] = dup;
  }
}

// Rotates x[token][head] pairwise, i with i + half: `half` counts eights of half a head, `stride` eights from token to token.
// sign -1 turns back.
extern "C" __global__ void rotate(const Eight* x, const Eight* cosines, const Eight* sines, Eight* out, Index tokens,
                                  Index heads, Index half, Index stride, float sign) {
  const Index pairs = tokens * heads * half;
  for (Index i = blockIdx.x * (Index)blockDim.x + threadIdx.x; i < pairs; i += gridDim.x * (Index)blockDim.x) {
    const Index column = i % half, place = i / half, head = place % heads, token = place / heads;
    const Index from = token * stride + head * 2 * half + column, to = place * 2 * half + column;
    const Eight a = x[from], b = x[from + half];
    const Eight c = cosines[token * half + column], s = sines[token * half + column];
    Eight first, second;
#pragma unroll
    for (int j = 0; j < 8; j++) {
      const float cosine = wide(c.at[j]), sine = sign * wide(s.at[j]);
      const float p = wide(a.at[j]), q = wide(b.at[j]);
      first.at[j] = narrow(p * cosine - q * sine);
      second.at[j] = narrow(q * cosine + p * sine);
    }
    out[to] = first;
    out[to + half] = second;
  }
}

#define LEAST (-__int_as_float(0x7f800000))  // minus infinity

struct Sum { float largest, total; };  // of exp(x - largest)

__device__ __forceinline__ Sum join(Sum a, Sum b) {
  const float largest = fmaxf(a.largest, b.largest);
  if (largest == LEAST) return a;
  return Sum{largest, a.total * __expf(a.largest - largest) + b.total * __expf(b.largest - largest)};
}

// One block a row of `width` logits, a multiple of four: grad = weight · (onehot(target) − softmax), and log-prob of target.
extern "C" __global__ void softmax_grad(const float* logits, const Index* targets, const float* weights, Bf16* grad,
                                        float* logps, Index width) {
  const float4* row = (const float4*)(logits + blockIdx.x * width);
  const Index fours = width / 4;
  Sum mine{LEAST, 0.0f};
  for (Index i = threadIdx.x; i < fours; i += blockDim.x) {
    const float4 x = row[i];
    const float largest = fmaxf(fmaxf(x.x, x.y), fmaxf(x.z, x.w));
    if (largest > mine.largest) {
      mine.total *= __expf(mine.largest - largest);
      mine.largest = largest;
    }
    if (mine.largest != LEAST)
      mine.total += __expf(x.x - mine.largest) + __expf(x.y - mine.largest) + __expf(x.z - mine.largest) +
                    __expf(x.w - mine.largest);
  }
  __shared__ Sum sums[32];
  for (int offset = 16; offset > 0; offset /= 2)
    mine = join(mine, Sum{__shfl_xor_sync(~0u, mine.largest, offset), __shfl_xor_sync(~0u, mine.total, offset)});
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = mine;
  __syncthreads();
  Sum all = sums[0];
  for (int i = 1; i < blockDim.x / 32; i++) all = join(all, sums[i]);
  const Index target = targets[blockIdx.x];
  const float weight = weights[blockIdx.x], scale = 1.0f / all.total;
  if (threadIdx.x == 0) logps[blockIdx.x] = logits[blockIdx.x * width + target] - all.largest - logf(all.total);
  Four* out = (Four*)(grad + blockIdx.x * width);
  for (Index i = threadIdx.x; i < fours; i += blockDim.x) {
    const float4 x = row[i];
    const float values[4] = {x.x, x.y, x.z, x.w};
    Four result;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const float p = __expf(values[j] - all.largest) * scale;
      result.at[j] = narrow(weight * ((4 * i + j == target ? 1.0f : 0.0f) - p));
    }
    out[i] = result;
  }
}

// The backward of RMSNorm, x · scale · factor with scale = 1 / rms(x) and factor = weight + offset: one block a row of
// `width`, which is even. dx = (g · factor − x̂ · mean(g · factor · x̂)) · scale; the scales are kept for the weight's gradient.
extern "C" __global__ void rms_norm_backward(const Bf16* grad, const Bf16* x, const Bf16* weight, Bf16* out, float* scales,
                                             Index width, float eps, float offset) {
  const unsigned* incoming = (const unsigned*)(grad + blockIdx.x * width);
  const unsigned* input = (const unsigned*)(x + blockIdx.x * width);
  const unsigned* factors = (const unsigned*)weight;
  float squares = 0.0f, along = 0.0f;
  for (Index i = threadIdx.x; i < width / 2; i += blockDim.x) {
    const unsigned g = incoming[i], a = input[i], f = factors[i];
    const float x0 = wide(a & 0xffffu), x1 = wide(a >> 16);
    squares += x0 * x0 + x1 * x1;
    along += wide(g & 0xffffu) * (wide(f & 0xffffu) + offset) * x0 + wide(g >> 16) * (wide(f >> 16) + offset) * x1;
  }
  __shared__ float sums[2][32];
  for (int step = 16; step > 0; step /= 2) {
    squares += __shfl_xor_sync(~0u, squares, step);
    along += __shfl_xor_sync(~0u, along, step);
  }
  if (threadIdx.x % 32 == 0) sums[0][threadIdx.x / 32] = squares, sums[1][threadIdx.x / 32] = along;
  __syncthreads();
  squares = along = 0.0f;
  for (int i = 0; i < blockDim.x / 32; i++) squares += sums[0][i], along += sums[1][i];
  const float scale = rsqrtf(squares / width + eps);
  const float mean = along * scale / width;  // of g · factor · x̂
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
  unsigned* result = (unsigned*)(out + blockIdx.x * width);
  for (Index i = threadIdx.x; i < width / 2; i += blockDim.x) {
    const unsigned g = incoming[i], a = input[i], f = factors[i];
    const float first = wide(g & 0xffffu) * (wide(f & 0xffffu) + offset) - wide(a & 0xffffu) * scale * mean;
    const float second = wide(g >> 16) * (wide(f >> 16) + offset) - wide(a >> 16) * scale * mean;
    result[i] = (unsigned)narrow(first * scale) | ((unsigned)narrow(second * scale) << 16);
  }
}

// Sums of g · x̂ down the columns, over `chunk` rows a block (blockIdx.y): partial[chunk][column]. A thread has two columns.
extern "C" __global__ void rms_norm_weight_grad(const Bf16* grad, const Bf16* x, const float* scales, float* partial,
                                                Index rows, Index width, Index chunk) {
  const Index column = blockIdx.x * (Index)blockDim.x + threadIdx.x;
  if (2 * column >= width) return;
  const Index first = blockIdx.y * chunk, last = first + chunk < rows ? first + chunk : rows;
  float a = 0.0f, b = 0.0f;
  for (Index row = first; row < last; row++) {
    const unsigned g = ((const unsigned*)(grad + row * width))[column], v = ((const unsigned*)(x + row * width))[column];
    a += wide(g & 0xffffu) * wide(v & 0xffffu) * scales[row];
    b += wide(g >> 16) * wide(v >> 16) * scales[row];
  }
  ((float2*)(partial + blockIdx.y * width))[column] = make_float2(a, b);
}
)cuda";

}  // namespace redistill
