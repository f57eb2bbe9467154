// 500 optimizer steps of a tiny model over rows of many lengths; sends resident memory and live tensors after each.
import { createObjective } from '../../src/objectives/index.js';
import { clipFactor, globalNorm } from '../../src/torch/optim.js';
import { memoryStats, setThreads } from '../../src/torch/runtime.js';
import { liveTensors } from '../../src/torch/tensor.js';
import { runStep } from '../../src/train/step.js';
import { engineOf, madeUpRows } from '../support/engines.js';

// Node's own garbage, some megabytes between two collections, is more than the test allows for. float32, since oneDNN
// keeps compiled bf16 kernels of a thousand shapes.
const collect = (globalThis as unknown as { gc: () => void }).gc;

setThreads(1);
using engine = engineOf('llama', 'f32');
const { weights } = engine;
const grads = [...weights.grads.values()];
using optimizer = weights.optimizer({
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
});
const objectives = [createObjective({ name: 'redi' }), createObjective({ name: 'simpo' })];

const rss: number[] = [];
const live: number[] = [];
for (let step = 0; step < 500; step++) {
  const rows = madeUpRows([0, 1, 2, 3].map((i) => 20 + ((step * 37 + i * 53) % 100)));
  const sequences = rows.map((row, i) => ({
    role: i % 2 === 0 ? ('chosen' as const) : ('rejected' as const),
    group: Math.floor(i / 2),
    length: row.ids.length - row.responseStart,
    row,
  }));
  runStep(engine, objectives[step % 2]!, sequences, 200);
  weights.update(optimizer, 1e-4, clipFactor(globalNorm(grads), 1));
  collect();
  rss.push(memoryStats('cpu').allocated);
  live.push(liveTensors());
  await new Promise((resolve) => setImmediate(resolve)); // as the trainer does
}
process.send!({ rss, live });
