/**
 * Adapters, and moments in 8 bits, against training all weights, in memory and speed:
 *
 *   npm run bench:lora [-- --steps 3 --rounds 2 --token-budget 1024 --objective redi --dtype bf16]
 *
 * SmolLM2-135M, 8 GSM8K pairs a step. Each run is a process of its own (`redistill train`), in turn; peak memory is its high-water
 * mark of resident memory. The first step is left out of the speed: with `--steps 1` memory alone is measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { formatTable } from '../src/util/table.js';
import { writePairs } from './pairs.js';
import { machine, median, trainedSpeeds } from './support.js';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '2' },
    'token-budget': { type: 'string', default: '1024' },
    objective: { type: 'string', default: 'redi' },
    dtype: { type: 'string', default: 'bf16' },
  },
});

const batch = 8;
const steps = Number(values.steps);
const kinds: [name: string, keys: object][] = [
  ['all weights', {}],
  ['all weights, moments in 8 bits', { optimizer: { lr: 1e-6, moments: '8bit' } }],
  ['LoRA, q_proj and v_proj', { lora: {} }],
  ['LoRA, all-linear', { lora: { target_modules: 'all-linear' } }],
  ['DoRA, all-linear', { lora: { target_modules: 'all-linear', use_dora: true } }],
];

const { path: model } = await getModel('smollm2-135m');
const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
const shared = {
  ...{ model, data: await writePairs(work, batch * steps), dtype: values.dtype, max_steps: steps },
  ...{ batch_size: batch, token_budget: Number(values['token-budget']), doctor: 'off' },
  ...{ objective: { name: values.objective }, optimizer: { lr: 1e-6 } },
  ...(steps === 1 && { schedule: { warmup_ratio: 0 } }),
};
const found = kinds.map(() => ({ peaks: [] as number[], speeds: [] as number[] }));
for (let round = 0; round < Number(values.rounds); round++) {
  kinds.forEach(([, keys], i) => {
    const lines = trainedSpeeds({ ...shared, ...keys }, work);
    found[i]!.peaks.push(lines.at(-1)!.peak_memory_bytes);
    found[i]!.speeds.push(...lines.slice(1).map((line) => line.tokens_per_second));
  });
}
rmSync(work, { recursive: true });
const ratio = (of: readonly number[], to: readonly number[]) => `${(median(of) / median(to)).toFixed(2)} ×`;
const rows = kinds.map(([name], i) => {
  const { peaks, speeds } = found[i]!;
  const whole = found[0]!;
  return [
    ...[name, `${(median(peaks) / 1e9).toFixed(2)} GB`, ratio(peaks, whole.peaks)],
    ...(speeds.length === 0 ? [] : [median(speeds).toFixed(0), ratio(speeds, whole.speeds)]),
  ];
});
process.stdout.write(
  `${machine()}; ${values.objective} in ${values.dtype} on SmolLM2-135M, ${batch} GSM8K pairs a step, ${values['token-budget']} tokens a pack; medians\n`,
);
const heading = ['trained', 'peak memory', 'of all weights', 'tokens/s', 'of all weights'];
process.stdout.write(`${formatTable(heading.slice(0, rows[0]!.length), rows)}\n`);
