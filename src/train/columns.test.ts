import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { all, columned, defaults, eachToken, ids, scored, written } from '../../test/support/columnRuns.js';
import { writeTinyModel } from '../../test/support/tinyModel.js';
import { model, pairs, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { cacheFolder } from './cacheFiles.js';
import { addColumn, type ColumnOptions } from './columns.js';
import { silentProgress } from '../util/progress.js';

/** Responses that scorers were given. */
const scorer = vi.hoisted(() => ({ rows: 0 }));

vi.mock('../models/scorer.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../models/scorer.js')>();
  class Scorer extends original.Scorer {
    override score(rows: Parameters<InstanceType<typeof original.Scorer>['score']>[0]) {
      scorer.rows += rows.length;
      return super.score(rows);
    }
  }
  return { ...original, Scorer };
});

setUpRuns();
beforeEach(() => {
  scorer.rows = 0;
});

/** Rows of every shape, with all that a row may say. */
const mixed = [
  {
    id: 7,
    messages: [
      { role: 'user', content: '2+2?' },
      { role: 'assistant', content: '4' },
    ],
    weight: -0.5,
  },
  { prompt: 'ab', completion: 'cde', label: false, note: { kept: true } },
  { prompt: 'ab', chosen: 'c', rejected: 'de', scalars: { pass_rate: 0.25 } },
  {
    sequences: [
      {
        ...{ role: 'sample', prompt: { ids: [5, 6] }, score_only: [1] },
        response: [
          { ids: [7, 8], weights: [1, 0.5] },
          { ids: [9], segment: 1 },
        ],
        ...{ scalars: { reward: 1 }, columns: { behaviour: [-1, -2, -3] } },
      },
    ],
  },
];

describe('a column of log-probs', () => {
  it.each(['pairs', 'rows of every shape'])('of %s is what score says, in the same tokens', async (kind) => {
    const data = kind === 'pairs' ? pairs : written(mixed);
    const sequences = all(await columned({ data }));
    const scores = await scored(data);
    expect(sequences.map(ids)).toEqual(scores.map((score) => score.ids));
    const columns = sequences.map(({ columns }) => columns.teacher!);
    columns.forEach((values, i) => {
      values.forEach((value, t) => {
        expect(value).toBeCloseTo(scores[i]!.logps![t]!, 5);
      });
    });
  });

  it('leaves rows as they are: they are trained as before, and a second column stands beside the first', async () => {
    const { rows } = await columned({ data: written(mixed) });
    const besides = rows.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([key]) => key !== 'sequences')),
    );
    expect(besides).toEqual([{ id: 7 }, { note: { kept: true } }, {}, {}]);
    const [first, second, chosen, rejected, sample] = rows.flatMap(({ sequences }) => sequences);
    expect(first!.response[0]!.weights).toEqual(ids(first!).map(() => -0.5));
    expect(second!.scalars).toEqual({ reward: -1 });
    expect([chosen, rejected].map((side) => [side!.role, side!.scalars])).toEqual([
      ['chosen', { pass_rate: 0.25 }],
      ['rejected', { pass_rate: 0.25 }],
    ]);
    const { columns, ...same } = sample!;
    const { role, prompt, scalars, response, ...more } = mixed[3]!.sequences![0]!;
    expect(same).toEqual({
      ...{ role, prompt, scalars, score_only: more.score_only },
      response: [response[0], { ...response[1], weights: [1] }],
    });
    expect(columns.behaviour).toEqual([-1, -2, -3]);
    const again = await columned({ data: written(rows), as: 'other' });
    expect(all(again).map((sequence) => sequence.columns.other)).toEqual(
      all(again).map((sequence) => sequence.columns.teacher),
    );
    const keys = { batch_size: 2, max_steps: 3 };
    const plain = await trained(recipeOf('redi', { data: pairs, ...keys }));
    const data = written((await columned()).rows);
    const withColumn = await trained(recipeOf('redi', { data, ...keys }));
    expect(withColumn.steps.map(({ loss }) => loss)).toEqual(plain.steps.map(({ loss }) => loss));
  });

  it('feeds an objective: towards a teacher that is the student itself there is nothing to learn', async () => {
    const rows = [
      { prompt: 'ab', completion: 'cde' },
      { prompt: 'x', completion: 'yz' },
    ];
    const data = written((await columned({ data: written(rows), tokenBudget: 1 })).rows);
    const { steps } = await trained(recipeOf('opd', { data, token_budget: 1, batch_size: 2, max_steps: 1 }));
    expect(steps[0]!.grad_norm).toBeLessThan(1e-5);
  });

  it('goes on where it was stopped, and another model, template or row is scored anew', async () => {
    const abort = new AbortController();
    const one = { tokenBudget: 1 };
    const whole = await columned(one);
    rmSync(cacheFolder('references'), { recursive: true });
    scorer.rows = 0;
    const progress = {
      ...silentProgress,
      update: (done: number, _: number, what: string) => {
        if (what === 'responses' && done === 6) abort.abort(new Error('stopped'));
      },
    };
    const rows: object[] = [];
    const out = { write: (row: object) => rows.push(row) };
    await expect(addColumn({ ...defaults, ...one }, out, progress, abort.signal)).rejects.toThrow('stopped');
    expect(rows).toEqual([]);
    const second = await columned(one);
    expect(second.said).toContain('column teacher: 6 of 10 responses were scored before');
    expect(second.rows).toEqual(whole.rows);
    // The shortest is scored again each time.
    scorer.rows = 0;
    await columned(one);
    expect(scorer.rows).toBe(1);
    const changed = written([{ prompt: 'q', chosen: 'r', rejected: 's' }]);
    const other = writeTinyModel(join(root, 'other'), { rms_norm_eps: 0.01 });
    for (const change of [
      { data: changed },
      { model: other },
      { system: 'Be brief.' },
      { dtype: 'bf16' as const },
    ]) {
      scorer.rows = 0;
      const { rows: made } = await columned({ ...one, ...change });
      expect(scorer.rows).toBe(2 * made.length);
    }
  });
});

