/** The examples of docs/training.md, section "Papers whose loss is rows and terms", against their losses by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { openObjective } from '../objectives/index.js';
import { prepareExamples } from './examples.js';
import { sequencesOf } from './sequences.js';
import { evaluateSequences } from './step.js';

setUpRuns();

const { exp, log, max, min } = Math;
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
const mean = (values: ArrayLike<number>) => total(Array.from(values)) / values.length;
const sigmoid = (x: number) => 1 / (1 + exp(-x));

const page = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('\n## Papers whose loss is rows and terms\n'));

/** An objective as a recipe has it. */
type Setting = object[] | { name: string } | string;

/** The objective and the rows of a paper's example. */
function exampleOf(paper: string): { objective: Setting; rows: string } {
  const [, text] = new RegExp(`\n### ${paper}\n([^]*?)\n##`).exec(section)!;
  const block = (language: string) => new RegExp(`\n\`\`\`${language}\n([^]*?)\n\`\`\``).exec(text!)![1]!;
  const { objective } = parse(block('yaml')) as { objective: Setting };
  return { objective, rows: block('json').replaceAll(/\n(?!\{"sequences")\s*/g, ' ') };
}

/** The loss of the rows as one step, and the log-probs of each response's tokens. */
async function found(paper: string, given?: object[]): Promise<{ loss: number; logps: number[][] }> {
  const { objective: written, rows } = exampleOf(paper);
  const data = join(root, `${paper}.jsonl`);
  writeFileSync(data, `${rows}\n`);
  const setting = given ?? written;
  const recipe = recipeOf(Array.isArray(setting) ? { terms: setting } : setting, {
    ...{ data, batch_size: rows.split('\n').length, max_steps: 3 },
  });
  const objective = await openObjective(recipe.objective);
  const { examples } = await prepareExamples(recipe, objective);
  using files = examples;
  const sequences = Array.from(files, (example, group) => sequencesOf(example, group)).flat();
  using loaded = loadModel(model, { dtype: 'f32' }).model;
  using scorer = new Scorer(loaded);
  const logps = scorer.score(sequences.map(({ row }) => row));
  const { loss } = evaluateSequences(objective, sequences, logps);
  const { steps } = await trained(recipe);
  expect(steps[0]!.loss).toBeCloseTo(loss, 5);
  expect(steps[2]!.loss).toBeLessThan(loss);
  return { loss, logps: logps.map((row) => [...row]) };
}

describe('the examples of papers', () => {
  it('InT: prefix and intervention, without an end', async () => {
    const { loss, logps } = await found('InT');
    const [prefix, fix] = ['2+4=6. ', 'So 3*6=18.'];
    expect(logps.map((row) => row.length)).toEqual([prefix.length + fix.length]); // a token a character
    expect(loss).toBeCloseTo(-mean(logps[0]!), 12);
    const alone = await found('InT', [{ name: 'sft', segments: [1] }]);
    expect(alone.loss).toBeCloseTo(-mean(logps[0]!.slice(prefix.length)), 12);
  });

  it('PODA: each context learns its rationale, and arguments are compared', async () => {
    const { loss, logps } = await found('PODA');
    const premises = ['Tall. ', 'Short. ', 'Short. ', 'Tall. '];
    const M = (i: number) => mean(logps[i]!);
    const argument = (i: number) => mean(logps[i]!.slice(premises[i]!.length));
    const contrast = (w: number, l: number) => -log(sigmoid(2 * (argument(w) - argument(l)) - 1));
    expect(loss).toBeCloseTo((-M(0) - M(2) + contrast(0, 1) + contrast(2, 3)) / 2, 12);
  });

  it('CURE: samples whole, branches behind the cut; critical tokens alone, or tokens by their entropy', async () => {
    const entropies = [0.1, 2.3, 0.4, 1.2, 2.3, 0.2];
    const byHand = (logps: number[][], weights: number[]) => {
      const [behaviour, advantages] = [
        [-4, -5, -6, -5, -5, -4.5],
        [-1, -1, -1, -1, 1, 1],
      ];
      const losses = logps.flat().map((logp, t) => {
        const ratio = exp(logp - behaviour[t]!);
        return -min(ratio * advantages[t]!, min(max(ratio, 0.8), 1.28) * advantages[t]!);
      });
      return total(losses.map((loss, t) => weights[t]! * loss)) / total(weights);
    };
    const whole = await found('CURE');
    expect(whole.loss).toBeCloseTo(byHand(whole.logps, [1, 1, 1, 1, 1, 1]), 12);
    const grpo = { name: 'grpo', high: 0.28, by: 'entropy' };
    const weighed = await found('CURE', [grpo]);
    expect(weighed.loss).toBeCloseTo(byHand(weighed.logps, entropies), 12);
    // Two of the sample's four, both of the branch's two.
    const critical = await found('CURE', [{ ...grpo, highest: 2 }]);
    expect(critical.loss).toBeCloseTo(byHand(critical.logps, [0, 1, 0, 1, 1, 1]), 12);
  });

  it('QCRD: the easiest right rationale, a wrong one up to the margin, and the answer', async () => {
    const { loss, logps } = await found('QCRD');
    const [one, other, wrong, answer] = logps.map(mean);
    const contrast = min(-one!, -other!) + 0.2 * max(0, 3 + wrong!);
    expect(loss).toBeCloseTo(0.5 * contrast - 0.5 * answer!, 12);
    // An untrained model is beyond the margin of 3 everywhere.
    const near = await found('QCRD', [{ name: 'qcrd', delta: 7, roles: ['sample'] }]);
    expect(7 + wrong!).toBeGreaterThan(0);
    expect(near.loss).toBeCloseTo(min(-one!, -other!) + 0.2 * (7 + wrong!), 12);
  });
});

describe('what a term sees', () => {
  const said = (role: string, ids: number[], segment = 0) => {
    return {
      role,
      prompt: { ids: [5, 6] },
      response: [{ ids, segment }],
      columns: { by: ids.map(() => segment) },
    };
  };
  const rows = (...sequences: object[]) => {
    const data = join(root, `seen-${Math.random()}.jsonl`);
    const whole = [said('chosen', [7, 8], 1), said('rejected', [9, 10, 11], 1)];
    writeFileSync(data, [whole, sequences].map((row) => `${JSON.stringify({ sequences: row })}\n`).join(''));
    return data;
  };
  const refused = async (data: string, ...terms: object[]) => {
    const recipe = recipeOf({ terms: terms.map((term) => ({ weight: 1, ...term })) }, { data });
    return expect(prepareExamples(recipe, await openObjective(recipe.objective))).rejects;
  };

  it.each([
    ['segments', { segments: [1] }],
    ['weights by a column', { by: 'by' }],
  ])('is both sides of every pair, also by %s', async (_, part) => {
    const data = rows(said('chosen', [7], 1), said('rejected', [9], 0));
    for (const name of ['redi', 'simpo', 'orpo'])
      await (
        await refused(data, { name: 'sft' }, { name, ...part })
      ).toThrow(
        /seen-.*\.jsonl, line 2: the term 1·\[.* compares both sides of a pair, and of this row it sees chosen/,
      );
  });

  it('is something, in some row', async () => {
    const data = rows(said('chosen', [7], 0), said('rejected', [9], 0));
    for (const part of [{ roles: ['chose'] }, { segments: [4] }])
      await (
        await refused(data, { name: 'redi' }, { name: 'weighted-sft', ...part })
      ).toThrow(
        /seen-.*\.jsonl: the term 1·\[.* sees nothing of any row; there are the roles chosen, rejected/,
      );
  });

  it('is learned by fine-tuning, also where it is the rejected side', async () => {
    const data = rows(said('chosen', [7], 0), said('rejected', [9], 0));
    const lossOf = async (name: string) => {
      const terms = [{ name, weight: -0.5, roles: ['rejected'] }];
      return (await trained(recipeOf({ terms }, { data, max_steps: 1 }))).steps[0]!.loss;
    };
    const loss = await lossOf('sft');
    expect(loss).toBeLessThan(-1);
    expect(loss).toBe(await lossOf('weighted-sft'));
  });
});
