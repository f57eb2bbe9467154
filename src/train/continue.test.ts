import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { familyDir } from '../../test/support/families.js';
import { contents } from '../../test/support/tinyModel.js';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import {
  attempt,
  lastingFiles,
  model,
  recipeOf,
  root,
  setUpRuns,
  stopAt,
  trained,
} from '../../test/support/trainingRuns.js';
import { UserError } from '../util/errors.js';
import { readState } from './state.js';

setUpRuns();

describe('continue', () => {
  /** All rows in every step, so that both halves of a run see what the whole one sees. */
  const keys = { batch_size: 5, save: { states: 1 } };

  it('takes weights, moments and the place in the schedule into another stage', async () => {
    const whole = await trained(recipeOf('sft', { ...keys, max_steps: 6 }));
    const first = await trained(recipeOf('sft', { ...keys, max_steps: 3, schedule: { total_steps: 6 } }));
    const other = join(root, 'other.jsonl');
    cpSync(first.recipe.data, other);
    const more = { ...keys, data: other, max_steps: 3, schedule: { total_steps: 6 } };
    const second = await trained(recipeOf('sft', { ...more, continue: first.result.model }));
    const steps = [...first.steps, ...second.steps];
    expect(steps.map(({ learning_rate: rate }) => rate)).toEqual(
      whole.steps.map(({ learning_rate: rate }) => rate),
    );
    expect(second.steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const [i, { loss }] of steps.entries()) expect(loss).toBeCloseTo(whole.steps[i]!.loss, 4);
    expect(readState(join(second.recipe.out, 'states/step-3')).position.updates).toBe(6);
    // The weights alone are not enough.
    const without = await trained(recipeOf('sft', { ...more, model: first.result.model }));
    expect(Math.abs(without.steps[2]!.loss - whole.steps[5]!.loss)).toBeGreaterThan(1e-3);
  });

  it('goes on when it was stopped, and is refused for other shapes and where there is no state', async () => {
    const first = await trained(recipeOf('redi', { ...keys, max_steps: 2 }));
    const more = {
      ...keys,
      token_budget: 1,
      max_steps: 3,
      continue: join(first.recipe.out, 'states/step-2'),
    };
    const whole = await trained(recipeOf('dpo', more));
    const recipe = recipeOf('dpo', more);
    await stopAt(recipe, 25);
    await trained(recipe, {});
    expect(lastingFiles(recipe.out)).toEqual(lastingFiles(whole.recipe.out));
    const other = join(root, 'other-model');
    cpSync(familyDir('qwen2'), other, { recursive: true });
    writeTinyTokenizer(other);
    const done = await trained(recipeOf('sft', { ...keys, save: { every: 1 } }));
    const before = contents(done.recipe.out);
    const shapes = await attempt({ ...done.recipe, model: other, continue: more.continue });
    expect(shapes.error).toBeInstanceOf(UserError);
    expect(String(shapes.error)).toContain('step-2 is a state of another model: ');
    expect(contents(done.recipe.out)).toEqual(before);
    const nowhere = await attempt(recipeOf('sft', { continue: model }));
    expect(String(nowhere.error)).toContain(`continue: ${model} has no training state`);
  });

  it('goes on from the last state, and says so where the best weights are of another step', async () => {
    const evaluation = { rows: 1, every: 1 };
    const first = await trained(
      recipeOf('sft', {
        ...{ ...keys, batch_size: 2, max_steps: 4, optimizer: { lr: 0.5 } },
        ...{ evaluation, best: { metric: 'eval_loss' }, schedule: { warmup_ratio: 0, decay: 'constant' } },
      }),
    );
    const { out } = first.recipe;
    const best = JSON.parse(readFileSync(join(out, 'best.json'), 'utf8')) as { step: number };
    expect(first.result.model).toBe(join(out, 'best'));
    expect(best.step).toBeLessThan(4);
    const noticesOf = async (state: string) => {
      const { events } = await trained(recipeOf('sft', { max_steps: 1, continue: state }));
      return events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : []));
    };
    const [said] = await noticesOf(first.result.model);
    expect(said).toContain(
      `continues after step 4, from ${join(out, 'states/step-4')}: its weights, moments`,
    );
    expect(said).toContain(`; ${join(out, 'best')}, of step ${best.step}, is not gone on with`);
    rmSync(join(out, 'best.json'));
    expect((await noticesOf(out))[0]).toMatch(/place in the schedule$/);
  });

  it('has the schedule reach as far as the stages', async () => {
    const recipe = recipeOf('sft', { max_steps: 3, schedule: { total_steps: 2 } });
    const { error } = await attempt(recipe);
    expect(String(error)).toContain('schedule.total_steps is 2, and the run ends with step 3');
  });
});
