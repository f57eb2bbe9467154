import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, readRows, writeRows } from '../../../test/support/tinyModel.js';
import {
  attempt,
  recipeOf,
  root,
  setUpRuns,
  stopped,
  trained,
  type Run,
} from '../../../test/support/trainingRuns.js';
import { UserError } from '../../util/errors.js';
import type { Sighting } from './state.js';

setUpRuns();

/** A linear objective: dLoss/dlogp of a chosen and a rejected response as a whole; above 0 it makes them less likely. */
function pull(chosen: number, rejected: number): { name: string } {
  const module = join(root, `pull-${chosen}-${rejected}.mjs`);
  const objectives = new URL('../../objectives/index.ts', import.meta.url).href;
  writeFileSync(
    module,
    `import { defineObjective, linearObjective } from ${JSON.stringify(objectives)};
    const coefficient = ({ role, length }, { pairs }) => (role === 'chosen' ? ${chosen} : ${rejected}) / length / pairs;
    export const objective = defineObjective('pull', {}, () =>
      linearObjective({ name: 'pull', formula: 'f', data: 'pairs' }, coefficient));`,
  );
  return { module } as object as { name: string };
}

const keys = {
  ...{ batch_size: 5, max_steps: 24, optimizer: { lr: 3e-4 } },
  schedule: { warmup_ratio: 0, decay: 'constant' },
};
/** Runs that are made to show what their name says. */
const runs = {
  healthy: pull.bind(undefined, -1, 0.8),
  'benign decline': pull.bind(undefined, 0.1, 1),
  collapse: pull.bind(undefined, 1, 1),
};
const sightingsIn = (out: string) =>
  JSON.parse(readFileSync(join(out, 'sentinel.json'), 'utf8')) as Sighting[];