it('of entropies is that of the distribution, −Σ p·log p', async () => {
  const data = written([{ prompt: 'ab', completion: 'c' }]);
  const [sequence] = all(await columned({ data, read: 'entropy' }));
  const scores = await scored(eachToken(sequence!.prompt.ids));
  expect(scores.reduce((sum, { sum: logp }) => sum + Math.exp(logp), 0)).toBeCloseTo(1, 5);
  const entropy = scores.reduce((sum, { sum: logp }) => sum - Math.exp(logp) * logp, 0);
  expect(sequence!.columns.teacher![0]).toBeCloseTo(entropy, 5);
});

describe('a contrast', () => {
  const other = () => writeTinyModel(join(root, 'wrong'), { rms_norm_eps: 0.01 });

  it('of a model with itself is its probability', async () => {
    const plain = all(await columned());
    const contrast = all(await columned({ read: 'contrast', contrastWith: model, strength: 0.7 }));
    plain.forEach(({ columns }, i) => {
      columns.teacher!.forEach((logp, t) => {
        expect(contrast[i]!.columns.teacher![t]).toBeCloseTo(Math.exp(logp), 5);
      });
    });
  });

  it('has its normaliser over the whole vocabulary of both', async () => {
    const wrong = other();
    const data = eachToken([5, 6]);
    const of = async (options: Partial<ColumnOptions>) =>
      all(await columned({ data, ...options })).map(({ columns }) => columns.teacher![0]!);
    const [p, q] = [await of({}), await of({ model: wrong })];
    const terms = p.map((logp, i) => Math.exp(1.5 * logp - 0.5 * q[i]!));
    const contrast = await of({ read: 'contrast', contrastWith: wrong, strength: 0.5 });
    const total = terms.reduce((a, b) => a + b, 0);
    contrast.forEach((probability, i) => {
      expect(probability).toBeCloseTo(terms[i]! / total, 6);
    });
  });
});

it('of the likeliest tokens are the largest log-probs of a place, and are read as they were written', async () => {
  const data = written([{ prompt: 'ab', completion: 'c' }]);
  const { rows } = await columned({ data, read: 'top-k', k: 5 });
  const [sequence] = rows[0]!.sequences;
  const { ids: found, logps } = sequence!.columns.teacher as unknown as Record<'ids' | 'logps', number[][]>;
  const scores = await scored(eachToken(sequence!.prompt.ids));
  const expected = scores.map(({ sum }, id) => [id, sum] as const).sort(([, a], [, b]) => b - a);
  expect(found[0]).toEqual(expected.slice(0, 5).map(([id]) => id));
  logps[0]!.forEach((logp, i) => {
    expect(logp).toBeCloseTo(expected[i]![1], 5);
  });
  // Columns of ids stay when another one comes.
  const named = {
    ...{
      role: 'verdict',
      prompt: 'ab',
      response: [
        { text: 'c', weight: 0 },
        { text: 'd', segment: 1 },
      ],
    },
    ...{ end: false, columns: { verdict: { segment: 1, tokens: ['d', 'e'] } } },
  };
  const both = written([...rows, { sequences: [named] }]);
  const again = await columned({ data: both, as: 'other' });
  expect(all(again)[0]!.columns.teacher).toEqual(sequence!.columns.teacher);
  const third = await columned({ data: written(again.rows), as: 'third' });
  expect(all(third)[1]!.columns.verdict).toEqual(all(again)[1]!.columns.verdict);
  expect(all(again)[1]!.columns.verdict).toMatchObject({
    segment: 1,
    tokens: [expect.any(Number), expect.any(Number)],
  });
});

it('of likeliest tokens feeds gkd: a student that is its own teacher has nothing to learn', async () => {
  const rows = [{ prompt: 'ab', completion: 'cde' }];
  const data = written(
    (await columned({ data: written(rows), read: 'top-k', k: 9, as: 'teacher_topk' })).rows,
  );
  const { steps } = await trained(recipeOf('gkd', { data, batch_size: 1, max_steps: 1 }));
  expect(steps[0]!.loss).toBeCloseTo(0, 5);
  expect(steps[0]!.grad_norm).toBeLessThan(1e-4);
});

