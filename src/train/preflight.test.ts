import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { UserError } from '../util/errors.js';
import { parseRecipe } from '../recipe/parse.js';
import { silentProgress } from '../util/progress.js';
import { reportTraining } from './narrate.js';
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
    events,
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

  it('says how many rows were read, where it was not all of them', async () => {
    const rows = Array.from({ length: 1030 }, (_, n) => ({ messages: turns(`${n}+1?`, `${n + 1}`) }));
    rows[3 * 17] = { messages: turns('5+5?', 'ten<|end|> or so') };
    const { error, data } = await attempt(rows);
    expect((error as Error).message).toContain(
      `${data}: of 344 rows examined, one in 3, some would spoil training: control-token in 1 (line 52: `,
    );
    rows[3 * 17] = rows[0]!;
    const { events } = await attempt(rows, { doctor: 'warn' });
    const doctor = events.filter(({ kind }) => kind === 'doctor');
    expect(doctor).toMatchObject([{ examined: 344, every: 3 }]);
    const lines: string[] = [];
    reportTraining({ ...silentProgress, log: (line) => lines.push(line) })(doctor[0]!);
    expect(lines[0]).toBe('doctor: only 344 rows were examined, one in 3, spread over the file');
  });

  it('leaves out rows whose text is too long to be tokenised, and counts them', async () => {
    const long = { messages: turns('2+2?', `It is${' '.repeat(1_100_000)}4`) };
    const { error, events } = await attempt([...clean, long]);
    expect(error).toBe(undefined);
    const data = events.find(({ kind }) => kind === 'data');
    expect(data).toMatchObject({
      rows: 2,
      dropped: [{ line: 3, characters: 1_100_000 + '<|user|>2+2?<|end|><|assistant|>It is4<|end|>'.length }],
    });
    expect((await attempt([long])).error).toMatchObject({
      message: expect.stringMatching(/all 1 rows are longer than max_length/) as unknown,
    });
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