describe('the sentinel', () => {
  it.each(Object.entries(runs))('calls a run that is made to show it %s', async (verdict, objective) => {
    const { recipe, events, result, steps } = await trained(recipeOf(objective(), keys));
    expect(steps).toHaveLength(24);
    expect(result.sentinel).toMatchObject({ verdict, step: 24 });
    const said = events.flatMap((event) => (event.kind === 'sentinel' ? [event.verdict] : []));
    expect(said.at(-1)).toBe(verdict);
    // The verdict gets worse from time to time, and never better.
    const order = ['healthy', 'benign decline', 'collapse'];
    expect(said).toEqual(order.filter((one) => said.includes(one as (typeof said)[number])));
    const sightings = sightingsIn(recipe.out);
    expect(sightings.at(-1)).toEqual(result.sentinel);
    const [from, to] = [steps.slice(0, 8), steps.slice(-8)].map(
      (some) => some.reduce((sum, step) => sum + step['logps/chosen_per_token']!, 0) / 8,
    );
    const words = (value: number) => value.toFixed(2).replace('-', '−');
    expect(sightings.at(-1)!.sentence).toContain(`chosen ${words(from!)} to ${words(to!)}`);
  });

  it('stops a run that collapses, whose state is there to go on from', async () => {
    const recipe = recipeOf(runs.collapse(), { ...keys, sentinel: { act: 'stop' } });
    const { error, steps } = await attempt(recipe);
    // Not wrong usage: the command ends with 1.
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(UserError);
    const last = steps.at(-1)!.step;
    expect(last).toBeLessThan(24);
    expect(String(error)).toMatch(
      new RegExp(
        `the sentinel ended the run after step ${last} of 24: collapse: .*; its state, of the collapsed weights, is saved, and .redistill train --resume`,
      ),
    );
    expect(readdirSync(join(recipe.out, 'states'))).toEqual([`step-${last}`]);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
    const again = await attempt(recipe, undefined, {});
    expect(String(again.error)).toBe(String(error));
    const on = await trained({ ...recipe, sentinel: { ...recipe.sentinel, act: 'warn' } }, {});
    const warned = await trained(recipeOf(runs.collapse(), keys));
    expect(contents(on.result.model)).toEqual(contents(warned.result.model));
    const metrics = (out: string) => readFileSync(join(out, 'metrics.jsonl'), 'utf8');
    expect(metrics(recipe.out)).toBe(metrics(warned.recipe.out));
    expect(sightingsIn(recipe.out)).toEqual(sightingsIn(warned.recipe.out));
  });

  it('says that nothing is there to go on from where nothing was saved', async () => {
    const { error } = await attempt(
      recipeOf(runs.collapse(), { ...keys, sentinel: { act: 'stop' }, save: { states: 0 } }),
    );
    expect(String(error)).toContain('nothing of it is saved (save.states: 0)');
    expect(String(error)).not.toContain('--resume');
  });

  it('stops by what a development set says, and again at once where it goes on', async () => {
    const data = writeRows(join(root, 'problems.jsonl'), [{ problem: '2+2?', answer: '4' }]);
    const development = { data, every: 20, sampling: { max_tokens: 4 } };
    const recipe = recipeOf(runs.collapse(), { ...keys, development, sentinel: { act: 'stop' } });
    const { error, steps } = await attempt(recipe);
    // None is right at the start: log-probs judge, after every step.
    expect(steps.length).toBeLessThan(20);
    expect(String(error)).toContain(
      'accuracy 0.0 % at the start and 0.0 % now; too few right answers to acquit',
    );
    const again = await attempt(recipe, undefined, {});
    expect(again.steps).toEqual([]);
    expect(String(again.error)).toBe(String(error));
  });

  describe('goes back', () => {
    const sentinel = { act: 'rollback', every: 4 };
    const noticeOf = ({ events }: Run) =>
      events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : [])).at(-1)!;

    it.each([
      [{ every: 5, states: 2 }, ['step-8']],
      [{ every: 1, states: 1 }, ['step-8']],
      [{ states: 0 }, ['step-8']],
      [{}, ['step-4', 'step-8']],
    ])('to the last healthy state, with save %j', async (save, states) => {
      const recipe = recipeOf(runs.collapse(), { ...keys, sentinel, save });
      const run = await trained(recipe);
      const healthy = Number(
        /the trained model is that of step (\d+), the last look that was healthy/.exec(noticeOf(run))?.[1],
      );
      expect(healthy).toBe(8);
      expect(run.steps.length).toBeGreaterThan(8);
      expect(run.result.sentinel?.verdict).toBe('collapse');
      expect(run.result.model).toBe(join(recipe.out, 'model'));
      const upTo = await trained(recipeOf(runs.collapse(), { ...keys, max_steps: healthy }));
      expect(contents(run.result.model)).toEqual(contents(upTo.result.model));
      // What leads to the collapse is not gone on with by mistake.
      expect(readdirSync(join(recipe.out, 'states'))).toEqual(states);
      expect(existsSync(join(recipe.out, 'checkpoints'))).toBe('every' in save);
    });

    it('with the best weights, which are none of the steps that it goes back from', async () => {
      // The loss of a margin gets better while both sides collapse.
      const watched = { evaluation: { rows: 1, every: 1 }, best: { metric: 'eval_loss' } };
      const recipe = recipeOf(runs.collapse(), {
        ...{ ...keys, batch_size: 4, ...watched },
        sentinel: { act: 'rollback', every: 5 },
      });
      const run = await trained(recipe);
      const healthy = Number(/the trained model is that of step (\d+)/.exec(noticeOf(run))?.[1]);
      expect(run.result.model).toBe(join(recipe.out, 'best'));
      expect(contents(run.result.model)).toEqual(contents(join(recipe.out, 'model')));
      const account = JSON.parse(readFileSync(join(recipe.out, 'best.json'), 'utf8')) as object;
      expect(account).toEqual({ metric: 'eval_loss', step: healthy });
    });

    it('with the best weights, also where those were lost with a process that was killed', async () => {
      const recipe = recipeOf(runs.collapse(), {
        ...{ ...keys, sentinel, save: { every: 1 } },
        ...{ evaluation: { rows: 1, every: 24 }, best: { metric: 'eval_loss' } },
      });
      const isThere = () => existsSync(join(recipe.out, 'states/step-9'));
      expect((await attempt(recipe, isThere)).error).toBe(stopped);
      rmSync(join(recipe.out, 'best.json'));
      const run = await trained(recipe, {});
      expect(run.result.model).toBe(join(recipe.out, 'best'));
      expect(contents(run.result.model)).toEqual(contents(join(recipe.out, 'model')));
    });

    it('to where the run may go on with another learning rate', async () => {
      const recipe = recipeOf(runs.collapse(), { ...keys, sentinel });
      const run = await trained(recipe);
      const files = contents(recipe.out);
      expect(noticeOf(run)).toContain(
        `\`redistill train --resume ${recipe.out} --allow-changes --set optimizer.lr=…\` goes on from there`,
      );
      // Under the same settings it would collapse again: it is done.
      const again = await trained(recipe, {});
      expect(again.steps).toEqual([]);
      expect(again.result).toEqual(run.result);
      expect(contents(recipe.out)).toEqual(files);
      const on = await trained(
        recipeOf(runs.collapse(), { ...keys, out: recipe.out, optimizer: { lr: 1e-9 } }),
        {
          allowChanges: true,
        },
      );
      expect(on.steps.map(({ step }) => step)).toEqual(Array.from({ length: 16 }, (_, i) => i + 9));
      expect(existsSync(join(recipe.out, 'states'))).toBe(false);
    });

    it('to nothing before a look was healthy: the run ends with an error, and so again', async () => {
      const recipe = recipeOf(runs.collapse(), { ...keys, sentinel: { act: 'rollback', every: 20 } });
      const { error, steps, result } = await attempt(recipe);
      const last = steps.at(-1)!.step;
      expect(last).toBeLessThan(20);
      expect(result).toBeUndefined();
      expect(error).not.toBeInstanceOf(UserError);
      expect(String(error)).toContain(
        'there is no healthy step to go back to (sentinel.every: 20) and so no trained model; its state, of the collapsed weights, is saved',
      );
      expect(existsSync(join(recipe.out, 'model'))).toBe(false);
      expect(readdirSync(join(recipe.out, 'states'))).toEqual([`step-${last}`]);
      const again = await attempt(recipe, undefined, {});
      expect(again.steps).toEqual([]);
      expect(String(again.error)).toBe(String(error));
    });

    it('to nothing where the healthy state is gone', async () => {
      const recipe = recipeOf(runs.collapse(), { ...keys, sentinel, save: { every: 1 } });
      const isThere = () => existsSync(join(recipe.out, 'states/step-9'));
      expect((await attempt(recipe, isThere)).error).toBe(stopped);
      const states = readdirSync(join(recipe.out, 'states'));
      // Besides the newest two.
      expect(states).toEqual(['step-10', 'step-8', 'step-9']);
      rmSync(join(recipe.out, 'states/step-8'), { recursive: true });
      const { error } = await attempt(recipe, undefined, {});
      expect(String(error)).toContain('there is no healthy step to go back to');
    });
  });

  it('draws small samples at the start and every so many steps, of runs that are as long', async () => {
    const drawn = (out: string) =>
      readRows(join(out, 'metrics.jsonl'))
        .filter((line) => 'completions/repetition' in line)
        .map(({ step }) => step);
    const long = await trained(recipeOf('redi', { ...keys, max_steps: 5, sentinel: { every: 2 } }));
    expect(drawn(long.recipe.out)).toEqual([0, 2, 4, 5]);
    const short = await trained(recipeOf('redi', { ...keys, max_steps: 5, sentinel: { every: 6 } }));
    expect(drawn(short.recipe.out)).toEqual([]);
    const off = await trained(recipeOf('redi', { ...keys, sentinel: { act: 'off', every: 2 } }));
    expect(drawn(off.recipe.out)).toEqual([]);
    expect(off.result.sentinel).toBeUndefined();
    expect(existsSync(join(off.recipe.out, 'sentinel.json'))).toBe(false);
  });

  it('changes nothing of what is trained', async () => {
    const watched = await trained(recipeOf('redi', { ...keys, sentinel: { every: 2 } }));
    const off = await trained(recipeOf('redi', { ...keys, sentinel: { act: 'off' } }));
    expect(contents(watched.result.model)).toEqual(contents(off.result.model));
  });
});
