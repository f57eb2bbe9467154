/**
 * What our products reach with factors in bf16 and widened to float32, beside libtorch's own: GFLOP/s at the shapes of a model's layers.
 *
 *   npx tsx bench/factors.ts [--model smollm2-135m] [--rows 1024] [--rounds 15]
 *
 * Every way takes its turn in each round and counts with its median. "chosen" is what the kernels take by themselves on this processor.
 */
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { readConfig } from '../src/models/directory.js';
import { parameterSpecs } from '../src/models/parameters.js';
import * as ops from '../src/torch/ops.js';
import { setThreads } from '../src/torch/runtime.js';
import { scope } from '../src/torch/tensor.js';
import { formatTable } from '../src/util/table.js';
import { machine, median } from './support.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2-135m' },
    rows: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '15' },
  },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const config = readConfig((await getModel(values.model)).path);
setThreads();
const chosen = ops.widensFactors();
const shapes = new Map(
  [...parameterSpecs(config)]
    .filter(([name, { shape }]) => name.startsWith('layers.0.') && shape.length === 2)
    .map(([, { shape }]) => [shape.join(), shape as readonly [number, number]]),
);

/** The kinds of factors that this processor multiplies. */
const kinds = [false, true].filter((wide) => {
  try {
    ops.widenFactors(wide);
    return true;
  } catch {
    return false;
  }
});
const named = (wide: boolean) => `${wide ? 'f32' : 'bf16'}${wide === chosen ? ' (chosen)' : ''}`;

const table = scope(() =>
  [...shapes.values()].flatMap(([out, size]) => {
    const random = (shape: number[]) => ops.toDtype(ops.randn(shape, { dtype: 'f32' }), 'bf16');
    const [x, grad, weight] = [random([rows, size]), random([rows, out]), random([out, size])] as const;
    const [inputGrad, sum] = [ops.emptyLike(x), ops.zeros([out, size], { dtype: 'f32' })];
    const products: Record<string, { own: () => void; libtorch: () => void }> = {
      forward: {
        own: () => ops.linearRows(x, weight, null, null),
        libtorch: () => ops.linear(x, weight),
      },
      'gradient of the input': {
        own: () => {
          ops.linearInputGradOut(grad, weight, inputGrad);
        },
        libtorch: () => ops.mm(grad, weight),
      },
      'gradient of the weight': {
        own: () => {
          ops.linearWeightGrad_(grad, x, sum);
        },
        libtorch: () => ops.mm(ops.t(grad), x),
      },
    };
    return Object.entries(products).map(([name, { own, libtorch }]) => {
      const ways = [
        ...kinds.map((wide) => () => {
          ops.widenFactors(wide);
          own();
        }),
        libtorch,
      ];
      const times = ways.map((): number[] => []);
      for (let round = 0; round < rounds; round++)
        ways.forEach((way, i) => {
          const started = performance.now();
          scope(way);
          times[i]!.push((performance.now() - started) / 1000);
        });
      const speeds = times.map((all) => ((2 * rows * out * size) / median(all) / 1e9).toFixed(0));
      return [`${out} × ${size}`, name, ...speeds];
    });
  }),
);
console.log(`${machine()}; ${values.model}, ${rows} rows, ${rounds} rounds, GFLOP/s\n`);
console.log(formatTable(['weight', 'product', ...kinds.map(named), 'libtorch, bf16'], table));
