import * as ops from '../src/torch/ops.js';
import { ChunkedHead } from '../src/models/head.js';
import { indices } from '../src/torch/data.js';
import { setThreads } from '../src/torch/runtime.js';
import { median } from './support.js';
setThreads();
const w = ops.toDtype(ops.randn([49152, 576], { dtype: 'f32' }), 'bf16');
const sum = ops.zeros([49152, 576], { dtype: 'f32' });
const heads = [341, 682, 1024].map((rows) => new ChunkedHead(w, { training: true, rows }));
for (const tokens of [400, 600, 750, 900]) {
  const x = ops.toDtype(ops.randn([tokens, 576], { dtype: 'f32' }), 'bf16');
  const t = indices(Int32Array.from({ length: tokens }, (_, i) => (i * 31) % 49152));
  const g = new Float64Array(tokens).fill(0.001);
  const times = heads.map((): number[] => []);
  for (let r = 0; r < 15; r++)
    heads.forEach((h, i) => {
      const s = performance.now();
      const { hiddenGrad } = h.backward(x, t, g, sum);
      times[i]!.push(performance.now() - s);
      hiddenGrad.dispose();
    });
  console.log(
    tokens,
    times.map((a) => `${median(a).toFixed(1)} (${Math.min(...a).toFixed(1)})`).join('  '),
    'ratios',
    times.map((a) => median(a.map((v, i) => v / times[0]![i]!)).toFixed(3)).join(' '),
  );
}
