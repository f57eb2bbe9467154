import { expect, it } from 'vitest';
import { ChunkedHead } from '../../src/models/head.js';
import { addAndNorm, addRmsNormBackward, rmsNorm, rmsNormBackward } from '../../src/models/norm.js';
import { backward } from '../../src/torch/autograd.js';
import { indices, toFloat64Array } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import { gatedLinearUnit, linear, rotateHalves, withoutKernels } from '../../src/torch/fused.js';
import * as ops from '../../src/torch/ops.js';
import { seed } from '../../src/torch/runtime.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';

interface Place {
  device: string;
  dtype: Dtype;
}
/** Makes a tensor of normal values, the same everywhere but for its dtype. */
type Draw = (shape: readonly number[], scale?: number) => Tensor;

const pass =
  (run: (...inputs: Tensor[]) => Tensor, shapes: readonly (readonly number[])[]) => (draw: Draw) => {
    const inputs = shapes.map((shape) => draw(shape, 2));
    for (const input of inputs) input.requiresGrad = true;
    const out = run(...inputs);
    backward([out], [draw(out.shape)]);
    return [out, ...inputs.map((input) => input.grad!)];
  };

const glu = (activation: 'silu' | 'gelu_tanh', rows: number, width: number) =>
  pass((x) => gatedLinearUnit(x, activation), [[rows, 2 * width]]);

const turn = (tokens: number, heads: number, headDim: number) => (draw: Draw) => {
  const angles = draw([tokens, 1, headDim / 2], 3);
  const [cos, sin] = [ops.cos(angles), ops.sin(angles)];
  // Heads that are a part of longer rows, as queries and keys are.
  return pass(
    (x) => rotateHalves(ops.narrow(x, 1, 1, heads), cos, sin),
    [[tokens, heads + 2, headDim]],
  )(draw);
};

/** Norms of queries or keys: rows inside of longer ones, recorded by autograd. */
const headNorm = (heads: number, headDim: number, offset: 0 | 1) => (draw: Draw) =>
  pass(
    (x, weight) => rmsNorm(ops.narrow(x, 1, 2, heads), weight, 1e-6, offset),
    [[150, heads + 3, headDim], [headDim]],
  )(draw);

const norm =
  (rows: number, size: number, offset: 0 | 1 = 0) =>
  (draw: Draw) => {
    const [x, weight, grad] = [draw([rows, size], 3), draw([size]), draw([rows, size])];
    const dtype = x.dtype === 'f64' ? 'f64' : 'f32';
    const weightGrad = ops.zeros([size], { dtype, device: x.device });
    const dx = rmsNormBackward(x, weight, 1e-6, offset, grad, weightGrad);
    return [rmsNorm(x, weight, 1e-6, offset), dx, weightGrad];
  };

