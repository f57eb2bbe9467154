import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embedding, model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { createObjective } from '../objectives/index.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { silentProgress } from '../util/progress.js';
import { prepareExamples } from './examples.js';
import { scalarsOf } from './rowChecks.js';
import { scoreFile } from './score.js';

setUpRuns();

const data = (rows: readonly object[]) => writeRows(join(root, `${randomUUID()}.jsonl`), rows);

/** The tokens of a file's rows as fine-tuning or pairs take them. */
async function tokens(rows: readonly object[], objective: 'sft' | 'dpo' = 'sft') {
  const recipe = recipeOf(objective, { data: data(rows) });
  using examples = (await prepareExamples(recipe, createObjective({ name: objective }))).examples;
  return Array.from(examples, ({ parts }) => parts.map(({ role, row }) => ({ role, row })));
}

const demonstration = (sequence: object) => ({ sequences: [{ role: 'demonstration', ...sequence }] });

describe('the tokens of sequences', () => {
  it('are those of the short forms that say the same', async () => {
    const [question] = turns('2+2?', '4');
    const [asMessages, asParts, asText, asTextParts] = await tokens([
      { messages: turns('2+2?', 'it is 4') },
      demonstration({ prompt: [question], response: [{ text: 'it is ' }, { text: '4' }] }),
      { prompt: '2+2', completion: '=4' },
      demonstration({ prompt: '2+2', response: '=4' }),
    ]);
    expect(asParts).toEqual(asMessages);
    expect(asTextParts).toEqual(asText);
  });

  it('keep ids as they are, and end only where they are told to', async () => {
    const { eosTokenId } = ChatTokenizer.load(model);
    const prompt = { ids: [5, 6, 5] };
    const rows = await tokens([
      demonstration({ prompt, response: [{ ids: [9, 9] }] }),
      demonstration({ prompt, response: [{ ids: [9, 9] }], end: true }),
      demonstration({
        prompt,
        response: [{ ids: [9, 9], weights: [2, -0.5], segment: 3 }, { ids: [8] }],
        score_only: [2],
      }),
    ]);
    expect(rows.map(([part]) => [...part!.row.ids])).toEqual([
      [5, 6, 5, 9, 9],
      [5, 6, 5, 9, 9, eosTokenId],
      [5, 6, 5, 9, 9, 8],
    ]);
    expect(rows[2]![0]!.row).toMatchObject({
      responseStart: 3,
      weights: Float64Array.from([2, -0.5, 1]),
      segments: Uint8Array.from([3, 3, 0]),
      scoreOnly: Int32Array.from([2]),
    });
  });

  it.each([
    [{ prompt: { ids: [] }, response: 'a' }, 'the prompt has no tokens'],
    [
      { prompt: 'p', response: [{ text: 'abc', weight: 0 }], end: false },
      'no token of the response is trained',
    ],
    [{ prompt: 'p', response: 'ab', scalars: { a: 'b' } }, '"sequences.0.scalars.a" must be a number'],
    [{ prompt: 'p', response: 'ab', score_only: [3] }, '"score_only" names token 3 of a response that has 3'],
    [{ prompt: { ids: [1] }, response: [{ ids: [4000] }] }, 'has the token id 4000'],
  ])('are refused with file and line: %j', async (sequence, problem) => {
    await expect(tokens([demonstration(sequence)])).rejects.toThrow(
      new RegExp(`jsonl, line 1:? .*${problem.replace(/[()]/g, '.')}`),
    );
  });
});

