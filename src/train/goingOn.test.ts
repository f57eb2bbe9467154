import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { contents, readRows } from '../../test/support/tinyModel.js';
import {
  attempt,
  embedding,
  model,
  recipeOf,
  root,
  setUpRuns,
  stopAt,
  stopped,
  trained,
} from '../../test/support/trainingRuns.js';
import { UserError } from '../util/errors.js';
import { stepLines } from './metricsFiles.js';
import { stateToResume } from './resume.js';
import { readState } from './state.js';
import { checkpointsOf, statesOf, stepFolders } from './stateFolder.js';
import type { TrainRecipe } from './settings.js';

setUpRuns();

const json = (...names: string[]) =>
  JSON.parse(readFileSync(join(...names), 'utf8')) as Record<string, number>;

/** Stops a run and takes its newest state away, as where it was killed. */
async function killed(recipe: TrainRecipe, pack: number): Promise<number> {
  const run = await attempt(recipe, (asked) => asked === pack);
  expect(run.error).toBe(stopped);
  const [newest, before] = stepFolders(statesOf(recipe.out));
  rmSync(newest!.path, { recursive: true });
  return before!.step;
}

async function stoppedAfter(step: number, recipe: TrainRecipe): Promise<void> {
  const run = await attempt(recipe, () => stepLines(recipe.out).length === step);
  expect(run.error).toBe(stopped);
}

function loseStatesAfter(last: number, { out }: TrainRecipe): void {
  for (const { step, path } of stepFolders(statesOf(out))) if (step > last) rmSync(path, { recursive: true });
}

