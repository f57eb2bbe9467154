import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { chooseSettings, chooseStage } from './choose.js';
import type { StageContext } from './stage.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-choose-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** An evaluation whose problems have so many right responses of two each, and a model beside it. */
function candidate(name: string, rights: readonly number[], grader = 'verify') {
  const [model, evaluation] = [join(root, name, 'model'), join(root, name, 'evaluation')];
  for (const folder of [model, evaluation]) mkdirSync(folder, { recursive: true });
  const rows = rights.map((right, i) => ({
    ...{ id: `p${i}`, problem: `${i} + 1?`, answer: String(i + 1), generations: ['a', 'b'] },
    generation_details: [0, 1].map((sample) => ({
      ...{ finish_reason: 'stop', completion_tokens: 3 },
      grades: { [grader]: { correct: sample < right, extracted: null } },
    })),
  }));
  writeFileSync(join(evaluation, 'samples.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return { name, label: `the ${name}`, model, evaluation };
}

function choose(among: object[], grader?: string) {
  const out = mkdtempSync(join(root, 'out-'));
  const settings = chooseSettings.parse({ among, ...(grader !== undefined && { grader }) });
  const done = chooseStage.run(settings, { out } as StageContext);
  return { out, done, model: () => realpathSync(join(out, 'model')) };
}

it('links the model with the highest pass@1 and keeps all numbers', async () => {
  const among = [candidate('low', [0, 1, 2]), candidate('high', [2, 2, 0]), candidate('none', [0, 0, 0])];
  const { out, done, model } = choose(among);
  // (0 + 1/2 + 1) / 3 and (1 + 1 + 0) / 3.
  expect((await done).candidates).toEqual([
    { name: 'low', pass_at_1: 0.5 },
    { name: 'high', pass_at_1: 2 / 3 },
    { name: 'none', pass_at_1: 0 },
  ]);
  expect(model()).toBe(realpathSync(among[1]!.model));
  expect(JSON.parse(readFileSync(join(out, 'choice.json'), 'utf8'))).toMatchObject({ chosen: 'high' });
  expect(readFileSync(join(out, 'table.txt'), 'utf8')).toMatch(/high +the high +66\.7/);
});

it('takes the first of equal ones', async () => {
  const among = [candidate('one', [2, 0]), candidate('two', [0, 2])];
  const { done, model } = choose(among);
  await done;
  expect(model()).toBe(realpathSync(among[0]!.model));
});

it('refuses a grader that an evaluation lacks, other problems, and two of one name', () => {
  const [a, b] = [candidate('a', [1]), candidate('b', [1], 'gsm8k')];
  expect(() => choose([a, b])).toThrow(/"b" was not graded by "verify", only by gsm8k/);
  expect(() => choose([a, a])).toThrow(/two candidates named .+a/);
});
