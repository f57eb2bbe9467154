import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { contents } from '../../test/support/tinyModel.js';
import { attempt, linesOf, recipeOf, setUpRuns, stopped, trained } from '../../test/support/trainingRuns.js';
import type * as fs from 'node:fs';
import type * as fileErrors from '../util/fileErrors.js';
import type { TrainRecipe } from './settings.js';

setUpRuns();

const { asked } = vi.hoisted(() => ({ asked: [] as { bytes: number; what: string }[] }));
vi.mock('../util/fileErrors.js', async (importOriginal) => {
  const original = await importOriginal<typeof fileErrors>();
  const requireFree: typeof original.requireFree = (path, bytes, what) => {
    asked.push({ bytes, what });
    original.requireFree(path, bytes, what);
  };
  return { ...original, requireFree };
});

const { flushed } = vi.hoisted(() => ({ flushed: [] as string[] }));
vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof fs>();
  const fsync = (fd: number, then: fs.NoParamCallback) => {
    flushed.push(original.readlinkSync(`/proc/self/fd/${fd}`));
    original.fsync(fd, then);
  };
  return { ...original, fsync };
});

const minute = 60_000;
/** Has the clock be later by so much whenever a run asks whether it should stop, which is before each step of these. */
function laterAt(each: number): { ask: () => void; done: () => void } {
  const now = performance.now.bind(performance);
  let late = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + late);
  return {
    ask: () => {
      late += each;
    },
    done: () => {
      clock.mockRestore();
    },
  };
}

async function slowly(
  recipe: TrainRecipe,
  each = 11 * minute,
  stop: (states: readonly string[]) => boolean = () => false,
) {
  const clock = laterAt(each);
  try {
    return await attempt(recipe, () => {
      clock.ask();
      return stop(existsSync(join(recipe.out, 'states')) ? readdirSync(join(recipe.out, 'states')) : []);
    });
  } finally {
    clock.done();
  }
}

describe('a run that says nothing of saving', () => {
  const keys = { max_steps: 10, batch_size: 5 };

  it('writes a state every half hour, no weights, and nothing of either stays when it is done', async () => {
    const plain = await trained(recipeOf('sft', keys));
    expect(plain.events.filter(({ kind }) => kind === 'state')).toEqual([]);
    const { events, recipe, result, steps } = await slowly(recipeOf('sft', keys));
    const states = events.flatMap((event) => (event.kind === 'state' ? [event.path] : []));
    expect(states).toEqual(['step-3', 'step-6', 'step-9'].map((name) => join(recipe.out, 'states', name)));
    const saved = events.flatMap((event) => (event.kind === 'saved' ? [event.path] : []));
    expect(saved).toEqual([join(recipe.out, 'model')]);
    expect(readdirSync(recipe.out).sort()).toEqual(readdirSync(plain.recipe.out).sort());
    expect(contents(result!.model)).toEqual(contents(plain.result.model));
    expect(linesOf(steps)).toEqual(linesOf(plain.steps));
  });

  it('goes on from there', async () => {
    const plain = await trained(recipeOf('sft', keys));
    const isThere = (states: readonly string[]) => states.includes('step-6') && states.includes('step-3');
    const { error, recipe } = await slowly(recipeOf('sft', keys), 11 * minute, isThere);
    expect(error).toBe(stopped);
    const states = join(recipe.out, 'states');
    const found = readdirSync(states).sort();
    expect(found).toContain('step-6');
    expect(found).toHaveLength(2); // that of the stop, and the one before
    rmSync(join(states, found.at(-1)!), { recursive: true }); // as where it is killed
    const { result } = await trained(recipe, {});
    expect(contents(result.model)).toEqual(contents(plain.result.model));
    expect(existsSync(states)).toBe(false);
  });

  it.each([
    ['is asked to write none', { states: 0 }],
    ['has steps to save after', { every: 50 }],
  ])('does not where it %s', async (_, save) => {
    const { events } = await slowly(recipeOf('sft', { ...keys, save }));
    expect(events.filter(({ kind }) => kind === 'state')).toEqual([]);
  });

  it('keeps as many as it is told', async () => {
    const isThere = (states: readonly string[]) => states.includes('step-9');
    const { recipe } = await slowly(recipeOf('sft', { ...keys, save: { states: 3 } }), 11 * minute, isThere);
    expect(readdirSync(join(recipe.out, 'states'))).toHaveLength(3);
  });
});

describe('the room that is asked for', () => {
  beforeEach(() => {
    asked.length = 0;
  });
  const sizeOf = (folder: string, file: string) => statSync(join(folder, file)).size;
  const recipe = (save: object, keys: object = {}) =>
    recipeOf('sft', { max_steps: 12, batch_size: 5, save, ...keys });
  const room = () => asked.find(({ what }) => /model/.test(what))!;

  it('is that of models and states together at the most', async () => {
    const { result } = await trained(recipe({ every: 5, keep: 3, states: 1 }));
    const model = sizeOf(result.model, 'model.safetensors');
    expect(room().what).toMatch(/^saving 3 models and 2 states to resume from/);
    const state = sizeOf(join(result.model, '../states/step-12'), 'state.safetensors');
    // Less what the headers of the files take.
    expect(room().bytes / (3 * model + 2 * state)).toBeCloseTo(1, 1);
  });

  it('counts what is there and what goes', async () => {
    const run = recipe({ every: 1, keep: 4, states: 1 });
    await trained(run);
    const fresh = room();
    expect(fresh.what).toMatch(/^saving 6 models and 2 states/);
    asked.length = 0;
    // Of a run that is done the checkpoints and the state go before the first step.
    await trained(run);
    expect(room().what).toMatch(/^saving 6 models and 2 states/);
    const state = sizeOf(join(run.out, 'states/step-12'), 'state.safetensors');
    expect(fresh.bytes - room().bytes).toBeGreaterThan(state);
    asked.length = 0;
    // A run that goes on has its four checkpoints and its state, and one more of each at a time.
    await trained({ ...run, max_steps: 20 }, { allowChanges: true });
    expect(room().what).toMatch(/^saving 2 models and 1 states/);
  });

  it('has states of runs that are expected to take long', async () => {
    const run = recipe({}, { max_steps: 3 });
    await trained(run);
    expect(room().what).toBe('the trained model');
    asked.length = 0;
    await attempt(recipe({}, { max_steps: 10_000_000 }), () => asked.length > 0);
    expect(room().what).toMatch(/3 states to resume from \(save\.states/);
  });
});

it.skipIf(process.platform !== 'linux')(
  'every file of a model is on the disk before it has its name',
  async () => {
    const { recipe } = await trained(recipeOf('sft', { max_steps: 1 }));
    const names = readdirSync(join(recipe.out, 'model')).map((name) =>
      join(recipe.out, 'model.partial', name),
    );
    expect(names.length).toBeGreaterThan(2);
    expect(flushed).toEqual(expect.arrayContaining(names));
  },
);
