/**
 * How much longer steps take while a checkpoint (weights and state) is written:
 *
 *   npm run bench:checkpoints -- [--rounds 3] [--steps 7] [--every 2] [--dtype bf16] [--objective redi]
 *
 * SmolLM2-135M, 8 GSM8K pairs a step. Each round trains twice, with checkpoints and without, which computes the same; each step
 * after a checkpoint is compared with the same step of the run without. A step's time goes from one line of metrics to the next.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { trainRecipe } from '../src/train/settings.js';
import { train } from '../src/train/trainer.js';
import { writePairs } from './pairs.js';
import { machine, spread } from './support.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '7' },
    every: { type: 'string', default: '2' },
    dtype: { type: 'string', default: 'bf16' },
    objective: { type: 'string', default: 'redi' },
  },
});
const [rounds, steps, every] = [values.rounds, values.steps, values.every].map(Number) as [
  number,
  number,
  number,
];
const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
const model = (await getModel('smollm2-135m')).path;
const data = await writePairs(work, 8 * steps);

interface Step {
  wall: number;
  cpu: number;
  loss: number;
}

async function run(save: object): Promise<Step[]> {
  const recipe = trainRecipe.parse({
    ...{
      model,
      data,
      out: join(work, 'run'),
      objective: { name: values.objective },
      optimizer: { lr: 1e-6 },
    },
    ...{ batch_size: 8, max_steps: steps, dtype: values.dtype, doctor: 'off', save },
  });
  const done: Step[] = [];
  let [before, started] = [process.cpuUsage(), performance.now()];
  await train(recipe, {
    onEvent: (event) => {
      if (event.kind !== 'step' && event.kind !== 'start') return;
      if (event.kind === 'step') {
        const { user, system } = process.cpuUsage(before);
        const wall = (performance.now() - started) / 1e3;
        done.push({ wall, cpu: (user + system) / 1e6, loss: event.metrics.loss });
      }
      [before, started] = [process.cpuUsage(), performance.now()];
    },
  });
  rmSync(join(work, 'run'), { recursive: true });
  return done;
}

const more = { wall: [] as number[], cpu: [] as number[] };
const seconds: number[] = [];
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? [{ every, keep: 1, states: 1 }, {}] : [{}, { every, keep: 1, states: 1 }];
  const results = [await run(order[0]!), await run(order[1]!)];
  const [saved, plain] = round % 2 === 0 ? results : results.toReversed();
  for (let step = every; step < steps; step += every) {
    const [slow, fast] = [saved![step]!, plain![step]!];
    if (slow.loss !== fast.loss) throw new Error(`step ${step + 1}: the runs do not compute the same`);
    seconds.push(fast.wall);
    for (const of of ['wall', 'cpu'] as const) more[of].push(100 * (slow[of] / fast[of] - 1));
  }
}
rmSync(work, { recursive: true });
process.stdout.write(
  `${machine()}; ${values.objective}, ${values.dtype}, steps of ${spread(seconds, 1)} s; a step during a checkpoint takes ` +
    `${spread(more.wall, 1)} % longer, ${spread(more.cpu, 1)} % more processor time\n`,
);
