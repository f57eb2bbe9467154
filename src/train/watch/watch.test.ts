import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { stepsOfEvents } from '../../../test/support/events.js';
import { contents, readRows, turns, writeRows } from '../../../test/support/tinyModel.js';
import {
  attempt,
  linesOf,
  pairs,
  recipeOf,
  root,
  setUpRuns,
  sides,
  stopped,
  trained,
} from '../../../test/support/trainingRuns.js';
import { passAt1 } from '../../statistics/estimators.js';
import { openGenerator } from '../../generate/open.js';
import { createObjective } from '../../objectives/index.js';
import { TokenFile } from '../../text/tokenFile.js';
import { encodePrompt } from '../../text/tokenRows.js';
import { UserError } from '../../util/errors.js';
import { verify } from '../../verify/verify.js';
import { prepareExamples } from '../examples.js';
import { scoreFile } from '../score.js';
import { silentProgress } from '../../util/progress.js';
import { divideRows } from './heldOut.js';

setUpRuns();

type Line = Record<string, number>;
const measuredIn = (out: string): Line[] =>
  (readRows(join(out, 'metrics.jsonl')) as Line[]).filter((line) => !('learning_rate' in line));
const constant = { schedule: { warmup_ratio: 0, decay: 'constant' } };

describe('held-out rows', () => {
  it.each(['sft', 'redi', 'dpo', 'simpo'])(
    'give %s what a step on them would: loss, rewards and log-probs before the first and after every second step',
    async (objective) => {
      const data = objective === 'sft' ? join(root, 'messages.jsonl') : pairs;
      const keys = { batch_size: 5, max_steps: 3, evaluation: { data, every: 2 } };
      const { recipe, steps } = await trained(recipeOf(objective, keys));
      const measured = measuredIn(recipe.out);
      expect(measured.map(({ step }) => step)).toEqual([0, 2, 3]);
      // Steps 1 and 3 see all rows under the weights of before.
      for (const [line, step] of [
        [measured[0]!, steps[0]!],
        [measured[1]!, steps[2]!],
      ] as const) {
        const names = Object.keys(line).filter((name) => !['step', 'eval_entropy'].includes(name));
        expect(names).toContain('eval_loss');
        if (objective !== 'sft')
          for (const name of ['rewards/chosen', 'rewards/margins', 'logps/chosen', 'logps/rejected'])
            expect(names).toContain(`eval_${name}`);
        for (const name of names)
          expect(Math.abs(line[name]! - step[name.slice('eval_'.length)]!), name).toBeLessThan(1e-5);
      }
    },
  );

  it('are scored as `score` scores them, and their entropy is that of the model', async () => {
    const { recipe, result } = await trained(recipeOf('redi', { evaluation: { data: pairs, every: 3 } }));
    const options = {
      model: result.model,
      data: pairs,
      dtype: 'f32',
      device: 'cpu',
      layout: 'template',
    } as const;
    const scores = await scoreFile({ ...options, tokens: false, tokenBudget: 1000 }, silentProgress);
    const chosen = scores.map((score) => ('chosen' in score ? score.chosen.mean : NaN));
    const last = measuredIn(recipe.out).at(-1)!;
    expect(last.eval_logps_chosen_per_token ?? last['eval_logps/chosen_per_token']).toBeCloseTo(
      chosen.reduce((a, b) => a + b, 0) / chosen.length,
      4,
    );
    expect(last.eval_entropy).toBeGreaterThan(0);
    expect(last.eval_entropy).toBeLessThan(Math.log(128)); // that of a uniform choice
  });

  it('drawn from the data are whole prompts, which are not trained on', async () => {
    const rows = ['2+2?', '3+3?', '4+4?', '5+5?'].flatMap((question) =>
      ['1', '2', '3'].map((answer) => ({ messages: turns(question, answer) })),
    );
    const data = writeRows(join(root, 'prompts.jsonl'), rows);
    const recipe = recipeOf('sft', { data, evaluation: { rows: 4, every: 1 } });
    using all = (await prepareExamples(recipe, createObjective({ name: 'sft' }))).examples;
    const lines = (examples: Iterable<{ line: number }>) => Array.from(examples, ({ line }) => line);
    const read = vi.spyOn(TokenFile.prototype, 'read');
    const { trained: kept, heldOut } = divideRows(all, 4, recipe);
    expect(read).not.toHaveBeenCalled(); // of a large file it would take longer than all else
    read.mockRestore();
    expect([kept.length, heldOut.length]).toEqual([6, 6]);
    const questions = (found: number[]) => new Set(found.map((line) => Math.floor((line - 1) / 3)));
    for (const question of questions(lines(heldOut)))
      expect(questions(lines(kept)).has(question)).toBe(false);
    expect([...lines(kept), ...lines(heldOut)].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i + 1));
    expect(lines(divideRows(all, 4, { ...recipe, seed: 1 }).heldOut)).not.toEqual(lines(heldOut));
    const run = await trained(recipe);
    expect(run.events.find((event) => event.kind === 'data')).toMatchObject({ rows: 6 });
    const { error } = await attempt({ ...recipe, evaluation: { rows: 10, every: 1 } });
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain('12 rows with 4 different prompts, and evaluation.rows 10 leave none');
  });
});

