import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastingFiles, recipeOf, setUpRuns, stopAt, trained } from '../../test/support/trainingRuns.js';

setUpRuns();

it('what an objective remembers of rows is in the state: a run that goes on is the undisturbed one, byte for byte', async () => {
  const keys = { token_budget: 1, max_steps: 9, save: { every: 4, states: 1 } };
  const whole = await trained(recipeOf('glow', keys));
  const expected = lastingFiles(whole.recipe.out);
  for (const pack of [21, 29]) {
    const recipe = recipeOf('glow', keys);
    const { steps } = await stopAt(recipe, pack);
    expect(steps.length).toBeGreaterThan(2);
    const state = readFileSync(join(recipe.out, 'states', `step-${steps.length}`, 'state.json'), 'utf8');
    const { memory } = (JSON.parse(state) as { position: { memory: Record<string, number> } }).position;
    expect(Object.keys(memory).length).toBeGreaterThan(3);
    await trained(recipe, {});
    expect(lastingFiles(recipe.out)).toEqual(expected);
  }
});
