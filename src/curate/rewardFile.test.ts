import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { labelled } from '../../test/support/curationRows.js';
import { readRows, writeRows } from '../../test/support/tinyModel.js';
import { readTrainingRecords } from '../data/records.js';
import { silentProgress } from '../util/progress.js';
import { rewardSettings } from '../pipeline/stages/rewards.js';
import { writeRewards } from './rewardFile.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-rewards-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const newFile = () => join(root, `${++files}.jsonl`);
const { signal } = new AbortController();
async function run(rows: readonly object[], given: object = {}) {
  const [data, out] = [writeRows(newFile(), rows), newFile()];
  const settings = rewardSettings.parse({ data, ...given });
  const summary = await writeRewards(settings, out, silentProgress, signal);
  return { summary, rows: readRows(out), out, records: await readTrainingRecords(out) };
}
const scalarsOf = ({ sequences }: Record<string, unknown>) =>
  (sequences as { scalars: Record<string, number> }[]).map(({ scalars }) => scalars);
const user = (content: string) => ({ role: 'user', content });

describe('rewards of trace rows', () => {
  it('are rows of sequences that training reads, one a problem', async () => {
    const { rows, records, summary } = await run([
      labelled('2+2?', ['4', '5', 'four'], [true, false, true], { original_index: 7 }),
      labelled('3+3?', ['7', '8'], [false, false]),
    ]);
    expect(rows[0]).toMatchObject({ original_index: 7 });
    expect(rows[0]!.sequences).toMatchObject(
      ['4', '5', 'four'].map((response) => ({ role: 'sample', prompt: [user('2+2?')], response })),
    );
    const [first, second, third] = scalarsOf(rows[0]!);
    // ±1 with two of three right: mean ⅓, deviation √8/3.
    expect(first).toMatchObject({ correct: 1, reward: 1, pass_rate: 2 / 3 });
    expect(first!.advantage).toBeCloseTo(Math.SQRT1_2, 12);
    expect(first!.baseline).toBeCloseTo(1 / 3, 12);
    expect(first!.value).toBeCloseTo(1 + 0.1 * Math.log((2 + Math.exp(-20)) / 3), 12);
    expect(second).toMatchObject({ correct: 0, reward: -1 });
    expect(second!.advantage).toBeCloseTo(-Math.SQRT2, 12);
    expect(third).toEqual(first);
    expect(scalarsOf(rows[1]!)[0]).toMatchObject({ reward: -1, advantage: 0, pass_rate: 0 });
    expect(summary).toEqual({
      ...{ rows: 2, empty: 0, left_out: 0, written: 2, without_gradient: 1, samples: 5, right: 2 },
    });
    expect(records.map(({ kind }) => kind)).toEqual(['group', 'group']);
  });

  it('count a trace that was cut off as wrong, without an end, and leave blank ones out', async () => {
    const { rows, summary } = await run([
      labelled('q', ['half', 'whole', ' '], [true, true, false], {
        generation_details: [{ finish_reason: 'length' }, { finish_reason: 'stop' }, {}],
      }),
      labelled('blank', [''], [true]),
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]!.sequences).toMatchObject([{ response: 'half', end: false }, { response: 'whole' }]);
    expect(scalarsOf(rows[0]!).map(({ reward }) => reward)).toEqual([-1, 1]);
    expect(summary).toMatchObject({ rows: 2, empty: 1, written: 1, samples: 2, right: 1 });
  });

  it('keep what the template is given, and the thinking of a message', async () => {
    const generations = [{ role: 'assistant', content: '4', reasoning_content: '2+2' }, '5'];
    const { rows } = await run([
      { problem: 'p', answer: '4', generations, correct: [true, false], chat_template_kwargs: { a: 1 } },
    ]);
    expect(rows[0]).toMatchObject({
      chat_template_kwargs: { a: 1 },
      sequences: [{ response: '<think>\n2+2\n</think>\n\n4' }, { response: '5' }],
    });
  });

  it('measure tokens where the row has them, and pairs are groups of two', async () => {
    const details = [512, 900].map((completion_tokens) => ({ completion_tokens }));
    const says = (content: string) => [{ role: 'assistant', content }];
    const { rows } = await run(
      [
        labelled('q', ['a', 'b'], [true, true], { generation_details: details }),
        { prompt: [user('p')], chosen: says('x'), rejected: says('y'), chosen_len: 1000, rejected_len: 900 },
      ],
      { overlong: 1000 },
    );
    expect(rows.map((row) => scalarsOf(row).map(({ reward }) => reward))).toEqual([
      [1, 0.5],
      [0, -1.5],
    ]);
  });

  it('leave one-sided problems out under dapo, and say so', async () => {
    const rows = [labelled('q', ['a', 'b'], [true, true]), labelled('p', ['a', 'b'], [true, false])];
    const { rows: written, summary } = await run(rows, { advantage: 'dapo' });
    expect(written).toHaveLength(1);
    expect(summary).toMatchObject({ rows: 2, left_out: 1, written: 1 });
    await expect(run([rows[0]!], { advantage: 'dapo' })).rejects.toThrow(
      /nothing can be written: of 1 rows, 0 have no response, and the advantage dapo leaves out 1 /,
    );
  });

  it('flip the same problems in every run, and `correct` keeps the verdict', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => labelled(`q${i}`, ['a', 'b'], [true, false]));
    const [one, other] = [await run(rows, { flip: 0.4 }), await run(rows, { flip: 0.4 })];
    expect(one.rows).toEqual(other.rows);
    const flipped = one.rows.filter((row) => scalarsOf(row)[0]!.reward === -1);
    expect(flipped.length).toBeGreaterThan(50);
    expect(flipped.length).toBeLessThan(110);
    expect(one.rows.every((row) => scalarsOf(row)[0]!.correct === 1)).toBe(true);
    const another = await run(rows, { flip: 0.4, seed: 1 });
    expect(another.rows).not.toEqual(one.rows);
  });
});

