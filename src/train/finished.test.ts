import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, writeRows } from '../../test/support/tinyModel.js';
import {
  attempt,
  linesOf,
  recipeOf,
  root,
  setUpRuns,
  stopped,
  trained,
} from '../../test/support/trainingRuns.js';
import { OtherRun } from '../teacher/header.js';
import { UserError } from '../util/errors.js';

setUpRuns();

const keys = { token_budget: 1, max_steps: 4, save: { every: 2 } };

const noticesOf = ({ events }: Awaited<ReturnType<typeof attempt>>) =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : []));

describe('a run that is done', () => {
  it.each([{}, { evaluation: { rows: 2, every: 2 }, best: { metric: 'eval_loss' } }])(
    'is known when it is to go on, and stays as it is (%o)',
    async (more) => {
      const recipe = recipeOf('sft', { ...keys, ...more });
      const first = await trained(recipe);
      const before = contents(recipe.out);
      const second = await attempt(recipe, undefined, {});
      expect(second.error).toBeUndefined();
      expect(second.result).toEqual(first.result);
      expect(second.steps).toEqual([]);
      expect(noticesOf(second)).toEqual([`${recipe.out} holds this run, and it is done`]);
      expect(contents(recipe.out)).toEqual(before);
    },
  );

  it('is known without speed.jsonl', async () => {
    const recipe = recipeOf('sft', keys);
    const first = await trained(recipe);
    rmSync(join(recipe.out, 'speed.jsonl'));
    const { result } = await trained(recipe, {});
    expect(linesOf([result.last])).toEqual(linesOf([first.result.last]));
  });

  it('is not this one where the recipe is another, or its model is', async () => {
    const recipe = recipeOf('sft', keys);
    await trained(recipe);
    const other = await attempt({ ...recipe, batch_size: recipe.batch_size + 1 }, undefined, {});
    expect(other.error).toBeInstanceOf(OtherRun);
    expect(String(other.error)).toContain('the run that was there is done');
    writeFileSync(join(recipe.out, 'model', 'config.json'), '{}');
    const changed = await attempt(recipe, undefined, {});
    expect(changed.error).toBeInstanceOf(OtherRun);
  });

  it('has no step that could be computed again where it has kept no state', async () => {
    const { recipe } = await trained(recipeOf('sft', keys));
    const { error } = await attempt(recipe, undefined, { verify: true });
    expect(String(error)).toContain(
      `--verify: ${recipe.out} holds this run, and it is done; it has kept no state`,
    );
    const other = await attempt({ ...recipe, batch_size: 3 }, undefined, { verify: true });
    expect(String(other.error)).toContain('is done, and is another one: batch_size (2 then, 3 now)');
  });

  it('goes on from its last state with more steps, where that is allowed', async () => {
    const recipe = recipeOf('sft', { ...keys, save: { states: 1 } });
    await trained(recipe);
    const { result } = await trained({ ...recipe, max_steps: 6 }, { allowChanges: true });
    expect(result.steps).toBe(6);
  });
});

describe('an earlier run stays as it is', () => {
  const best = { evaluation: { rows: 2, every: 2 }, best: { metric: 'eval_loss' } };
  const problems = join(root, 'long-problem.jsonl');

  it.each<[string, object, string]>([
    ['a metric that is not measured', { best: { metric: 'eval_los' } }, 'best.metric: eval_los'],
    [
      'a problem that is too long to be asked',
      { development: { data: problems, sampling: { max_tokens: 8 }, every: 2 } },
      'positions',
    ],
  ])('where the next is refused for %s', async (_, change, words) => {
    writeRows(problems, [{ problem: 'one '.repeat(3000), answer: '1' }]);
    const recipe = recipeOf('sft', { ...keys, ...best });
    await trained(recipe);
    const before = contents(recipe.out);
    const { error } = await attempt({ ...recipe, ...(change as typeof best) });
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(words);
    expect(contents(recipe.out)).toEqual(before);
  });

  it('where the next is stopped before its first step', async () => {
    const recipe = recipeOf('sft', keys);
    await trained(recipe);
    const before = contents(recipe.out);
    const { error } = await attempt({ ...recipe, max_steps: 3 }, (asked) => asked === 1);
    expect(error).toBe(stopped);
    expect(contents(recipe.out)).toEqual(before);
  });

  it('with the best weights until there are others, and without them where none are asked for', async () => {
    const recipe = recipeOf('sft', { ...keys, ...best });
    await trained(recipe);
    await trained({ ...recipe, best: undefined, evaluation: undefined });
    expect(existsSync(join(recipe.out, 'best'))).toBe(false);
    expect(existsSync(join(recipe.out, 'best.json'))).toBe(false);
  });

  it('where it was stopped without a state and has checkpoints', async () => {
    const recipe = recipeOf('sft', { ...keys, save: { every: 1, states: 0 } });
    await attempt(recipe, (asked) => asked === 5);
    expect(readdirSync(join(recipe.out, 'checkpoints')).length).toBeGreaterThan(0);
    const before = contents(recipe.out);
    const { error } = await attempt(recipe);
    expect(String(error)).toContain('has no state to go on from, but checkpoints');
    expect(contents(recipe.out)).toEqual(before);
    rmSync(join(recipe.out, 'checkpoints'), { recursive: true });
    await trained(recipe);
    await trained(recipe); // one that is done is begun anew, checkpoints and all
  });
});

describe('states', () => {
  it('of another version are not called damaged', async () => {
    const recipe = recipeOf('sft', keys);
    await attempt(recipe, (asked) => asked === 5);
    const states = join(recipe.out, 'states');
    const path = join(states, readdirSync(states).sort().at(-1)!, 'state.json');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/"version": \d+/, '"version": 1'));
    const { error } = await attempt(recipe, undefined, {});
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain('was written by another version of redistill');
    expect(error).toBeInstanceOf(OtherRun); // a pipeline begins anew, and keeps what was done
    writeFileSync(path, text);
    await trained(recipe, {});
  });

  it('are gone on from without metrics.jsonl where that is allowed', async () => {
    const recipe = recipeOf('sft', keys);
    const first = await attempt(recipe, (asked) => asked === 5);
    rmSync(join(recipe.out, 'metrics.jsonl'));
    const refused = await attempt(recipe, undefined, {});
    expect(String(refused.error)).toContain('with --allow-changes the run goes on');
    const { steps } = await trained(recipe, { allowChanges: true });
    const lines = readFileSync(join(recipe.out, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(linesOf(steps));
    expect(first.steps.length + steps.length).toBe(4);
  });
});