/** Problems of which a trained tiny model knows some. */
const problems = () =>
  writeRows(
    join(root, 'problems.jsonl'),
    sides.slice(0, 4).map(([problem, chosen], i) => ({ problem, answer: i === 3 ? '7' : chosen })),
  );

describe('sampled accuracy', () => {
  it('is that of the saved model, graded by the verifier', async () => {
    const development = { data: problems(), every: 30, sampling: { max_tokens: 12 } };
    const optimizer = { lr: 1e-2 };
    const keys = { batch_size: 5, max_steps: 60, optimizer, ...constant, development };
    const { recipe, result } = await trained(recipeOf('sft', keys));
    const measured = measuredIn(recipe.out);
    expect(measured.map(({ step }) => step)).toEqual([0, 30, 60]);
    using opened = openGenerator(result.model, { dtype: 'f32', device: 'cpu' });
    const prompts = await Promise.all(
      sides.slice(0, 4).map(async ([content]) => ({
        ids: await encodePrompt(opened.tokenizer, [{ role: 'user', content }]),
      })),
    );
    const responses = await opened.generator.generate(prompts, { maxNewTokens: 12 });
    const golds = sides.slice(0, 4).map(([, chosen], i) => (i === 3 ? '7' : chosen));
    const results = responses.map(({ text }, i) => ({
      id: String(i),
      samples: 1,
      correct: Number(verify({ gold: golds[i]!, pred: text, preset: 'mathVerify' }).correct),
    }));
    const { mean, standardError } = passAt1(results);
    expect(mean).toBeGreaterThan(0); // it has learned them by heart
    expect(mean).toBeLessThan(1);
    const last = measured.at(-1)!;
    expect(last.eval_accuracy).toBe(mean);
    expect(last.eval_accuracy_stderr).toBeCloseTo(standardError, 12);
    const lengths = responses.map(({ ids }) => ids.length);
    expect(last['eval_completions/mean_length']).toBe(lengths.reduce((a, b) => a + b) / 4);
    expect(measured[0]!.eval_accuracy).toBe(0);
  });

  it('refuses a problem without an answer by its line', async () => {
    const data = writeRows(join(root, 'bad.jsonl'), [{ problem: '1+1', answer: '2' }, { problem: '2+2' }]);
    const { error, recipe } = await attempt(recipeOf('sft', { development: { data } }));
    expect(String(error)).toContain(`${data}, line 2: the field "answer" is missing`);
    expect(existsSync(recipe.out)).toBe(false);
  });
});

/** Everything at once, which a resumed run has to see as if nothing had happened. */
const everything = () => ({
  ...{ token_budget: 1, max_steps: 6, batch_size: 2, ...constant, tensorboard: false },
  evaluation: { rows: 1, every: 2 },
  development: { data: problems(), every: 3, sampling: { max_tokens: 6, temperature: 1 } },
  best: { metric: 'eval_loss' },
  sentinel: { act: 'rollback', every: 2 },
  save: { every: 2, states: 2 },
});
const lastingFiles = (out: string) =>
  Object.fromEntries(
    Object.entries(contents(out)).filter(([name]) => !/^(speed\.jsonl|recipe\.yaml)$/.test(name)),
  );

