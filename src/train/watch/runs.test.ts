import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, readRows } from '../../../test/support/tinyModel.js';
import { attempt, recipeOf, root, setUpRuns, stopped, trained } from '../../../test/support/trainingRuns.js';
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
        `the sentinel ended the run after step ${last} of 24: collapse: .*; its state is saved, and .redistill train --resume`,
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

  it('goes back to the last healthy weights', async () => {
    const sentinel = { act: 'rollback', every: 4 };
    const recipe = recipeOf(runs.collapse(), { ...keys, sentinel, save: { every: 5, states: 2 } });
    const { result, events, steps } = await trained(recipe);
    const notice = events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : [])).at(-1)!;
    const healthy = Number(
      /the trained model is that of step (\d+), the last one that was healthy/.exec(notice)?.[1],
    );
    expect(healthy).toBeGreaterThan(0);
    expect(healthy).toBeLessThan(steps.length);
    expect(result.sentinel?.verdict).toBe('collapse');
    expect(result.model).toBe(join(recipe.out, 'model'));
    const upTo = await trained(recipeOf(runs.collapse(), { ...keys, max_steps: healthy }));
    expect(contents(result.model)).toEqual(contents(upTo.result.model));
    // What led there is not gone on with by mistake.
    expect(existsSync(join(recipe.out, 'states'))).toBe(false);
    expect(existsSync(join(recipe.out, 'healthy'))).toBe(false);
    expect(existsSync(join(recipe.out, 'checkpoints'))).toBe(true);
  });

  it('stops where it is to go back and there is nothing to go back to', async () => {
    const recipe = recipeOf(runs.collapse(), { ...keys, token_budget: 1 });
    expect((await attempt(recipe, (asked) => asked === 45)).error).toBe(stopped);
    const { error } = await attempt({ ...recipe, sentinel: { act: 'rollback', every: 100 } }, undefined, {});
    expect(String(error)).toContain('its state is saved');
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