describe('the best weights', () => {
  const keys = {
    ...{ batch_size: 1, max_steps: 12, optimizer: { lr: 1e-2 }, save: { every: 1, states: 9 } },
    schedule: { warmup_ratio: 0, decay: 'constant' },
    evaluation: { rows: 1, every: 4 },
    best: { metric: 'eval_loss' },
    sentinel: { act: 'rollback', every: 4 },
  };

  it('of a future that was given up are not those of the run that goes on', async () => {
    const recipe = recipeOf('sft', keys);
    await stoppedAfter(10, recipe);
    expect(json(recipe.out, 'best.json').step).toBe(8);
    loseStatesAfter(6, recipe);
    // Worse than all before.
    const optimizer = { ...recipe.optimizer, lr: 0.5 };
    const other = {
      ...recipe,
      optimizer,
      max_steps: 7,
      sentinel: { ...recipe.sentinel, act: 'off' as const },
    };
    await trained(other, { allowChanges: true });
    const best = json(recipe.out, 'best.json');
    expect(best.step).toBe(7);
    const lines = readRows(join(recipe.out, 'metrics.jsonl')) as Record<string, number>[];
    expect(lines.find(({ step, eval_loss: loss }) => step === 7 && loss !== undefined)?.eval_loss).toBe(
      best.value,
    );
    expect(embedding(join(recipe.out, 'best'))).toEqual(embedding(join(recipe.out, 'model')));
  });

  it('of before are kept where the run goes on in another way', async () => {
    const recipe = recipeOf('sft', keys);
    await stoppedAfter(10, recipe);
    const before = contents(join(recipe.out, 'best'));
    loseStatesAfter(6, recipe);
    const { events } = await trained(
      { ...recipe, optimizer: { ...recipe.optimizer, lr: 1e-9 } },
      { allowChanges: true },
    );
    expect(contents(join(recipe.out, 'best.previous'))).toEqual(before);
    const said = events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : [])).join('\n');
    expect(said).toContain(`of step 8, are in ${join(recipe.out, 'best.previous')}`);
    for (const step of [7, 8, 9])
      expect(said).toContain(`${join(recipe.out, 'checkpoints', `step-${step}`)} goes`);
    rmSync(statesOf(recipe.out), { recursive: true });
    await trained(recipe);
    expect(existsSync(join(recipe.out, 'best.previous'))).toBe(false);
  });

  it('of before are kept each time', async () => {
    const recipe = recipeOf('sft', keys);
    const kept = [];
    for (const [n, lr] of [recipe.optimizer.lr, 1e-2 / 2, 1e-2 / 4].entries()) {
      const again = { ...recipe, optimizer: { ...recipe.optimizer, lr } };
      const run = await attempt(
        again,
        () => stepLines(recipe.out).length === 10,
        n === 0 ? undefined : { allowChanges: true },
      );
      expect(run.error).toBe(stopped);
      kept.push(contents(join(recipe.out, 'best')));
      loseStatesAfter(6, recipe);
    }
    expect(kept[1]).not.toEqual(kept[0]);
    expect(contents(join(recipe.out, 'best.previous'))).toEqual(kept[0]);
    expect(contents(join(recipe.out, 'best.previous-2'))).toEqual(kept[1]);
    rmSync(statesOf(recipe.out), { recursive: true });
    rmSync(checkpointsOf(recipe.out), { recursive: true });
    rmSync(join(recipe.out, 'best'), { recursive: true });
    await trained(recipe);
    expect(readdirSync(recipe.out).filter((name) => name.startsWith('best.previous'))).toEqual([]);
  });

  it.each([
    ['another build computes on', true],
    ['a process was killed that exchanged them', false],
  ])('of before are kept where %s', async (_, hasAccount) => {
    const recipe = recipeOf('sft', keys);
    await stoppedAfter(10, recipe);
    const before = contents(join(recipe.out, 'best'));
    loseStatesAfter(6, recipe);
    if (!hasAccount) rmSync(join(recipe.out, 'best.json'));
    // It counts as another machine, and is read by no library that is loaded.
    vi.stubEnv('ATEN_CPU_CAPABILITY', 'default');
    await trained({ ...recipe, max_steps: 12 }, { allowChanges: true });
    vi.stubEnv('ATEN_CPU_CAPABILITY', undefined); // the cache of these tests stays theirs
    expect(contents(join(recipe.out, 'best.previous'))).toEqual(before);
  });

  it('are those of the last step where a run that is done is to look for others', async () => {
    const recipe = recipeOf('dpo', { ...keys, sentinel: {}, save: { states: 1 }, max_steps: 4 });
    await trained(recipe);
    const other = { ...recipe, best: { metric: 'eval_rewards/margins' } };
    const { result } = await trained(other, { allowChanges: true });
    expect(result.model).toBe(join(recipe.out, 'best'));
    expect(contents(result.model)).toEqual(contents(join(recipe.out, 'model')));
    expect(json(recipe.out, 'best.json')).toEqual({ metric: 'eval_rewards/margins', step: 4 });
  });

  it.each(['best.json', undefined])(
    'of a run that was killed before its first state are not begun over, without %s',
    async (gone) => {
      const recipe = recipeOf('sft', { ...keys, sentinel: {}, save: { states: 0 } });
      await stoppedAfter(6, recipe);
      if (gone !== undefined) rmSync(join(recipe.out, gone));
      const before = contents(recipe.out);
      const { error } = await attempt(recipe);
      expect(error).toBeInstanceOf(UserError);
      expect(String(error)).toContain(`but its best weights in ${join(recipe.out, 'best')}: to begin anew`);
      expect(contents(recipe.out)).toEqual(before);
    },
  );

  it('are those of the undisturbed run where it goes on as it went', async () => {
    // Between the state and the next best step nothing is known of a best one: state 7 alone says so.
    const lasting = (out: string) =>
      Object.fromEntries(
        Object.entries(contents(out)).filter(
          ([name]) => !/^(speed\.jsonl|recipe\.yaml|states\/step-7\/state\.json)$/.test(name),
        ),
      );
    const whole = await trained(recipeOf('sft', keys));
    const recipe = recipeOf('sft', keys);
    await stoppedAfter(10, recipe);
    loseStatesAfter(6, recipe);
    await trained(recipe, {});
    expect(lasting(recipe.out)).toEqual(lasting(whole.recipe.out));
  });
});