describe('a watched run', () => {
  const objective = 'dpo';

  it('that is stopped anywhere and gone on with is the undisturbed one, to the last byte', async () => {
    let asked = 0;
    const whole = await attempt(recipeOf(objective, everything()), () => (asked++, false));
    expect(whole.error).toBeUndefined();
    const expected = lastingFiles(whole.recipe.out);
    expect(measuredIn(whole.recipe.out).map(({ step }) => step)).toEqual([0, 2, 3, 4, 6]);
    expect(Object.keys(expected)).toEqual(expect.arrayContaining(['best.json', 'sentinel.json']));
    // While the reference is scored nothing has begun.
    for (let at = 12; at < asked; at += Math.ceil(asked / 8)) {
      const recipe = recipeOf(objective, everything());
      const first = await attempt(recipe, (before) => before === at);
      expect(first.error).toBe(stopped);
      const isBegun = existsSync(join(recipe.out, 'states'));
      const second = await trained(recipe, isBegun ? {} : undefined);
      if (isBegun) expect(linesOf([...first.steps, ...second.steps])).toEqual(linesOf(whole.steps));
      expect(lastingFiles(recipe.out), `stopped when asked ${at} times`).toEqual(expected);
    }
  });
});

it('has every measurement once in the event files, after a stop too', async () => {
  const keys = { token_budget: 1, max_steps: 5, save: { every: 2 }, tensorboard: true, ...constant };
  const recipe = recipeOf('sft', { ...keys, evaluation: { rows: 1, every: 1 } });
  expect((await attempt(recipe, (asked) => asked === 13)).error).toBe(stopped);
  await trained(recipe, {});
  // A step is an event, and so is what was measured after it.
  expect(stepsOfEvents(recipe.out)).toEqual([0, ...[1, 2, 3, 4, 5].flatMap((step) => [step, step])]);
});

describe('the best weights', () => {
  it('are those of the step, and the run ends when nothing better comes', async () => {
    // Answers that the rows do not have get less likely as these get likelier.
    const data = writeRows(join(root, 'others.jsonl'), [{ messages: turns('2+2?', 'zzz zzz zzz') }]);
    const optimizer = { lr: 3e-3 };
    const keys = { batch_size: 5, max_steps: 40, optimizer, ...constant };
    const best = { metric: 'eval_loss', patience: 2 };
    const { recipe, result, steps } = await trained(
      recipeOf('sft', { ...keys, evaluation: { data, every: 1 }, best, save: { states: 1 } }),
    );
    const losses = measuredIn(recipe.out).map(({ eval_loss }) => eval_loss!);
    const least = losses.indexOf(Math.min(...losses));
    expect(steps).toHaveLength(least + 2);
    expect(result.steps).toBe(least + 2);
    expect(result.model).toBe(join(recipe.out, 'best'));
    expect(JSON.parse(readFileSync(join(recipe.out, 'best.json'), 'utf8'))).toEqual({
      metric: 'eval_loss',
      value: losses[least],
      step: least,
    });
    const upTo = async (max_steps: number) =>
      contents((await trained(recipeOf('sft', { ...keys, max_steps }))).result.model);
    expect(contents(join(recipe.out, 'model'))).toEqual(await upTo(least + 2));
    if (least > 0) expect(contents(result.model)).toEqual(await upTo(least));
    // It is done, whatever its last state says, and going on changes nothing.
    const before = lastingFiles(recipe.out);
    await trained(recipe, {});
    expect(lastingFiles(recipe.out)).toEqual(before);
    await trained(recipe);
  });

  it('need a metric that there is', async () => {
    const evaluation = { data: pairs, every: 1 };
    const { error, steps } = await attempt(
      recipeOf('redi', { evaluation, best: { metric: 'eval_accuracy' } }),
    );
    expect(steps).toEqual([]);
    expect(String(error)).toContain('best.metric: eval_accuracy is not measured in this run');
    expect(() => recipeOf('redi', { best: { metric: 'eval_loss' } })).toThrow(
      'needs "evaluation" or "development"',
    );
  });
});

