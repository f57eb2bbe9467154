import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectDone } from '../../test/support/tinyCommands.js';
import { readRows, redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const example = fileURLToPath(new URL('../../examples/objective.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'redistill-objective-'));

beforeAll(() => {
  writeTinyModel(join(root, 'tiny'));
  writeRows(
    join(root, 'pairs.jsonl'),
    Array.from({ length: 12 }, (_, n) => ({
      chosen: turns(`${n}+${n}?`, `It is ${2 * n}.`),
      rejected: turns(`${n}+${n}?`, n % 2 === 0 ? `${n}` : `Perhaps ${n + 1}, I guess.`),
    })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let runs = 0;
/** What each step says of loss and gradient. */
async function stepsOf(objective: string): Promise<unknown[]> {
  const out = `run-${++runs}`;
  const recipe = `{ model: tiny, data: pairs.jsonl, out: ${out}, objective: ${objective}, dtype: f32, batch_size: 4, optimizer: { lr: 1e-3 }, token_budget: 40 }`;
  writeFileSync(join(root, `${out}.yaml`), recipe);
  expectDone(await redistill(['train', `${out}.yaml`], { cwd: root }));
  return readRows(join(root, out, 'metrics.jsonl'))
    .filter((line) => 'loss' in line)
    .map(({ loss, grad_norm: norm }) => [loss, norm]);
}

it('examples/objective.js trains, and is REDI where its floor is out of reach', async () => {
  const bounded = await stepsOf(`{ module: ${example}, push: 0.5, floor: -100 }`);
  const redi = await stepsOf('{ name: redi, alpha: 0.5 }');
  expect(bounded).toHaveLength(3);
  bounded.forEach((step, i) => {
    const [[loss, norm], [asked, expected]] = [step, redi[i]] as [number[], number[]];
    expect(loss).toBeCloseTo(asked!, 5);
    expect(norm).toBeCloseTo(expected!, 4);
  });
  // Here everything is below the floor: the rejected side is left alone.
  const alone = await stepsOf(`{ module: ${example}, push: 0.5, floor: 0 }`);
  const chosen = await stepsOf('{ name: redi, alpha: 0 }');
  alone.forEach((step, i) => {
    expect((step as number[])[1]).toBeCloseTo((chosen[i] as number[])[1]!, 4);
  });
});