describe('a run that goes on', () => {
  const keys = { token_budget: 1, max_steps: 6, save: { every: 2, states: 2 } };

  it('after it was ended early, where it may take longer', async () => {
    const early = {
      ...{ max_steps: 12, optimizer: { lr: 0.5 }, save: { states: 1 } },
      schedule: { warmup_ratio: 0, decay: 'constant' },
      ...{ evaluation: { rows: 1, every: 1 }, best: { metric: 'eval_loss', patience: 1 } },
    };
    const recipe = recipeOf('sft', early);
    const first = await trained(recipe);
    expect(first.result.steps).toBeLessThan(12);
    const longer = { ...recipe, best: { metric: 'eval_loss', patience: 50 }, max_steps: 14 };
    const second = await trained(longer, { allowChanges: true });
    expect(second.result.steps).toBe(14);
  });

  it('has the recipe under which it does', async () => {
    const recipe = recipeOf('sft', keys);
    await killed(recipe, 9);
    await trained({ ...recipe, sentinel: { ...recipe.sentinel, act: 'off' } }, {});
    expect(parse(readFileSync(join(recipe.out, 'recipe.yaml'), 'utf8'))).toMatchObject({
      sentinel: { act: 'off' },
    });
  });

  it('leaves all as it is where it is refused', async () => {
    const recipe = recipeOf('sft', {
      ...keys,
      evaluation: { rows: 1, every: 1 },
      best: { metric: 'eval_loss' },
    });
    await stopAt(recipe, 15);
    loseStatesAfter(4, recipe);
    const [metrics, away] = ['metrics.jsonl', '../away.jsonl'].map((name) => join(recipe.out, name));
    renameSync(metrics!, away!);
    const before = contents(recipe.out);
    const { error } = await attempt(
      { ...recipe, sentinel: { ...recipe.sentinel, act: 'off' } },
      undefined,
      {},
    );
    expect(String(error)).toContain('has not the');
    expect(contents(recipe.out)).toEqual(before);
  });

  it('as it was allowed to needs no leave to do so again', async () => {
    const recipe = recipeOf('sft', keys);
    const step = await killed(recipe, 9);
    const slower = { ...recipe, optimizer: { ...recipe.optimizer, lr: 1e-4 } };
    const once = await attempt(slower, (asked) => asked === 1, { allowChanges: true });
    expect(once.error).toBe(stopped);
    // As where it was killed before it saved anything.
    loseStatesAfter(step, recipe);
    await trained(slower, {});
    const other = recipeOf('sft', keys);
    await killed(other, 9);
    await trained({ ...slower, out: other.out }, { allowChanges: true });
    expect(contents(join(recipe.out, 'model'))).toEqual(contents(join(other.out, 'model')));
  });

  it('has each line of speed.jsonl once, where some were lost', async () => {
    const recipe = recipeOf('sft', { ...keys, max_steps: 12 });
    await killed(recipe, 9);
    rmSync(join(recipe.out, 'speed.jsonl'));
    const isFar = () => stepLines(recipe.out).length === 9;
    expect((await attempt(recipe, isFar, {})).error).toBe(stopped);
    loseStatesAfter(8, recipe);
    await trained(recipe, {});
    const steps = readRows(join(recipe.out, 'speed.jsonl')).map(({ step }) => step);
    expect(steps.at(-1)).toBe(12);
    expect(steps).toEqual([...new Set(steps)]);
  });

  it('keeps the lines that there are where it is allowed to miss some', async () => {
    const recipe = recipeOf('sft', keys);
    const step = await killed(recipe, 9);
    const path = join(recipe.out, 'metrics.jsonl');
    const [first] = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, `${first}\n{"step":2,`);
    await trained(recipe, { allowChanges: true });
    const steps = readRows(path).map((line) => line.step);
    expect(steps).toEqual([1, ...Array.from({ length: 6 - step }, (_, i) => step + 1 + i)]);
  });

  it('names the last state, which is of before, where its weights are ruined', async () => {
    const recipe = recipeOf('sft', keys);
    const step = await killed(recipe, 9);
    const ruinous = { ...recipe, optimizer: { ...recipe.optimizer, lr: 1e38 } };
    const { error } = await attempt(ruinous, undefined, { allowChanges: true });
    expect(String(error)).toContain(
      `goes on from ${join(recipe.out, `states/step-${step}`)}, whose weights are finite`,
    );
  });

  it('and is done needs no speed.jsonl', async () => {
    const recipe = recipeOf('sft', keys);
    const { result } = await trained(recipe);
    rmSync(join(recipe.out, 'speed.jsonl'));
    const again = await trained(recipe, {});
    expect(again.result.last).toEqual({ ...result.last, tokens_per_second: NaN, peak_memory_bytes: NaN });
  });

  it('is told how to have as many threads as it had', async () => {
    const recipe = recipeOf('sft', keys);
    await trained(recipe);
    const { identity } = readState(stepFolders(statesOf(recipe.out))[0]!.path).position;
    const other = { ...identity, build: { ...identity.build, threads: '77' } };
    expect(() => stateToResume(recipe.out, other, {})).toThrow(
      `OMP_NUM_THREADS=${identity.build.threads} takes as many threads as then`,
    );
  });
});

it('data from a pipe are refused, and nothing waits for them', async () => {
  const pipe = join(root, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const keys of [{ data: pipe }, { evaluation: { data: pipe, every: 1 } }]) {
    const { error } = await attempt(recipeOf('sft', keys));
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(`${pipe} is no file: training reads its data more than once`);
  }
});

it('a reference that is the model itself has its overrides', async () => {
  const keys = { proofs: 'on', reference: model, model_overrides: { rope_theta: 77 } };
  const { events } = await trained(recipeOf('dpo', keys));
  const claims = events.flatMap((event) => (event.kind === 'proofs' ? event.proofs : []));
  expect(claims.find(({ claim }) => claim === 'the reference and the model')).toMatchObject({
    difference: 0,
  });
});
