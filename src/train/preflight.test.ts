import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { UserError } from '../util/errors.js';
import { parseRecipe } from '../recipe/parse.js';
import { trainRecipe } from './settings.js';
import { train, type TrainEvent } from './trainer.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-data-check-'));
const model = join(root, 'tiny');
beforeAll(() => {
  writeTinyModel(model);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let runs = 0;
/** Trains a step on the rows. Returns the findings, and the error that ended it. */
async function attempt(rows: readonly object[], keys: object = {}) {
  const data = writeRows(join(root, `rows-${++runs}.jsonl`), rows);
  const out = join(root, `run-${runs}`);
  const given = {
    ...{ model, data, out, objective: { name: 'sft' }, optimizer: { lr: 1e-3 }, dtype: 'f32' },
    ...{ max_steps: 1, schedule: { warmup_ratio: 0 } },
    ...keys,
  };
  const events: TrainEvent[] = [];
  const hooks = { onEvent: (event: TrainEvent) => events.push(event) };
  let error: unknown;
  try {
    await train(parseRecipe(trainRecipe, given, 'recipe'), hooks);
  } catch (thrown) {
    error = thrown;
  }
  const findings = events.flatMap((event) => (event.kind === 'doctor' ? event.findings : []));
  return {
    data,
    out,
    error,
    codes: findings.map(({ code }) => code),
    steps: events.filter((e) => e.kind === 'step').length,
  };
}

const clean = [{ messages: turns('2+2?', '4') }, { messages: turns('3+3?', '6') }];
const pair = (chosen: string, rejected: string) => ({
  chosen: turns('2+2?', chosen),
  rejected: turns('2+2?', rejected),
});

describe('training', () => {
  it('says nothing of clean data', async () => {
    expect(await attempt(clean)).toMatchObject({ error: undefined, codes: [], steps: 1 });
  });

  it('refuses data with an error, before anything is written, and names row, problem and way out', async () => {
    const rows = [...clean, { messages: turns('5+5?', 'ten<|end|> or so') }];
    const { data, out, error, steps } = await attempt(rows);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(UserError); // found problems, as the doctor ends with 1
    expect((error as Error).message).toBe(
      `${data}: of 3 rows examined, some would spoil training: control-token in 1 (line 3: the response contains <|end|>). ` +
        `\`redistill doctor ${data} --model ${model}\` says more; doctor: warn in the recipe trains anyway`,
    );
    expect(steps).toBe(0);
    expect(existsSync(out)).toBe(false);
  });

  it('goes on when the recipe says so, and reports what it has found', async () => {
    const rows = [...clean, { messages: turns('5+5?', '<think>ten') }];
    expect(await attempt(rows, { doctor: 'warn' })).toMatchObject({
      error: undefined,
      codes: ['thinking-unclosed'],
      steps: 1,
    });
    expect(await attempt(rows, { doctor: 'off' })).toMatchObject({ error: undefined, codes: [], steps: 1 });
  });

  it('goes on with warnings', async () => {
    expect(await attempt([...clean, clean[0]!])).toMatchObject({ codes: ['duplicate-row'], steps: 1 });
  });

  it('examines what the objective learns: fine-tuning takes the chosen sides', async () => {
    const same = [pair('4', '4')];
    expect((await attempt(same, { objective: { name: 'redi' } })).error).toMatchObject({
      message: expect.stringContaining('identical-halves in 1') as unknown,
    });
    expect(await attempt(same)).toMatchObject({ error: undefined, codes: [], steps: 1 });
  });

  it('leaves it to the limit which rows are dropped', async () => {
    const rows = [...clean, { messages: turns('4+4?', 'x'.repeat(60)) }];
    expect(await attempt(rows, { max_length: 50 })).toMatchObject({ error: undefined, codes: [], steps: 1 });
  });
});
