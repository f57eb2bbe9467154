import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contents, readRows } from '../../test/support/tinyModel.js';
import {
  root,
  model,
  setUpRuns,
  recipeOf,
  stopped,
  attempt,
  forgetReferences,
  trained,
  pairwise,
  embedding,
  linesOf,
  triedObjectives,
} from '../../test/support/trainingRuns.js';
import { UserError } from '../util/errors.js';
import { stepLines } from './metricsFiles.js';
import { statesOf } from './stateFolder.js';

setUpRuns();

describe('out', () => {
  it('may not be a file, which stays as it is', async () => {
    const out = join(root, 'a-file');
    writeFileSync(out, 'mine');
    const { error } = await attempt(recipeOf('sft', { out }));
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/a-file is a file: name a folder/);
    expect(readFileSync(out, 'utf8')).toBe('mine');
  });
});

describe('tensorboard: true', () => {
  /** The strings and floats of an event file, which its own tests compare with tensorboard's. */
  const eventsOf = (out: string) =>
    readFileSync(join(out, 'tensorboard', 'events.out.tfevents.00001'), 'latin1');

  it('writes the metrics of every step as event files, and a run without it removes them', async () => {
    const recipe = recipeOf('redi', { tensorboard: true });
    const { steps } = await trained(recipe);
    expect(readdirSync(recipe.out).sort()).toEqual([
      ...['finished.json', 'metrics.jsonl', 'model', 'recipe.yaml', 'speed.jsonl', 'tensorboard'],
    ]);
    const text = eventsOf(recipe.out);
    const { step, ...scalars } = steps[0]!;
    expect(step).toBe(1);
    for (const name of Object.keys(scalars))
      expect(text.split(`train/${name}\x15`), name).toHaveLength(steps.length + 1);
    for (const { loss } of steps) {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(loss);
      expect(text).toContain(`train/loss\x15${bytes.toString('latin1')}`);
    }
    await trained({ ...recipe, tensorboard: false });
    expect(readdirSync(recipe.out).sort()).toEqual([
      ...['finished.json', 'metrics.jsonl', 'model', 'recipe.yaml', 'speed.jsonl'],
    ]);
  });
});

describe('a run that was stopped while it measured', () => {
  const keys = { tensorboard: true, max_steps: 6, evaluation: { rows: 1, every: 2 }, save: { states: 1 } };
  const isMeasuring = (out: string) => () => stepLines(out).length === 4;
  const stateOf = (out: string) => join(out, 'states/step-4');

  it('and was killed when it had, has the measurement once in its event files', async () => {
    const recipe = recipeOf('sft', keys);
    expect((await attempt(recipe, isMeasuring(recipe.out))).error).toBe(stopped);
    const kept = join(root, 'kept-state');
    cpSync(stateOf(recipe.out), kept, { recursive: true });
    const isFurther = () => stepLines(recipe.out).length === 5;
    expect((await attempt(recipe, isFurther, {})).error).toBe(stopped);
    rmSync(statesOf(recipe.out), { recursive: true });
    cpSync(kept, stateOf(recipe.out), { recursive: true });
    await trained(recipe, {});
    const folder = join(recipe.out, 'tensorboard');
    const events = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
    const measured = readRows(join(recipe.out, 'metrics.jsonl')).filter((line) => 'eval_loss' in line);
    expect(measured.map(({ step }) => step)).toEqual([0, 2, 4, 6]);
    expect(events.join('').split('eval/loss')).toHaveLength(measured.length + 1);
  });

  it('has what it measured in its state where it is stopped again', async () => {
    const recipe = recipeOf('sft', keys);
    const isMeasured = ({ out }: { out: string }) =>
      readRows(join(out, 'metrics.jsonl')).some((line) => line.step === 4 && 'eval_loss' in line);
    await attempt(recipe, isMeasuring(recipe.out));
    expect((await attempt(recipe, () => isMeasured(recipe), {})).error).toBe(stopped);
    const at = recipeOf('sft', keys);
    const isThere = () => stepLines(at.out).length === 4 && isMeasured(at);
    expect((await attempt(at, isThere)).error).toBe(stopped);
    expect(contents(stateOf(recipe.out))).toEqual(contents(stateOf(at.out)));
  });
});