describe('weights', () => {
  const pair = (chosen: object, rejected: object) => ({
    sequences: [
      { role: 'chosen', ...chosen },
      { role: 'rejected', ...rejected },
    ],
  });
  const context = { text: 'cd', weight: 0 };

  it.each(['sft', 'redi', 'dpo', 'simpo', 'symmetric'])(
    'of 0 make context: %s learns what it learns with the context in the prompt',
    async (objective) => {
      const run = (rows: object[]) => trained(recipeOf(objective, { data: data(rows) }));
      const parts = await run([
        pair(
          { prompt: 'ab', response: [context, { text: 'ef' }] },
          { prompt: 'ab', response: [context, { text: 'g' }] },
        ),
        pair({ prompt: 'x', response: 'yes' }, { prompt: 'x', response: 'no' }),
      ]);
      const prompts = await run([
        { prompt: 'abcd', chosen: 'ef', rejected: 'g' },
        { prompt: 'x', chosen: 'yes', rejected: 'no' },
      ]);
      expect(parts.steps).toHaveLength(prompts.steps.length);
      parts.steps.forEach((step, i) => {
        expect(step.loss).toBeCloseTo(prompts.steps[i]!.loss, 5);
        expect(step.grad_norm).toBeCloseTo(prompts.steps[i]!.grad_norm, 5);
      });
      const [one, other] = [embedding(parts.result.model), embedding(prompts.result.model)];
      other.forEach((value, i) => {
        expect(one[i]).toBeCloseTo(value, 5);
      });
    },
  );

  it('scale what each token counts: Σ w·log p / Σ|w|, tokens that are only scored left out', async () => {
    const row = demonstration({
      prompt: { ids: [5, 6] },
      response: [{ ids: [7, 8, 9, 10], weights: [2, 0.25, -1, 3] }],
      score_only: [3],
    });
    const path = data([row]);
    const score = {
      model,
      data: path,
      dtype: 'f32',
      device: 'cpu',
      layout: 'template',
      tokens: true,
    } as const;
    const [scored] = await scoreFile({ ...score, tokenBudget: 100 }, silentProgress);
    const { logps } = scored as { logps: number[] };
    const { steps } = await trained(recipeOf('sft', { data: path, batch_size: 1, max_steps: 1 }));
    expect(steps[0]!.loss).toBeCloseTo(-(2 * logps[0]! + 0.25 * logps[1]! - logps[2]!) / 3.25, 5);
  });
});