describe('rewards of rows of sequences', () => {
  const sample = (behaviour: number[], reward: number, weights: number[] = [1, 1]) => ({
    ...{ role: 'sample', prompt: { ids: [1] }, response: [{ ids: [2, 3], weights }] },
    ...{ scalars: { reward, own: 5 }, columns: { behaviour } },
  });

  it('keep everything else, and read the column behaviour for unlikeliness', async () => {
    const sequences = [sample([-1, -1], 1), sample([-2, -3], 1), sample([-0.1, -9], -1, [1, 0])];
    const { rows } = await run([{ id: 'x', scalars: { pass: 1 }, sequences }], { unlikely: 0.3 });
    expect(rows[0]).toMatchObject({ id: 'x', scalars: { pass: 1 } });
    (rows[0]!.sequences as object[]).forEach((written, i) => {
      const { scalars, ...rest } = sequences[i]!;
      expect(written).toMatchObject({ ...rest, scalars: { own: scalars.own } });
    });
    // Means −1, −2.5 and, without the token that nobody drew, −0.1: ranks 1, 0, 2 of 3.
    const rewards = scalarsOf(rows[0]!).map(({ reward }) => reward);
    expect(rewards[0]).toBeCloseTo(0.9, 12);
    expect(rewards.slice(1)).toEqual([1, -1]);
  });

  it('take `correct` before `reward`, so that rewards may be given again', async () => {
    const once = await run([{ sequences: [sample([-1, -1], 1), sample([-1, -2], -1)] }], {
      ...{ right: -2, wrong: -3 },
    });
    expect(scalarsOf(once.rows[0]!).map(({ reward }) => reward)).toEqual([-2, -3]);
    const again = await run(once.rows);
    expect(scalarsOf(again.rows[0]!).map(({ reward }) => reward)).toEqual([1, -1]);
  });
});

describe('rewards of several files', () => {
  it('join the rows of a prompt, and number problems over all', async () => {
    const single = (completion: string, label: boolean) => ({ prompt: 'p', completion, label });
    const data = [
      writeRows(newFile(), [single('a', true), labelled('q', ['x'], [true])]),
      writeRows(newFile(), [{ sequences: [{ role: 'chosen', prompt: 'p', response: 'a' }] }]),
      writeRows(newFile(), [single('b', false), labelled('r', ['y'], [false])]),
    ];
    const out = newFile();
    await writeRewards(rewardSettings.parse({ data }), out, silentProgress, signal);
    const rows = readRows(out);
    expect(rows.map((row) => [row.original_index, scalarsOf(row).length])).toEqual([
      [undefined, 1],
      [1, 1],
      [3, 1],
      [0, 2],
    ]);
  });
});

describe('refuses, naming file, line and field, and leaves nothing', () => {
  const good = labelled('q', ['a', 'b'], [true, false]);
  const text = { role: 'sample', prompt: 'p', response: 'a' };
  it.each<[string, object[], object, string]>([
    [
      'no verdicts',
      [good, { problem: 'q', generations: ['a'], correctness: {} }],
      {},
      'the verdicts of the rules',
    ],
    ['no generations', [good, { problem: 'q', correctness: {} }], {}, '"generations" are missing'],
    [
      'no problem',
      [good, { generations: ['a'], correctness: { math_verify_reparsed_answer: [true] } }],
      {},
      'the field "problem" is missing or empty',
    ],
    ['another shape', [good, { messages: [] }], {}, 'not a row of traces'],
    [
      'a response without a label',
      [{ sequences: [{ ...text, scalars: { reward: 1 } }] }, { sequences: [text] }],
      {},
      '"sequences.0" has no "reward"',
    ],
    [
      'a row without sequences',
      [{ sequences: [{ ...text, role: 'chosen' }] }, { prompt: 'a', completion: 'b' }],
      {},
      '"sequences" are missing',
    ],
    [
      'lengths in characters',
      [{ ...good, generation_details: [{ completion_tokens: 1 }, { completion_tokens: 2 }] }, good],
      { overlong: 10 },
      '"overlong" counts tokens',
    ],
    ['no log-probs', [{ ...good }, good], { unlikely: 0.25 }, '"unlikely" needs the column "behaviour"'],
    ['a negative reward', [good], { advantage: 'maxrl' }, 'a reward is negative'],
    [
      'tool calls',
      [
        good,
        {
          ...good,
          generations: [
            'a',
            {
              role: 'assistant',
              content: null,
              tool_calls: [{ type: 'function', function: { name: 'f', arguments: {} } }],
            },
          ],
        },
      ],
      {},
      '"generations.1" calls tools',
    ],
  ])('%s', async (what, rows, given, problem) => {
    const line = ['no log-probs', 'a negative reward'].includes(what) ? 1 : 2;
    const before = readdirSync(root);
    await expect(run(rows, given)).rejects.toThrow(new RegExp(`\\d\\.jsonl, line ${line}: .*${problem}`));
    expect(readdirSync(root)).toHaveLength(before.length + 1); // the data alone
  });

  it('a file without rows', async () => {
    const data = newFile();
    writeFileSync(data, '\n');
    const settings = rewardSettings.parse({ data });
    await expect(writeRewards(settings, newFile(), silentProgress, signal)).rejects.toThrow('has no rows');
  });
});