describe('what somebody else has put where files are to be replaced', () => {
  it.each(['tensorboard/notes.txt', 'states/step-3/notes.txt'])(
    '%s is said before anything goes',
    async (name) => {
      const recipe = recipeOf('sft', { tensorboard: true, save: { every: 1, states: 1 } });
      await trained(recipe);
      writeFileSync(join(recipe.out, name), 'mine');
      const before = contents(recipe.out);
      const { error } = await attempt({ ...recipe, evaluation: { rows: 1, every: 1 } });
      expect(String(error)).toContain('notes.txt is in the way');
      expect(contents(recipe.out)).toEqual(before);
    },
  );
});

describe('checkpoints', () => {
  it('are asked for by save.every, and are not kept without it', () => {
    expect(() => recipeOf('sft', { save: { keep: 3 } })).toThrow('none are written without save.every');
    expect(recipeOf('sft', { save: { keep: 0 } }).save.keep).toBe(0);
  });

  const constant = { warmup_ratio: 0, decay: 'constant' };

  it('come every N steps and are the models of shorter runs', async () => {
    const recipe = recipeOf('sft', { max_steps: 5, save: { every: 2 }, schedule: constant });
    const { events } = await trained(recipe);
    expect(events.flatMap((event) => (event.kind === 'saved' ? [event.path] : []))).toEqual(
      ['checkpoints/step-2', 'checkpoints/step-4', 'model'].map((path) => join(recipe.out, path)),
    );
    expect(readdirSync(join(recipe.out, 'checkpoints')).sort()).toEqual(['step-2', 'step-4']);
    expect(readdirSync(recipe.out).sort()).toEqual([
      ...['checkpoints', 'finished.json', 'metrics.jsonl', 'model', 'recipe.yaml', 'speed.jsonl'],
    ]);
    for (const step of [2, 4]) {
      const short = await trained(recipeOf('sft', { max_steps: step, schedule: constant }));
      const dir = join(recipe.out, 'checkpoints', `step-${step}`);
      expect(contents(dir)).toEqual(contents(short.result.model));
      expect(embedding(dir)).not.toEqual(embedding(join(recipe.out, 'model')));
    }
  });

  it('give way to the model at the last step', async () => {
    const recipe = recipeOf('sft', { max_steps: 4, save: { every: 2 } });
    await trained(recipe);
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-2']);
    expect(existsSync(join(recipe.out, 'model'))).toBe(true);
  });

  it('and the model replace those of an earlier run in the same place', async () => {
    const recipe = recipeOf('sft', { max_steps: 3, save: { every: 2 } });
    await trained(recipe);
    const before = contents(recipe.out);
    const again = { ...recipe, optimizer: { ...recipe.optimizer, lr: 1e-2 } };
    const { steps } = await trained(again);
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(linesOf(steps));
    const after = contents(recipe.out);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const file of ['model/model.safetensors', 'checkpoints/step-2/model.safetensors', 'recipe.yaml']) {
      expect(after[file]).not.toBe(before[file]);
    }
    expect(after['model/tokenizer.json']).toBe(before['model/tokenizer.json']);
  });

  it('leave hard links to the files of an earlier run as they are', async () => {
    const recipe = recipeOf('sft', { max_steps: 3, save: { every: 2 } });
    await trained(recipe);
    const before = contents(recipe.out);
    const backup = `${recipe.out}-backup`;
    execFileSync('cp', ['-al', recipe.out, backup]);
    await trained({ ...recipe, optimizer: { ...recipe.optimizer, lr: 1e-2 } });
    expect(contents(backup)).toEqual(before);
  });

  it('of an earlier run with a file of the user’s are noticed before the training, which would remove them', async () => {
    const recipe = recipeOf('sft', { max_steps: 3, save: { every: 2 } });
    await trained(recipe);
    const before = contents(recipe.out);
    const notes = join(recipe.out, 'checkpoints', 'step-2', 'notes.txt');
    writeFileSync(notes, 'mine');
    const { error, steps } = await attempt(recipe);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain(`${notes} is in the way`);
    expect(steps).toEqual([]);
    expect(contents(recipe.out)).toMatchObject(before);
    const other = await attempt({ ...recipe, save: {} });
    expect(String(other.error)).toContain(`${notes} is in the way`);
    expect(readFileSync(notes, 'utf8')).toBe('mine');
  });

  it('can be trained further', async () => {
    const { result } = await trained(recipeOf('sft', { schedule: constant }));
    const next = await trained(recipeOf('redi', { model: result.model, schedule: constant, max_steps: 1 }));
    const fresh = await trained(recipeOf('redi', { schedule: constant, max_steps: 1 }));
    expect(next.steps[0]!['logps/chosen']).toBeGreaterThan(fresh.steps[0]!['logps/chosen']!);
  });
});

