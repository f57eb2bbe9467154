import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents } from '../../test/support/tinyModel.js';
import { attempt, recipeOf, root, setUpRuns, trained, type Run } from '../../test/support/trainingRuns.js';
import { OtherRun } from '../teacher/header.js';
import type { TrainRecipe } from './settings.js';

setUpRuns();

/** An objective that makes all responses less likely by `strength`, or more where that is below 0. */
function pull(strength: number): { name: string } {
  const module = join(root, `pull${strength}.mjs`);
  const objectives = new URL('../objectives/index.ts', import.meta.url).href;
  writeFileSync(
    module,
    `import { defineObjective, linearObjective } from ${JSON.stringify(objectives)};
    const coefficient = ({ length }, { pairs }) => ${strength} / length / pairs;
    export const objective = defineObjective('pull', {}, () =>
      linearObjective({ name: 'pull', formula: 'f', data: 'pairs' }, coefficient));`,
  );
  return { module } as object as { name: string };
}

const [collapses, stays] = [1, -1];
type Act = TrainRecipe['sentinel']['act'];
const runOf = (strength: number, act: Act, more: object = {}) =>
  recipeOf(pull(strength), {
    ...{ batch_size: 5, max_steps: 24, optimizer: { lr: 3e-4 } },
    schedule: { warmup_ratio: 0, decay: 'constant' },
    ...{ sentinel: { act, every: 4 }, ...more },
  });
const under = (act: Act, recipe: TrainRecipe): TrainRecipe => ({
  ...recipe,
  sentinel: { ...recipe.sentinel, act },
});
const saysDone = ({ events }: Run) =>
  events.some(
    (event) => event.kind === 'notice' && event.sentence.endsWith('holds this run, and it is done'),
  );

describe('a run that is done, under another sentinel.act', () => {
  it('is the same where it stayed healthy', async () => {
    const { recipe } = await trained(runOf(stays, 'warn'));
    for (const act of ['stop', 'rollback', 'off'] as const)
      expect(saysDone(await trained(under(act, recipe), {})), act).toBe(true);
  });

  it('goes on where it went back to a healthy step, and comes to what it would have been', async () => {
    const { recipe, steps } = await trained(runOf(collapses, 'rollback'));
    expect(steps.length).toBeLessThan(24);
    expect(saysDone(await trained(recipe, {}))).toBe(true);
    const on = await trained(under('warn', recipe), {});
    expect(on.result.steps).toBe(24);
    const whole = await trained(runOf(collapses, 'warn'));
    const model = ({ out }: TrainRecipe) => contents(join(out, 'model'));
    expect(model(recipe)).toEqual(model(whole.recipe));
    expect(readFileSync(join(recipe.out, 'metrics.jsonl'))).toEqual(
      readFileSync(join(whole.recipe.out, 'metrics.jsonl')),
    );
  });

  it.each<[Act, string]>([
    ['warn', 'it had collapsed under sentinel.act warn, which is stop now'],
    ['off', 'it was not watched under sentinel.act off, which is stop now'],
  ])('is another one where nothing ended it that would now: %s', async (act, words) => {
    const { recipe } = await trained(runOf(collapses, act));
    const before = contents(recipe.out);
    const { error } = await attempt(under('stop', recipe), undefined, {});
    expect(error).toBeInstanceOf(OtherRun);
    expect(String(error)).toContain(words);
    expect(contents(recipe.out)).toEqual(before);
    expect(saysDone(await trained(under(act === 'warn' ? 'off' : 'warn', recipe), {}))).toBe(true);
  });
});

it('a run that went back is begun anew by its recipe, as any that is done', async () => {
  const { recipe, steps } = await trained(runOf(collapses, 'rollback'));
  expect(existsSync(join(recipe.out, 'states'))).toBe(true);
  const again = await trained(recipe);
  expect(again.steps).toHaveLength(steps.length);
});
