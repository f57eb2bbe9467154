import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { engineOf, gradientsOf, madeUpRows, worstOf } from '../../test/support/engines.js';
import { model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { writeRows } from '../../test/support/tinyModel.js';
import { loadModel } from '../models/checkpoint.js';
import { packSequences } from '../models/pack.js';
import { createObjective, topKOf } from '../objectives/index.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { prepareExamples } from './examples.js';
import type { TrainSequence } from './sequences.js';
import { runStep } from './step.js';

setUpRuns();

const { exp, log } = Math;
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

const prompt = [5, 6, 9];
const responses = [
  [7, 8, 9, 10, 11],
  [12, 13],
  [20, 21, 22],
];
/** What the model has in the place of each token of a response, over the whole vocabulary. */
function distributions(response: readonly number[]): number[][] {
  using loaded = loadModel(model, { dtype: 'f32' }).model;
  return scope(() =>
    noGrad(() => {
      const pack = packSequences(loaded, [Int32Array.from([...prompt, ...response])]);
      const logits = ops.linear(loaded.finalNorm(loaded.stream(pack.ids, pack.context)), loaded.head);
      const all = toFloat64Array(logits);
      const vocab = logits.size(1);
      return response.map((_, t) => {
        const row = all.subarray((prompt.length - 1 + t) * vocab, (prompt.length + t) * vocab);
        const largest = Math.max(...row);
        const sum = row.reduce((a, logit) => a + exp(logit - largest), 0);
        return Array.from(row, (logit) => exp(logit - largest) / sum);
      });
    }),
  );
}
/** Three tokens of a teacher that nobody has, most of its probability. */
const teacher = (response: number, t: number) => ({
  ids: [3 + t, 40 + response, 60 + 2 * t],
  p: [0.5, 0.2 + 0.05 * t, 0.03 * (1 + response)],
});
const rows = responses.map((ids, r) => {
  const lists = ids.map((_, t) => teacher(r, t));
  return {
    sequences: [
      {
        ...{
          role: 'sample',
          prompt: { ids: prompt },
          response: [{ ids }],
          scalars: { reward: r === 1 ? -1 : 1 },
        },
        columns: {
          teacher_topk: { ids: lists.map((of) => of.ids), logps: lists.map(({ p }) => p.map(log)) },
          verdict: { tokens: [30, 31], logps: [-1, -2] },
        },
      },
    ],
  };
});
const data = (given: readonly object[] = rows) => writeRows(join(root, `${randomUUID()}.jsonl`), given);
const keys = { batch_size: 3, max_steps: 3, proofs: 'on' };

describe('training on columns of token ids', () => {
  const KL = (p: number[], q: number[]) => total(p.map((x, i) => x * log(x / q[i]!)));
  const temper = (p: number[], T: number) => {
    const powers = p.map((x) => x ** (1 / T));
    return powers.map((x) => x / total(powers));
  };
  /** The mean over all tokens of a divergence of three tokens and the rest. */
  const brute = (value: (p: number[], q: number[]) => number) => {
    const values = responses.flatMap((response, r) =>
      distributions(response).map((q, t) => {
        const { ids, p } = teacher(r, t);
        const own = ids.map((id) => q[id]!);
        return value([...p, 1 - total(p)], [...own, 1 - total(own)]);
      }),
    );
    return total(values) / values.length;
  };

  it.each([
    [{ name: 'gkd' }, KL],
    [{ name: 'gkd', beta: 1 }, (p: number[], q: number[]) => KL(q, p)],
    [{ name: 'ssb' }, (p: number[], q: number[]) => KL(temper(p, 2), temper(q, 2))],
  ])('has the loss of the whole softmax and lowers it: %j', async (objective, value) => {
    const evaluation = { data: data(), every: 1 };
    const { steps, events } = await trained(recipeOf(objective, { data: data(), evaluation, ...keys }));
    expect(steps[0]!.loss).toBeCloseTo(brute(value), 5);
    expect(steps[2]!.loss).toBeLessThan(steps[0]!.loss);
    // What is measured after a step is what the next one begins with: the rows are the same.
    const measured = events.flatMap((event) => (event.kind === 'measured' ? [event] : []));
    const losses = measured.filter(({ step }) => step === 1).map(({ metrics }) => metrics.eval_loss!);
    expect(losses).toEqual([expect.closeTo(steps[1]!.loss, 5)]);
  });

  it('has the likelihood of verdicts after right and wrong responses', async () => {
    const { steps } = await trained(recipeOf('epicar', { data: data(), ...keys }));
    const values = responses.map((response, r) => -log(distributions(response)[0]![r === 1 ? 31 : 30]!));
    expect(steps[0]!.loss).toBeCloseTo(total(values) / 3, 5);
    expect(steps[2]!.loss).toBeLessThan(steps[0]!.loss);
    const named = await trained(recipeOf('revise', { data: data(rows.map(onlyVerdict)), ...keys }));
    expect(named.steps[2]!.loss).toBeLessThan(named.steps[0]!.loss);
  });

  it('does not depend on packs: terms that couple rows are read first and go forward again', async () => {
    const objective = {
      terms: [
        { name: 'gkd', weight: 0.5 },
        { name: 'asymre' },
        { name: 'glow', weight: 0.1 },
        { name: 'epicar' },
      ],
    };
    const run = (budget: number) =>
      trained(recipeOf(objective, { data: data(), ...keys, proofs: 'off', token_budget: budget }));
    const [one, many] = [await run(1000), await run(8)];
    one.steps.forEach(({ loss, grad_norm: norm }, i) => {
      expect(many.steps[i]!.loss).toBeCloseTo(loss, 5);
      expect(many.steps[i]!.grad_norm).toBeCloseTo(norm, 4);
    });
  });

  it('gives each term the rows of its role, of which others have no such column', async () => {
    const {
      sequences: [sample],
    } = rows[0]!;
    const { teacher_topk, verdict } = sample!.columns;
    const one = (role: string, columns: object) => ({ sequences: [{ ...sample!, role, columns }] });
    const path = data([one('sample', { teacher_topk }), one('answer', { verdict })]);
    const terms = [
      { name: 'gkd', roles: ['sample'] },
      { name: 'epicar', roles: ['answer'], weight: 2 },
    ];
    const { steps } = await trained(
      recipeOf({ terms }, { data: path, ...keys, batch_size: 2, proofs: 'off' }),
    );
    const distribution = distributions(responses[0]!);
    const divergences = distribution.map((q, t) => {
      const { ids, p } = teacher(0, t);
      const own = ids.map((id) => q[id]!);
      return KL([...p, 1 - total(p)], [...own, 1 - total(own)]);
    });
    const expected = total(divergences) / divergences.length - 2 * log(distribution[0]![30]!);
    expect(steps[0]!.loss).toBeCloseTo(expected, 5);
    expect(steps[2]!.loss).toBeLessThan(steps[0]!.loss);
  });

  const lacking = (columns: object) => [
    rows[0]!,
    {
      sequences: [
        {
          role: 'sample',
          prompt: { ids: prompt },
          response: [{ ids: [7, 8] }],
          scalars: { reward: 1 },
          columns,
        },
      ],
    },
  ];
  it.each<[string, object, string]>([
    [
      'gkd',
      {},
      'objective gkd needs a column "teacher_topk" with token ids and their log-probs, {"ids", "logps"}, in "columns"',
    ],
    [
      'ssb',
      { teacher_topk: { ids: [[7], []], logps: [[-1], []] } },
      'objective ssb needs ids in "teacher_topk" for every token that is trained, and token 1 of the response, counted from 0, has none',
    ],
    [
      'epicar',
      {},
      'objective epicar needs a column "verdict" that names tokens, {"segment", "tokens"}, in "columns"',
    ],
    [
      'revise',
      { verdict: { tokens: [7, 8] } },
      'objective revise needs log-probs of the tokens that "verdict" names, in its "logps"',
    ],
    ['gkd', { teacher_topk: { ids: [[7], [4000]], logps: [[-1], [-1]] } }, 'has the token id 4000'],
  ])('refuses rows that %s cannot use, with file and line: %j', async (name, columns, problem) => {
    const given = lacking(columns);
    const path = data(name === 'revise' ? [onlyVerdict(rows[0]!), given[1]!] : given);
    const prepare = () => prepareExamples(recipeOf(name, { data: path }), createObjective({ name }));
    const expected = new RegExp(`jsonl, line 2:? .*${problem.replace(/[()]/g, '.')}`);
    await expect(prepare()).rejects.toThrow(expected);
    await expect(prepare()).rejects.toThrow(expected);
  });
});

/** The same, with a single token that is trained: the one at which the verdict is read. */
function onlyVerdict({ sequences: [side] }: (typeof rows)[number]) {
  const ids = side!.response[0]!.ids;
  return {
    sequences: [{ ...side!, response: [{ ids, weights: ids.map((_, t) => (t === 0 ? 1 : 0)) }] }],
  };
}

describe('the gradient of the weights', () => {
  it('of one certain token, the trained one, is that of fine-tuning, however the step is packed', () => {
    using engine = engineOf('llama', 'f64');
    const given = madeUpRows([19, 31, 7, 12]);
    const sequences = given.map((row, i): TrainSequence => {
      const response = row.ids.subarray(row.responseStart);
      const certain = topKOf(
        Array.from(response, (id) => [id]),
        Array.from(response, () => [0]),
      );
      const topK = { teacher_topk: certain };
      return {
        role: 'sample',
        group: i,
        id: `row/${i}`,
        length: response.length,
        row: { ...row, topK },
        topK,
      };
    });
    const run = (objective: ReturnType<typeof createObjective>, budget: number) => {
      engine.weights.zeroGrads();
      const { loss } = runStep(engine, objective, sequences, budget);
      return { loss, gradients: gradientsOf(engine) };
    };
    const before = liveTensors();
    const hard = run(createObjective({ name: 'weighted-sft' }), 1000);
    const gkd = createObjective({ name: 'gkd' });
    for (const soft of [run(gkd, 1000), run(gkd, 20), run({ ...gkd, couples: 'step' }, 20)]) {
      expect(soft.loss).toBeCloseTo(hard.loss, 12);
      expect(worstOf(soft.gradients, hard.gradients)).toBeLessThan(1e-12);
    }
    expect(liveTensors()).toBe(before);
  });
});
