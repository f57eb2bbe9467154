import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRows } from '../../test/support/tinyModel.js';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { parseJson } from '../util/exactJson.js';
import { UserError } from '../util/errors.js';
import { describeDivided } from './divisions.js';
import { describeEvaluation, regrade } from './evaluate.js';
import { MeasureTally, openMeasures, type MeasureSettings } from './measured.js';
import { readSummary } from './summary.js';
import { selectorNames, type MeasuredSample } from './measures.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-measures-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const moduleOf = (name: string, code: string) => {
  writeFileSync(join(root, name), code);
  return { module: join(root, name) };
};
const sample = (keys: Partial<MeasuredSample>): MeasuredSample => ({
  ...{ text: '', right: false, answer: null, tokens: 10, cutOff: false, logp: null, turns: [false] },
  ...keys,
});
const tallied = async (settings: Partial<MeasureSettings>, ...problems: MeasuredSample[][]) => {
  const tally = new MeasureTally(await openMeasures({ selectors: [], measures: [], ...settings }));
  for (const [i, samples] of problems.entries()) tally.add({ id: `p${i}`, row: { level: i }, samples });
  return tally;
};

describe('selectors', () => {
  const candidates = [
    sample({ answer: '1', tokens: 9, logp: -0.5 }),
    sample({ answer: '2', tokens: 3, logp: -0.2, cutOff: true }),
    sample({ answer: '7', right: true, tokens: 5, logp: -0.9 }),
    sample({ answer: '0.5', tokens: 20, logp: null }),
    sample({ answer: '\\frac{1}{2}', tokens: 6, logp: -1 }),
  ];
  /** Which of the candidates is taken: the one that alone is right makes the share 1. */
  const taken = async (name: (typeof selectorNames)[number], list = candidates) => {
    for (const [i] of list.entries()) {
      const only = list.map((one, j) => ({ ...one, right: i === j }));
      const { selected } = await tallied({ selectors: [name] }, only);
      if (selected[name]!.mean === 1) return i;
    }
    return undefined;
  };

  it('take the first, the shortest and the longest that came to an end, and the likeliest', async () => {
    expect(await taken('first')).toBe(0);
    expect(await taken('shortest')).toBe(2);
    expect(await taken('longest')).toBe(3);
    expect(await taken('likeliest')).toBe(1);
    // Where all were cut off, or nothing is known of them, none is taken, which is wrong.
    const cut = candidates.map((one) => ({ ...one, cutOff: true, logp: null }));
    expect(await taken('shortest', cut)).toBe(undefined);
    expect(await taken('likeliest', cut)).toBe(undefined);
  });

  it('take the commonest answer by the verifier; right ones are one, and the earliest wins a tie', async () => {
    // 0.5 and 1/2 are one answer, twice; every other stands once.
    const { selected } = await tallied({ selectors: ['majority'] }, candidates);
    expect(selected.majority).toEqual({ mean: 0, standard_error: null, problems: 1 });
    const twice = [
      ...candidates,
      sample({ answer: '7', right: true }),
      sample({ answer: '07', right: true }),
    ];
    expect((await tallied({ selectors: ['majority'] }, twice)).selected.majority!.mean).toBe(1);
    const tied = [sample({ answer: '3' }), sample({ answer: '7', right: true })];
    expect((await tallied({ selectors: ['majority'] }, tied)).selected.majority!.mean).toBe(0);
    expect((await tallied({ selectors: ['majority'] }, [...tied].reverse())).selected.majority!.mean).toBe(1);
    const silent = [sample({ answer: null }), sample({ answer: null })];
    expect((await tallied({ selectors: ['majority'] }, silent)).selected.majority!.mean).toBe(0);
  });

  it('have the error of shares over problems', async () => {
    const right = [sample({ right: true })];
    const wrong = [sample({})];
    const { selected } = await tallied({ selectors: ['first'] }, right, wrong, wrong, right);
    // Mean ½, Σ(x − x̄)² = 1, over 3 · 4.
    expect(selected.first).toEqual({
      mean: 0.5,
      standard_error: expect.closeTo(Math.sqrt(1 / 12), 12) as number,
      problems: 4,
    });
  });
});