/** The sum of a stream and of what a branch adds to it, normed; backward, into the gradient of the stream. */
const sumAndNorm =
  (rows: number, size: number, offset: 0 | 1 = 0) =>
  (draw: Draw) => {
    const [x, added, grad, streamGrad] = [3, 1, 1, 1].map((scale) => draw([rows, size], scale)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const weight = draw([size]);
    const weightGrad = ops.ones([size], { dtype: x.dtype === 'f64' ? 'f64' : 'f32', device: x.device });
    const { sum, normed } = addAndNorm(x, added, weight, 1e-6, offset);
    addRmsNormBackward(sum, weight, 1e-6, offset, grad, weightGrad, streamGrad);
    return [sum, normed, streamGrad, weightGrad];
  };

/** A linear layer whose gradients all go through autograd. */
const layer = (rows: number, size: number, out: number) =>
  pass((x, weight, bias) => linear(x, weight, bias), [[rows, size], [out, size], [out]]);

/** The same without a bias. */
const plainLayer = (rows: number, size: number, out: number) =>
  pass(
    (x, weight) => linear(x, weight),
    [
      [rows, size],
      [out, size],
    ],
  );

/** The same on rows inside of longer ones, twice into one sum of gradients where there is a kernel. */
const summed = (rows: number, size: number, out: number) => (draw: Draw) => {
  const [x, weight, grad] = [draw([rows, size + 32]), draw([out, size]), draw([rows, out])];
  x.requiresGrad = weight.requiresGrad = true;
  const dtype = x.dtype === 'f64' ? 'f64' : 'f32';
  const sum = ops.ones([out, size], { dtype, device: x.device });
  for (let pass = 0; pass < 2; pass++)
    backward([linear(ops.narrow(x, 1, 16, size), weight, undefined, sum)], [grad]);
  return [weight.grad ? ops.add(sum, ops.toDtype(weight.grad, dtype)) : sum, x.grad!];
};

const head = (tokens: number, vocab: number, chunk: number, scale: number) => (draw: Draw) => {
  const [hidden, weight] = [draw([tokens, 64]), draw([vocab, 64], scale)];
  const targets = indices(
    Int32Array.from({ length: tokens }, (_, i) => (i * 31) % vocab),
    hidden.device,
  );
  const dtype = hidden.dtype === 'f64' ? 'f64' : 'f32';
  const weightGrad = ops.zeros([vocab, 64], { dtype, device: hidden.device });
  const g = Float64Array.from({ length: tokens }, (_, i) => Math.sin(3 * i + 1));
  using engine = new ChunkedHead(weight, chunk);
  const { logps, hiddenGrad } = engine.backward(hidden, targets, g, weightGrad);
  return [logps, hiddenGrad, weightGrad];
};

const cases: Record<string, (draw: Draw) => (Tensor | Float64Array)[]> = {
  'SwiGLU, one row': glu('silu', 1, 8),
  'SwiGLU, odd rows': glu('silu', 37, 264),
  'SwiGLU, more than a grid': glu('silu', 5000, 2048),
  'SwiGLU, a width that no vector fits': glu('silu', 5, 12),
  GeGLU: glu('gelu_tanh', 33, 128),
  'rotation, head size 64': turn(29, 5, 64),
  'rotation, head size 16': turn(3, 1, 16),
  'rotation, head size 256': turn(130, 3, 256),
  'rotation, a head size that no vector fits': turn(7, 2, 24),
  'RMSNorm, 64': norm(19, 64),
  'RMSNorm, 1536': norm(513, 1536),
  'RMSNorm, an odd size': norm(5, 77),
  'RMSNorm, offsets from one': norm(300, 640, 1),
  'RMSNorm of heads': headNorm(4, 64, 0),
  'RMSNorm of heads, offsets from one': headNorm(1, 256, 1),
  'sum and RMSNorm, 64': sumAndNorm(19, 64),
  'sum and RMSNorm, 576': sumAndNorm(513, 576),
  'sum and RMSNorm, an odd size': sumAndNorm(5, 77),
  'sum and RMSNorm, offsets from one': sumAndNorm(300, 641, 1),
  'linear, one row': layer(1, 64, 48),
  'linear, odd rows': layer(77, 144, 272),
  'linear, more rows than a step of the gradient takes': layer(1100, 48, 80),
  'linear, rows that are longer than a step': layer(65, 6224, 48),
  'linear, sizes that no tile fits': layer(9, 40, 24),
  'linear, no bias': plainLayer(33, 64, 96),
  'linear, a sum of gradients': summed(130, 96, 1040),
  'linear, a sum of gradients, wide': summed(700, 1536, 64),
  'head, one token': head(1, 128, 16, 1),
  'head, several chunks': head(75, 1000, 16, 1),
  'head, sharp': head(75, 4000, 32, 6),
  'head, a vocabulary of many tiles': head(90, 6160, 33, 1),
  'head, a vocabulary that no vector fits': head(40, 1001, 16, 1),
};

/** ‖found − expected‖ / ‖expected‖ of each result. */
function distances(found: Float64Array[], expected: Float64Array[]): number[] {
  const size = (values: Float64Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  return found.map((values, i) => size(values.map((x, j) => x - expected[i]![j]!)) / size(expected[i]!));
}

/** Compares each kernel of a device with float64 and with what the composed form makes on the CPU. */
export function compareKernels(device: string): void {
  it.each(Object.keys(cases))('is no further from float64 than the composed form: %s', (name) => {
    const at = (place: Place) =>
      scope(() => {
        seed(7);
        const draw: Draw = (shape, scale = 1) => {
          const values = ops.mulScalar(ops.randn(shape, { dtype: 'f32' }), scale);
          return ops.toDevice(ops.toDtype(values, 'bf16'), place.device, place.dtype);
        };
        return cases[name]!(draw).map((x) => (x instanceof Float64Array ? x : toFloat64Array(x).slice()));
      });
    const expected = at({ device: 'cpu', dtype: 'f64' });
    const composed = distances(
      withoutKernels(() => at({ device: 'cpu', dtype: 'bf16' })),
      expected,
    );
    const fused = distances(at({ device, dtype: 'bf16' }), expected);
    fused.forEach((error, i) => {
      expect(error, `result ${i}, composed ${composed[i]!}`).toBeLessThan(1.1 * composed[i]! + 1e-6);
    });
  });
}