describe('columns', () => {
  const ids = (...values: number[]) => [{ ids: values }];
  const samples = (change: object = {}) => ({
    sequences: [
      { role: 'sample', prompt: { ids: [5, 6] }, response: ids(7, 8, 9), scalars: { reward: 1 } },
      { role: 'sample', prompt: { ids: [5, 6] }, response: ids(10, 11), scalars: { reward: -1 } },
    ].map((sequence, i) => ({
      ...sequence,
      columns: { behaviour: sequence.response[0]!.ids.map((id) => -0.1 * id) },
      ...(i === 1 && change),
    })),
    scalars: { pass_rate: 0.5 },
  });
  const read = async (objective: string, rows: readonly object[]) => {
    const recipe = recipeOf(objective, { data: data(rows) });
    using examples = (await prepareExamples(recipe, createObjective({ name: objective }))).examples;
    return Array.from(examples, ({ parts }) => parts.map(({ role, row }) => ({ role, row })));
  };

  it('come with the tokens, those of the row too; sides of pairs have a reward', async () => {
    const [[first, second]] = (await read('nft', [samples()])) as [
      [...Awaited<ReturnType<typeof read>>[number]],
    ];
    expect(first!.row.scalars).toEqual({ pass_rate: 0.5, reward: 1 });
    expect(second!.row.columns).toEqual({ behaviour: Float64Array.from([-1, -1.1]) });
    const [pair] = await read('unlikelihood', [{ prompt: 'ab', chosen: 'c', rejected: 'd' }]);
    expect(pair!.map(({ role, row }) => [role, scalarsOf(role, row)])).toEqual([
      ['chosen', { reward: 1 }],
      ['rejected', { reward: -1 }],
    ]);
    const [[labelled]] = (await read('unlikelihood', [{ prompt: 'ab', completion: 'c', label: false }])) as [
      [...Awaited<ReturnType<typeof read>>[number]],
    ];
    expect(labelled!.row.scalars).toEqual({ reward: -1 });
  });

  it.each([
    [
      'nft',
      samples({ columns: null }),
      'objective nft needs a column "behaviour" with a number for each of the response\'s 2 tokens, in "columns"',
    ],
    ['nft', samples({ scalars: {} }), 'objective nft needs a number "reward" of each response, in "scalars"'],
    ['nft', { prompt: 'a', completion: 'b', label: true }, 'objective nft needs a number "pass_rate"'],
    ['unlikelihood', { prompt: 'a', completion: 'b' }, 'objective unlikelihood needs a number "reward"'],
    [
      'dpo',
      samples(),
      'compares a chosen with a rejected response, and the sequences of this row are sample, sample',
    ],
    ['sft', { prompt: 'a', completion: 'b', weight: 0 }, '"weight" is 0'],
    ['sft', { prompt: 'a', completion: 'b', weight: 'x' }, '"weight" must be a number'],
  ])(
    'that %s lacks are refused with file and line, also where the tokens are known',
    async (name, row, problem) => {
      const rows = [{ prompt: 'ab', chosen: 'c', rejected: 'd' }, row];
      const path = data(name === 'nft' ? [samples(), row] : rows);
      const prepare = () => prepareExamples(recipeOf(name, { data: path }), createObjective({ name }));
      const expected = new RegExp(`jsonl, line 2:? .*${problem.replace(/[()]/g, '.')}`);
      await expect(prepare()).rejects.toThrow(expected);
      await expect(prepare()).rejects.toThrow(expected);
    },
  );

  it('of token ids come with the tokens, named ones where their segment begins', async () => {
    const { eosTokenId } = ChatTokenizer.load(model);
    const topK = { ids: [[7, 9], [], [3]], logps: [[-0.5, -1], [], [-0.1]] };
    const verdict = { segment: 1, tokens: ['y', 'n'] };
    const rows = [
      demonstration({ prompt: 'p', response: [{ ids: [7, 8] }], end: true, columns: { topK } }),
      demonstration({
        prompt: 'p',
        response: [
          { text: 'abc', weight: 0 },
          { text: 'yn', segment: 1 },
        ],
        ...{ end: false, columns: { verdict } },
      }),
    ];
    const [first, second] = (await tokens(rows)).map(([part]) => part);
    expect(first!.row.ids.at(-1)).toBe(eosTokenId);
    expect(first!.row.topK).toEqual({
      topK: {
        starts: Uint32Array.of(0, 2, 2, 3),
        ids: Int32Array.of(7, 9, 3),
        logps: Float64Array.of(-0.5, -1, -0.1),
      },
    });
    const response = second!.row.ids.slice(second!.row.responseStart);
    expect(second!.row.topK).toEqual({
      verdict: { starts: Uint32Array.of(0, 0, 0, 0, 2, 2), ids: response.slice(3) },
    });
  });

  it.each([
    [{ tokens: ['y', 'no'] }, '"columns.v" names "no", which is 2 tokens of this model; name single ones'],
    [{ tokens: ['y', 'y'] }, '"columns.v" names one token twice'],
    [{ tokens: ['y', 4000] }, 'has the token id 4000'],
  ])('of named tokens are refused with file and line: %j', async (v, problem) => {
    const row = demonstration({ prompt: 'p', response: 'y', columns: { v } });
    await expect(tokens([row])).rejects.toThrow(new RegExp(`jsonl, line 1:? .*${problem}`));
  });

  it("train own samples: nft on its sampler's log-probs has the loss of the equation", async () => {
    const path = data([samples()]);
    const { steps } = await trained(recipeOf('nft', { data: path, batch_size: 1, max_steps: 1 }));
    const [row] = await scored(path);
    const [right, wrong] = (row as { sequences: { logps: number[] }[] }).sequences;
    const ratio = (logps: number[], first: number) =>
      logps.map((logp, t) => Math.exp(logp + 0.1 * (first + t)));
    const up = ratio(right!.logps, 7).map((r) => -Math.log(r));
    const down = ratio(wrong!.logps, 10).map((r) => -Math.log(Math.max(2 - r, 1)));
    const mean = [...up, ...down].reduce((a, b) => a + b, 0) / 5;
    expect(steps[0]!.loss).toBeCloseTo(0.5 * mean, 5);
  });

  it('hold the sign of a row: weight −1 of one row is its gradient turned round', async () => {
    const of = (weight: number) =>
      trained(
        recipeOf('weighted-sft', {
          data: data([{ prompt: 'ab', completion: 'c', weight }]),
          ...{ batch_size: 1, max_steps: 1 },
        }),
      );
    const [up, down] = [await of(1), await of(-1)];
    expect(down.steps[0]!.loss).toBe(-up.steps[0]!.loss);
    expect(down.steps[0]!.grad_norm).toBe(up.steps[0]!.grad_norm);
  });

  it('of kto: the baseline is scored on responses of the next row, under policy and reference', async () => {
    const rows = [
      { prompt: 'ab', completion: 'cd', label: true },
      { prompt: 'xyz', completion: 'e', label: false },
      { prompt: 'pq', completion: 'fgh', label: true },
      { prompt: 'r', completion: 'ij', label: false },
    ];
    const path = data(rows);
    const recipe = recipeOf('kto', { data: path, batch_size: 3, max_steps: 4 });
    using examples = (await prepareExamples(recipe, createObjective({ name: 'kto' }))).examples;
    const crossed = Array.from(examples, ({ parts }) => parts[1]!);
    for (const { role, onlyScored } of crossed) expect([role, onlyScored]).toEqual(['mismatched', true]);
    const [first, second] = Array.from(examples, ({ parts }) => parts[0]!.row);
    expect([...crossed[0]!.row.ids]).toEqual([
      ...first!.ids.subarray(0, first!.responseStart),
      ...second!.ids.subarray(second!.responseStart),
    ]);
    expect([...crossed[3]!.row.ids.subarray(crossed[3]!.row.responseStart)]).toEqual([
      ...first!.ids.subarray(first!.responseStart),
    ]);
    expect(crossed[0]!.length).toBe(crossed[0]!.row.ids.length);
    expect(crossed[0]!.responseLength).toBe(crossed[0]!.length - crossed[0]!.row.responseStart);
    const { steps } = await trained({ ...recipe, proofs: 'on', evaluation: { rows: 1, every: 1 } });
    // The reference is the start: r and z are 0, so the loss is half of each weight.
    expect(steps[0]!.loss).toBeCloseTo(0.5, 6);
    expect(steps[0]!.kl).toBeCloseTo(0, 6);
    expect(steps.at(-1)!.loss).toBeLessThan(0.5);
  });
});