describe('measures', () => {
  it('give lengths of right and wrong responses, over the problems that have some', async () => {
    const { measured } = await tallied(
      { measures: ['lengths'] },
      [sample({ right: true, tokens: 4 }), sample({ right: true, tokens: 8 }), sample({ tokens: 30 })],
      [sample({ tokens: 10 })],
      [sample({ right: true, tokens: null })],
    );
    expect(measured.lengths).toEqual({
      'tokens of right responses': { mean: 6, standard_error: null, problems: 1 },
      'tokens of wrong responses': { mean: 20, standard_error: 10, problems: 2 },
    });
  });

  it('give what further questions change, which sums to one', async () => {
    const turns = (...right: boolean[]) => sample({ turns: right });
    const { measured } = await tallied(
      { measures: ['turns'] },
      [turns(true, true), turns(false, true), turns(false, true, false), turns(true, true, false)],
      [turns(true)],
    );
    const shares = Object.fromEntries(
      Object.entries(measured.turns!).map(([name, { mean }]) => [name, mean]),
    );
    expect(shares).toEqual({
      'right and stays so': 0.25,
      'right, then wrong': 0.25,
      'wrong, then right': 0.25,
      'wrong and stays so': 0.25,
    });
  });

  it('count words of reflection', async () => {
    const text = 'Wait, let me check: 4. Hmm, alternatively 5. The waiter waited. Actually it is 4.';
    const { measured } = await tallied({ measures: ['reflection'] }, [
      sample({ text }),
      sample({ text: '4' }),
    ]);
    expect(measured.reflection!['reflections a response']!.mean).toBe(2.5);
  });
});

describe('modules of the user', () => {
  it('select and measure', async () => {
    const settings = {
      selectors: [moduleOf('last.mjs', 'export const selector = ({ samples }) => samples.length - 1;')],
      measures: [
        moduleOf(
          'level.mjs',
          'export default ({ row }) => ({ level: row.level, odd: row.level % 2 ? 1 : null });',
        ),
      ],
    };
    const { selected, measured } = await tallied(
      settings,
      [sample({}), sample({ right: true })],
      [sample({ right: true }), sample({})],
    );
    expect(selected['last.mjs']!.mean).toBe(0.5);
    expect(measured['level.mjs']).toMatchObject({
      level: { mean: 0.5, problems: 2 },
      odd: { mean: 1, problems: 1 },
    });
  });

  it.each([
    ['selectors', 'export const selector = 3;', 'exports something that is not a function'],
    [
      'selectors',
      'export const selector = () => 9;',
      'returned 9 for the problem p0: it must return the place',
    ],
    ['selectors', 'export const selector = () => -1;', 'returned -1'],
    ['selectors', 'export const selector = async () => 0;', 'returned a promise for the problem p0'],
    ['selectors', 'export const selector = async () => { throw new Error("late"); };', 'returned a promise'],
    ['selectors', 'export const selector = () => { throw new Error("no"); };', 'threw at the problem p0: no'],
    [
      'measures',
      'export const measure = () => 3;',
      'returned 3 for the problem p0: it must return an object',
    ],
    ['measures', 'export const measure = () => ({ a: NaN });', 'returned { a: NaN }'],
    ['measures', 'export const measure = () => ({});', 'returned {}'],
    ['measures', 'export const measure = () => [1, 2];', 'returned [ 1, 2 ]'],
    ['measures', 'export const measure = () => ({ a: 1.7e308 });', 'returned { a: 1.7e+308 }'],
    ['measures', 'export const measure = async () => ({ a: 1 });', 'returned a promise for the problem p0'],
    [
      'measures',
      'export const measure = () => ({ get a() { throw new Error("no"); } });',
      'threw at the problem',
    ],
    [
      'measures',
      'export const measure = () => new Proxy({}, { ownKeys() { throw new Error("no"); } });',
      'threw at the problem p0: no',
    ],
    ['measures', 'export const other = 1;', 'exports only other'],
  ] as const)('%s: %s is refused', async (kind, code, message) => {
    const module = moduleOf(`m${Math.random()}.mjs`, code);
    const refused: unknown = await tallied({ [kind]: [module] }, [sample({})]).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(UserError);
    expect((refused as UserError).message).toContain(message);
    expect((refused as UserError).message).not.toContain('\n');
  });

  it('see the numbers of a row as numbers, however they were written', async () => {
    const row = parseJson(
      '{"level": 2.0, "big": 12345678901234567890, "list": [0.10, {"x": 1e3}]}',
    ) as object;
    const code = `export default ({ row }) => ({ level: row.level, big: row.big, f: row.list[0], x: row.list[1].x });`;
    const tally = new MeasureTally(
      await openMeasures({ selectors: [], measures: [moduleOf('numbers.mjs', code)] }),
    );
    tally.add({ id: 'p', row: row as Record<string, unknown>, samples: [sample({})] });
    expect(tally.measured['numbers.mjs']).toMatchObject({
      ...{ level: { mean: 2 }, big: { mean: 12345678901234567000 }, f: { mean: 0.1 }, x: { mean: 1000 } },
    });
  });

  it('may call their numbers what they like', async () => {
    const names = ['__proto__', 'constructor', 'toString', '', 'a\nb', '7'];
    const code = `export default () => Object.fromEntries(${JSON.stringify(names)}.map((name, i) => [name, i]));`;
    const { measured } = await tallied({ measures: [moduleOf('names.mjs', code)] }, [sample({})]);
    const found = Object.entries(measured['names.mjs']!).map(([name, { mean }]) => [name, mean]);
    expect(new Map(found as [string, number][])).toEqual(new Map(names.map((name, i) => [name, i])));
  });

  it('cannot change what others see', async () => {
    const greedy = moduleOf(
      'greedy.mjs',
      'export const measure = ({ samples }) => { samples.length = 0; return { n: 1 }; };',
    );
    const { measured } = await tallied({ measures: [greedy, 'reflection'] }, [sample({ text: 'wait' })]);
    expect(measured.reflection!['reflections a response']!.mean).toBe(1);
  });

  it('are named once', async () => {
    await expect(openMeasures({ selectors: ['first', 'first'], measures: [] })).rejects.toThrow(
      '"selectors" names first twice',
    );
  });
});