describe('a request to stop', () => {
  // Each sequence is a pack of its own with this budget.
  const keys = { token_budget: 1, max_steps: 4, save: { every: 1 } };

  it('ends the run before the next pack and leaves what was saved', async () => {
    let asked = 0;
    const recipe = recipeOf('sft', keys);
    // Steps of two packs: this is between the packs of the second.
    const { error, steps } = await attempt(recipe, (before) => {
      asked = before + 1;
      return before === 3;
    });
    expect(error).toBe(stopped);
    expect(asked).toBe(4);
    expect(steps.map(({ step }) => step)).toEqual([1]);
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(linesOf(steps));
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-1']);
    expect(embedding(join(recipe.out, 'checkpoints', 'step-1'))).toEqual(embedding(model)); // rate 0
  });

  it.each(pairwise)('ends %s at any pack', async (objective) => {
    let most = 0;
    const whole = await attempt(recipeOf(objective, { ...keys, max_steps: 1 }), (before) => {
      most = before + 1;
      return false;
    });
    expect(whole.error).toBeUndefined();
    // 4 sequences in the step, which are scored first where pairs are judged together, and 10 of the reference for DPO.
    expect(most).toBe({ dpo: 18, simpo: 8 }[objective] ?? 4);
    for (const at of [most - 4, most - 1]) {
      forgetReferences();
      const { error, recipe, steps } = await attempt(
        recipeOf(objective, { ...keys, max_steps: 1 }),
        (before) => before === at,
      );
      expect(error).toBe(stopped);
      expect(steps).toEqual([]);
      expect(readdirSync(recipe.out)).toEqual([]); // a run before it would be as it was
    }
  });

  it('ends the scoring of the reference where it is', async () => {
    const { error, events } = await attempt(recipeOf('dpo', keys), (before) => before === 3);
    expect(error).toBe(stopped);
    expect(events.filter(({ kind }) => kind !== 'data' && kind !== 'estimate')).toEqual(
      [1, 2, 3].map((done) => ({ kind: 'reference', done, total: 10 })),
    );
  });
});

describe('a step with a NaN', () => {
  const huge = { optimizer: { lr: 1e30 }, schedule: { warmup_ratio: 0 } };

  it.each(triedObjectives)(
    'stops %s after three in a row in a sentence, without a model',
    async (objective) => {
      const recipe = recipeOf(objective, { ...huge, max_steps: 9 });
      const { error, steps } = await attempt(recipe);
      expect(error).not.toBeInstanceOf(UserError);
      expect((error as Error).message).toMatch(
        /^step 4: the loss is \S+ and the gradient norm \S+; 3 steps in a row were skipped for that, so training stopped; no checkpoint had been saved yet; lower optimizer\.lr \(now 1e\+30\)/,
      );
      expect((error as Error).message).toContain(recipe.data);
      expect(steps.map(({ skipped_steps }) => skipped_steps)).toEqual([0, 1, 2]);
      expect(readdirSync(recipe.out).sort()).toEqual(['metrics.jsonl', 'recipe.yaml', 'speed.jsonl']);
    },
  );

  it('keeps weights that an update has ruined from the disk, and names the last state', async () => {
    const keys = { ...huge, schedule: { warmup_ratio: 0.5 }, max_steps: 4, save: { every: 1 } }; // first rate 0
    const recipe = recipeOf('sft', keys);
    const { error } = await attempt(recipe);
    const checkpoint = join(recipe.out, 'checkpoints', 'step-1');
    expect((error as Error).message).toMatch(/^step 2: its update left weights of norm Infinity; /);
    expect((error as Error).message).toContain(
      `\`redistill train --resume ${recipe.out} --allow-changes --set optimizer.lr=…\` goes on from ${join(recipe.out, 'states/step-1')}, `,
    );
    expect(embedding(checkpoint)).toEqual(embedding(model));
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-1']);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });

  it('is refused after the last step too', async () => {
    const recipe = recipeOf('sft', { ...huge, max_steps: 1 });
    const { error } = await attempt(recipe);
    expect((error as Error).message).toMatch(
      /^step 1: its update left weights of norm Infinity; no checkpoint/,
    );
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });
});