describe('a list of terms', () => {
  const pairs = [
    { prompt: 'ab', chosen: 'cd', rejected: 'e' },
    { prompt: 'x', chosen: 'y', rejected: 'zz' },
  ];
  const keys = { batch_size: 2, max_steps: 3 };

  it('of one is its objective', async () => {
    const path = data(pairs);
    const [one, term] = [
      await trained(recipeOf('dpo', { data: path, ...keys })),
      await trained(recipeOf({ terms: [{ name: 'dpo' }] }, { data: path, proofs: 'on', ...keys })),
    ];
    term.steps.forEach(({ loss, grad_norm: norm }, i) => {
      expect(loss).toBeCloseTo(one.steps[i]!.loss, 6);
      expect(norm).toBeCloseTo(one.steps[i]!.grad_norm, 5);
    });
  });

  it('adds them up: a KL to the reference is 0 at first, and likelihood is that of fine-tuning', async () => {
    const path = data(pairs);
    const terms = [
      { name: 'sft', roles: ['chosen'] },
      { name: 'kl', weight: 0.5 },
    ];
    const { steps } = await trained(recipeOf({ terms }, { data: path, ...keys }));
    const sft = await trained(recipeOf('sft', { data: path, ...keys }));
    expect(steps[0]!['loss/kl']).toBeCloseTo(0, 8);
    expect(steps[0]!.loss).toBeCloseTo(sft.steps[0]!.loss, 6);
    expect(steps[2]!['loss/kl']).toBeGreaterThan(0);
  });
});

/** Scores of a file by the model as it is. */
const scored = (path: string) =>
  scoreFile(
    { model, data: path, dtype: 'f32', device: 'cpu', layout: 'template', tokens: true, tokenBudget: 100 },
    silentProgress,
  );