describe('an evaluation', () => {
  const { problems, evaluation } = roteEvaluations();
  const rights = [
    [true, false],
    [false, false],
    [true, true],
    [false, true],
  ];

  it('is divided by fields, and counted again without sampling', async () => {
    const data = problems('divided.jsonl', 4, undefined, (i) => ({
      level: i < 3 ? 2.0 : '10',
      topic: i ? 'b' : null,
    }));
    const dir = await evaluation(data, rights, {
      by: ['level', 'topic'],
      selectors: ['first'],
      measures: ['lengths'],
    });
    const counted = await regrade(dir, { grader: ['verify'], by: ['topic'], selectors: ['majority'] });
    expect(counted.by).toEqual({
      topic: {
        b: { problems: 3, pass_at_1: 0.5, standard_error: expect.closeTo(Math.sqrt(0.5 / 6), 12) as number },
        none: { problems: 1, pass_at_1: 0.5, standard_error: null },
      },
    });
    // Two problems have a tie, of which the earlier answer wins: one right, one wrong.
    expect(counted.selected!.majority!.mean).toBe(0.5);
    expect(counted.measured).toBe(undefined);
    const again = await regrade(dir, { grader: ['verify', 'rllm'], by: ['level'] });
    expect(Object.keys(again.by!.level!)).toEqual(['2', '10']);
    expect(again.by!.level!['2']).toMatchObject({ problems: 3, pass_at_1: 0.5 });
    // rllm wants thinking to have ended, so that it takes none of the four right ones.
    expect(again.disagreements).toBe(4);
    expect(describeEvaluation(again)).toContain('by level: 2 50.0 ± 28.9 (3), 10 50.0');
    const many = Object.fromEntries(Array.from({ length: 22 }, (_, i) => [`v${i}`, again.by!.level!['2']!]));
    expect(describeDivided({ many })[0]).toMatch(
      /^by many: v0 50\.0 .*v19 50\.0 ± 28\.9 \(3\), and 2 further values$/,
    );
    await expect(regrade(dir, { grader: ['verify'], selectors: ['likeliest'] })).rejects.toThrow(
      `No response of ${dir} has log-probs, by which the selector likeliest goes`,
    );
    for (const name of ['teacher', 'sampling', 'generations', 'golds'])
      await expect(regrade(dir, { grader: ['verify'], by: [name] })).rejects.toThrow(`The field "${name}"`);
    await expect(regrade(dir, { grader: ['verify'], by: ['subject'] })).rejects.toThrow(
      'has the field "subject", by which the result is to be divided',
    );
  });

  it('is divided by what the problems say, in samples as in the data, or not at all', async () => {
    // Names of all fields that rows of samples have, and of those that they could have.
    const [first] = readRows(join(await evaluation(problems('any.jsonl', 4), rights), 'samples.jsonl'));
    const names = [...Object.keys(first!), 'question', 'correct', 'messages', 'finish_reasons', 'level'];
    for (const name of names.filter((name) => name !== 'answer' && name !== 'id' && name !== 'problem')) {
      const isAsked = name === 'question';
      const data = problems(`own-${name}.jsonl`, 4, undefined, (i) => ({
        [name]: isAsked ? `${'y'.repeat(i + 1)}?` : `v${i % 2}`,
      }));
      const keys = { by: [name], ...(isAsked && { problem_field: name }) };
      const found: unknown = await evaluation(data, rights, keys).then(
        (dir) => Object.keys(readSummary(dir).by![name]!),
        (error: unknown) => (error instanceof UserError ? 'refused' : error),
      );
      expect([['v0', 'v1'], 'refused'], name).toContainEqual(found);
      if (name === 'level') expect(found).toEqual(['v0', 'v1']);
      if (['teacher', 'sampling', 'question'].includes(name)) expect(found).toBe('refused');
    }
    await expect(
      evaluation(
        problems('t.jsonl', 4, undefined, () => ({ teacher: 'x' })),
        rights,
        { by: ['teacher'] },
      ),
    ).rejects.toThrow('The field "teacher" does not stay what it is in samples.jsonl');
  });

  it('needs the fields and the log-probs before anything is asked', async () => {
    const data = problems('plain.jsonl', 4);
    await expect(evaluation(data, rights, { by: ['level'] })).rejects.toThrow(
      `No row of ${data} has the field "level".`,
    );
    await expect(evaluation(data, rights, { selectors: 'likeliest' })).rejects.toThrow('keep_tokens');
  });
});