describe('a context', () => {
  it('gives the same tokens under another prompt', async () => {
    const template = join(root, 'context.jinja');
    writeFileSync(template, '{{ question }} ({{ note }}, {{ role }}, {{ response }}, {{ right }})');
    const row = { note: 'n', prompt: 'ab', chosen: 'c', rejected: 'de' };
    const { rows } = await columned({ data: written([row]), context: template });
    const sequences = rows[0]!.sequences;
    const expected = await scored(
      written([
        { prompt: 'ab (n, chosen, c, c)', completion: 'c' },
        { prompt: 'ab (n, rejected, de, c)', completion: 'de' },
      ]),
    );
    sequences.forEach(({ columns }, i) => {
      columns.teacher!.forEach((value, t) => {
        expect(value).toBeCloseTo(expected[i]!.logps![t]!, 5);
      });
    });
    // The rows themselves have the prompt that they had.
    const plain = all(await columned({ data: written([row]) }));
    expect(sequences.map(({ prompt }) => prompt)).toEqual(plain.map(({ prompt }) => prompt));
    expect(readdirSync(cacheFolder('tokens')).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
  });

  it('of hindsight shows a right response, another one where there is one', async () => {
    const sample = (response: string, reward: number) => ({
      ...{ role: 'sample', prompt: 'ab', response, end: true, scalars: { reward } },
    });
    const row = { sequences: [sample('c', 1), sample('d', -1), sample('e', 1)] };
    const sequences = all(await columned({ data: written([row]), context: 'hindsight' }));
    const asked = (right: string) =>
      `ab\n\nThis is a correct solution:\n\n${right}\n\nNow solve the problem in your own words.`;
    const expected = await scored(
      written([
        { prompt: asked('e'), completion: 'c' },
        { prompt: asked('c'), completion: 'd' },
        { prompt: asked('c'), completion: 'e' },
      ]),
    );
    sequences.forEach(({ columns }, i) => {
      expect(columns.teacher![0]).toBeCloseTo(expected[i]!.logps![0]!, 5);
    });
  });

  it.each<[string, object, string, RegExp]>([
    [
      'no such template',
      { prompt: 'a', completion: 'b' },
      'insight',
      /insight is neither a file nor one of the templates hindsight/,
    ],
    [
      'no right response',
      { prompt: 'a', completion: 'b', label: false },
      'hindsight',
      /jsonl, line 1: .*needs a right response/,
    ],
    [
      'a prompt of ids',
      { sequences: [{ role: 'sample', prompt: { ids: [5] }, response: [{ ids: [6] }] }] },
      'hindsight',
      /line 1: .*this one is token ids/,
    ],
  ])('with %s is refused', async (_, row, context, message) => {
    await expect(columned({ data: written([row]), context })).rejects.toThrow(message);
  });
});

it('of two commands at once in one process is computed once, and both have it', async () => {
  const one = { tokenBudget: 1 };
  const [first, second] = await Promise.all([columned(one), columned(one)]);
  expect(second.rows).toEqual(first.rows);
  expect(scorer.rows).toBe(10 + 1);
});

it('is refused where the rows cannot be read twice, or have become others', async () => {
  await expect(columned({ data: '/dev/null' })).rejects.toThrow('/dev/null is no file');
  const data = written([
    { prompt: 'a', completion: 'b' },
    { prompt: 'c', completion: 'd' },
  ]);
  const lines = readFileSync(data, 'utf8').split('\n');
  for (const now of [
    lines.slice(0, 1),
    [...lines.slice(0, 2), lines[0]!],
    [lines[0]!.replace('b', 'e'), lines[1]!],
  ]) {
    writeFileSync(data, lines.join('\n'));
    const progress = {
      ...silentProgress,
      update: (_: number, __: number, what: string) => {
        if (what === 'responses') writeFileSync(data, now.join('\n'));
      },
    };
    const options = { ...defaults, data, dtype: 'bf16' as const, tokenBudget: 30 + now.join().length };
    await expect(addColumn(options, { write: () => undefined }, progress)).rejects.toThrow(
      'changed while it was read',
    );
  }
});

it('under a context that is too long is refused with the name of the data', async () => {
  const template = join(root, 'long.jinja');
  writeFileSync(template, '{{ "x" * 3000000 }}');
  const data = written([{ prompt: 'a', completion: 'b' }]);
  const refused = columned({ data, context: template });
  await expect(refused).rejects.toThrow(/rows-[^/]*\.jsonl/);
  await expect(refused).rejects.not.toThrow(/cache/);
});

it('is refused for rows that the model cannot take', async () => {
  const short = writeTinyModel(join(root, 'short'), { max_position_embeddings: 8 });
  await expect(columned({ model: short })).rejects.toThrow(
    /short has 8 positions, and a row has \d+ tokens \(line 3\)/,
  );
});