describe('steps that are not finite', () => {
  const row = (ids: number[]) => ({
    sequences: [{ role: 'demonstration', prompt: { ids: [5, 6] }, response: [{ ids }] }],
  });
  const [good, bad] = [row([7, 8, 9]), row([7, 9])];
  /** An objective whose gradient is beyond what float32 holds where a response has two tokens. */
  const keys = () => {
    const module = join(root, 'overflows.mjs');
    writeFileSync(
      module,
      `export const objective = { create: () => ({
        name: 'overflows', formula: 'f', data: 'messages', needs: {},
        evaluate: ({ logps }) => ({
          loss: 1, metrics: {}, gradient: logps.map((row) => row.map(() => (row.length === 2 ? -1e200 : -1))),
        }),
        reward: () => 0,
      }) };`,
    );
    const objective = { module } as object as { name: string };
    return { objective, batch_size: 1, ...constant, token_budget: 1, doctor: 'off' };
  };

  it('leave weights and moments as they are, also when the run is resumed', async () => {
    const data = writeRows(join(root, 'bad-row.jsonl'), [bad, good]);
    const onlyGood = writeRows(join(root, 'good-row.jsonl'), [good]);
    const { objective, ...others } = keys();
    const alone = await trained(recipeOf(objective, { ...others, data: onlyGood, max_steps: 1 }));
    const places = new Set<number>();
    for (const seed of [0, 1, 2, 3, 4, 5]) {
      const recipe = recipeOf(objective, { ...others, data, seed, max_steps: 2 });
      const run = await trained(recipe);
      expect(run.steps.at(-1)!.skipped_steps).toBe(1);
      const place = run.steps.findIndex(({ skipped_steps }) => skipped_steps === 1);
      places.add(place);
      expect(run.steps[place]!.grad_norm).not.toSatisfy(Number.isFinite);
      expect(contents(run.result.model)).toEqual(contents(alone.result.model));
      expect(run.events).toContainEqual({
        kind: 'notice',
        sentence: `step ${place + 1} was skipped: the loss is 1 and the gradient norm ${run.steps[place]!.grad_norm}`,
      });
      const again = recipeOf(objective, { ...others, data, seed, max_steps: 2 });
      expect((await attempt(again, (asked) => asked === 1)).error).toBe(stopped);
      await trained(again, {});
      expect(contents(join(again.out, 'model'))).toEqual(contents(alone.result.model));
      const metrics = (out: string) => readFileSync(join(out, 'metrics.jsonl'), 'utf8');
      expect(metrics(again.out)).toBe(metrics(recipe.out));
      expect(metrics(recipe.out)).toContain('"grad_norm":null');
    }
    expect(places).toEqual(new Set([0, 1]));
  });

  it('end the run where it has no other', async () => {
    const data = writeRows(join(root, 'bad-rows.jsonl'), [bad]);
    const { objective, ...others } = keys();
    const { error, recipe } = await attempt(recipeOf(objective, { ...others, data, max_steps: 2 }));
    // Not wrong usage: the command ends with 1.
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(UserError);
    expect(String(error)).toContain('2 steps in a row were skipped for that');
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });

  it('leave a state to go on from, which is tried again, or with other data three times more', async () => {
    const { objective, ...others } = keys();
    const data = join(root, 'turning.jsonl');
    writeRows(data, [good]);
    const settings = { ...others, data, max_steps: 8, save: { states: 1 } };
    const first = recipeOf(objective, settings);
    // Steps 1 and 2 are good. The data of the others are another file's, of a run that was stopped there.
    const { error: reason } = await attempt(first, (asked) => asked === 2);
    expect(reason).toBe(stopped);
    const weights = contents(
      (await trained(recipeOf(objective, { ...settings, max_steps: 2 }))).result.model,
    );
    writeRows(data, [bad]);
    const ended = await attempt(first, undefined, { allowChanges: true });
    const state = join(first.out, 'states', 'step-4');
    expect(readdirSync(join(first.out, 'states'))).toEqual(['step-4']);
    expect(ended.steps.map(({ skipped_steps }) => skipped_steps)).toEqual([1, 2]);
    expect(String(ended.error)).toMatch(/^Error: step 5: .*; 3 steps in a row were skipped for that/);
    expect(String(ended.error)).toContain(
      `\`redistill train --resume ${first.out} --allow-changes --set optimizer.lr=…\` goes on from ${state}, whose weights are finite`,
    );
    // Under the same settings the step is the same.
    const again = await attempt(first, undefined, {});
    expect(again.steps).toEqual([]);
    expect(String(again.error)).toBe(String(ended.error));
    const more = await attempt(first, undefined, { allowChanges: true });
    expect(more.steps.map(({ skipped_steps }) => skipped_steps)).toEqual([3, 4]);
    expect(String(more.error)).toContain('step 7: ');
    writeRows(data, [good]);
    const on = await trained({ ...first, max_steps: 6 }, { allowChanges: true });
    expect(on.steps).toEqual([]);
    expect(contents(on.result.model)).toEqual(weights);
    expect((await trained({ ...first, max_steps: 7 }, { allowChanges: true })).steps).toMatchObject([
      { step: 7, skipped_steps: 4 },
    ]);
  });
});
