import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { loadModel } from '../models/checkpoint.js';
import { parseRecipe } from '../recipe/parse.js';
import { toFloat32Array } from '../torch/data.js';
import { trainRecipe } from './settings.js';
import { train, type StepMetrics } from './trainer.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'redistill-loop-'));
const model = join(root, 'tiny');
const data = join(root, 'pairs.jsonl');
const out = join(root, 'by-hand');

beforeAll(() => {
  writeTinyModel(model);
  writeRows(
    data,
    Array.from({ length: 27 }, (_, n) => ({
      chosen: turns(`${n}+${n}?`, `It is ${2 * n}.`),
      rejected: turns(`${n}+${n}?`, n % 2 === 0 ? `${n}` : `Perhaps ${n + 1}, I guess.`),
    })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const loop = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'examples/loop.ts', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });

const weights = (dir: string): Float32Array => {
  using loaded = loadModel(dir, { dtype: 'f32' }).model;
  const parts = [...loaded.parameters.values()].map((tensor) => toFloat32Array(tensor).slice());
  return Float32Array.from(parts.flatMap((part) => [...part]));
};
const distance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));

describe('examples/loop.ts', () => {
  it('has the losses, the gradient norms and the weights of `redistill train`', async () => {
    const { stdout, stderr, status } = loop(model, data, out);
    expect(status, stderr).toBe(0);
    const steps = [...stdout.matchAll(/^step (\d+): loss (-?[\d.]+), gradient norm ([\d.]+)$/gm)].map(
      ([, ...numbers]) => numbers.map(Number),
    );

    const recipe = parseRecipe(
      trainRecipe,
      {
        ...{ model, data, out: join(root, 'run'), objective: { name: 'redi' }, optimizer: { lr: 1e-5 } },
        ...{ schedule: { warmup_ratio: 0, decay: 'constant' }, dtype: 'f32' },
      },
      'recipe',
    );
    const expected: StepMetrics[] = [];
    const result = await train(recipe, {
      onEvent: (event) => {
        if (event.kind === 'step') expected.push(event.metrics);
      },
    });
    expect(steps.map(([step]) => step)).toEqual([1, 2, 3, 4]);
    expected.forEach(({ loss, grad_norm: norm }, i) => {
      expect(Math.abs(steps[i]![1]! - loss)).toBeLessThan(2e-6); // printed to six decimals
      expect(Math.abs(steps[i]![2]! - norm)).toBeLessThan(1e-5 * norm + 1e-6);
    });
    // Four steps of Adam move every weight by up to 4e-5; a step left out would be a quarter of it.
    const [start, byHand, trained] = [weights(model), weights(out), weights(result.model)];
    expect(distance(trained, start)).toBeGreaterThan(0);
    expect(distance(byHand, trained)).toBeLessThan(0.01 * distance(trained, start));
  });

  it('says how it is run, and writes over nothing', () => {
    expect(loop(model, data).stderr).toContain('usage: npx tsx examples/loop.ts MODEL_DIR PAIRS.jsonl OUT');
    expect(loop(model, data, root).stderr).toContain(`${root} exists already`);
  });
});
