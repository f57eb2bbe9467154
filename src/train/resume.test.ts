import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { stepsOfEvents } from '../../test/support/events.js';
import { contents, readRows, writeRows } from '../../test/support/tinyModel.js';
import {
  attempt,
  lastingFiles,
  linesOf,
  messages,
  model,
  pairs,
  recipeOf,
  root,
  setUpRuns,
  stopAt,
  stopped,
  trained,
} from '../../test/support/trainingRuns.js';
import { createObjective } from '../objectives/index.js';
import { OtherRun } from '../teacher/header.js';
import { TokenFile, TokenFileWriter } from '../text/tokenFile.js';
import { fromArray } from '../torch/data.js';
import { scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { cacheFolder } from './cacheFiles.js';
import { prepareExamples } from './examples.js';
import { planSteps } from './plan.js';
import { stepLines } from './metricsFiles.js';
import { nextRows, requireSamePlace } from './resume.js';
import { TENSORS } from './stateFolder.js';
import { sumOf, type TrainState } from './state.js';

setUpRuns();

const statesIn = (out: string) => (existsSync(join(out, 'states')) ? readdirSync(join(out, 'states')) : []);

describe.each(['sft', 'redi', 'dpo'])('%s, stopped at every pack and gone on with', (objective) => {
  it.each(['f32', 'bf16'])('is the undisturbed run in %s, to the last byte', async (dtype) => {
    const keys = { token_budget: 1, max_steps: 5, dtype, save: { every: 2, states: 1 } };
    const whole = await trained(recipeOf(objective, keys));
    const expected = lastingFiles(whole.recipe.out);
    expect(Object.keys(expected)).toContain('states/step-5/state.safetensors');
    // Where a pair is larger than a pack, each of its sides is scored before it is trained.
    const sides = { sft: 1, redi: 2, dpo: 4 }[objective]!;
    // Between the steps, within them, and in the last one, over two epochs; no reference is scored any more.
    for (const pack of [2, 3, 5, 7].map((sequence) => sides * sequence + 1)) {
      const recipe = recipeOf(objective, keys);
      const first = await stopAt(recipe, pack);
      expect(statesIn(recipe.out)).toEqual([`step-${first.steps.length}`]);
      const second = await trained(recipe, {});
      expect(linesOf([...first.steps, ...second.steps])).toEqual(linesOf(whole.steps));
      expect(lastingFiles(recipe.out)).toEqual(expected);
      expect(linesOf([second.result.last])).toEqual(linesOf([whole.result.last]));
    }
  });
});

describe('event files', () => {
  it('of a run that went on twice have every step once, also where it went on from before its end', async () => {
    const keys = { token_budget: 1, max_steps: 7, save: { every: 2, states: 3 }, tensorboard: true };
    const recipe = recipeOf('sft', keys);
    await stopAt(recipe, 11);
    // As where it was killed: what was written last is torn, and the newest state is not there.
    const [first] = readdirSync(join(recipe.out, 'tensorboard'));
    const path = join(recipe.out, 'tensorboard', first!);
    truncateSync(path, readFileSync(path).length - 3);
    rmSync(join(recipe.out, 'states', statesIn(recipe.out).sort().at(-1)!), { recursive: true });
    const second = await attempt(recipe, (asked) => asked === 4, {});
    expect(second.steps.length).toBeGreaterThan(0);
    await trained(recipe, {});
    expect(readdirSync(join(recipe.out, 'tensorboard'))).toHaveLength(3);
    expect(stepsOfEvents(recipe.out)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await trained({ ...recipe, out: `${recipe.out}-anew` });
    expect(stepsOfEvents(`${recipe.out}-anew`)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('may be asked for when a run goes on', async () => {
    const recipe = recipeOf('sft', { token_budget: 1, max_steps: 5, save: { every: 2 } });
    const first = await stopAt(recipe, 7);
    await trained({ ...recipe, tensorboard: true }, {});
    expect(stepsOfEvents(recipe.out)).toEqual([1, 2, 3, 4, 5].slice(first.steps.length));
  });
});

describe('a run', () => {
  const keys = { token_budget: 1, max_steps: 6, save: { every: 2 } };

  it('keeps as many weights and states as it is told to, and by itself no states when it is done', async () => {
    const limited = recipeOf('sft', { ...keys, save: { every: 1, keep: 2, states: 3 } });
    await trained(limited);
    expect(readdirSync(join(limited.out, 'checkpoints')).sort()).toEqual(['step-4', 'step-5']);
    expect(statesIn(limited.out).sort()).toEqual(['step-4', 'step-5', 'step-6']);
    const usual = recipeOf('sft', keys);
    await stopAt(usual, 8);
    expect(statesIn(usual.out).sort()).toEqual(['step-2', 'step-4']);
    await trained(usual, {});
    expect(existsSync(join(usual.out, 'states'))).toBe(false);
    const none = recipeOf('sft', { ...keys, save: { every: 2, keep: 0, states: 0 } });
    await stopAt(none, 9);
    expect(readdirSync(none.out).sort()).toEqual(['metrics.jsonl', 'recipe.yaml', 'speed.jsonl']);
  });

  it('that is stopped says where its state cannot be saved', async () => {
    const recipe = recipeOf('sft', { ...keys, save: {} });
    const { error, events } = await attempt(recipe, (asked) => {
      if (asked === 8) writeFileSync(join(recipe.out, 'states'), 'in the way');
      return asked === 8;
    });
    expect(error).toBe(stopped);
    const notices = events.flatMap((event) => (event.kind === 'notice' ? [event.sentence] : []));
    expect(notices).toEqual([expect.stringMatching(/^not saved: .*states.*a part of the path is a file/)]);
  });

  it('that could go on is not begun anew by accident; one that is done is, without the traces of more steps', async () => {
    const recipe = recipeOf('sft', { ...keys, save: { every: 2, states: 1 } });
    await stopAt(recipe, 8);
    const before = contents(recipe.out);
    const { error } = await attempt(recipe);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(`${recipe.out} holds a run that stopped after step 4 of 6`);
    expect(contents(recipe.out)).toEqual(before);
    await trained(recipe, {});
    const shorter = { ...recipe, max_steps: 3 };
    await trained(shorter);
    const fresh = { ...recipeOf('sft', keys), save: recipe.save, max_steps: 3 };
    await trained(fresh);
    expect(lastingFiles(recipe.out)).toEqual(lastingFiles(fresh.out));
  });

  it('without a state, or with that of another recipe, data or model, is another run', async () => {
    const none = recipeOf('sft', keys);
    await stopAt(none, 1);
    const without = await attempt(none, undefined, {});
    expect(without.error).toBeInstanceOf(OtherRun);
    expect(String(without.error)).toContain(`${none.out} has no state to go on from`);

    const data = join(root, 'changing.jsonl');
    const rows = readRows(pairs);
    writeRows(data, rows);
    const recipe = recipeOf('redi', { ...keys, data });
    await stopAt(recipe, 9);
    const before = contents(recipe.out);
    const faster = { ...recipe, optimizer: { ...recipe.optimizer, lr: 2e-3 } };
    const changed = await attempt(faster, undefined, {});
    expect(changed.error).toBeInstanceOf(OtherRun);
    expect(String(changed.error)).toContain('optimizer.lr (0.001 then, 0.002 now)');
    expect(String(changed.error)).toContain(`\`redistill train --resume ${recipe.out} --allow-changes\``);
    writeRows(data, rows.slice(0, 4));
    const fewer = await attempt(recipe, undefined, {});
    expect(String(fewer.error)).toContain('what data names has changed');
    expect(contents(recipe.out)).toEqual(before);

    const allowed = await trained({ ...faster, max_steps: 8 }, { allowChanges: true });
    expect(allowed.steps.map(({ step }) => step)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(allowed.steps[0]!.learning_rate).toBeCloseTo(2e-3 * (6 / 7), 12);
  });

  it.each([
    ['REDISTILL_KERNELS', `kernels (${process.env.REDISTILL_KERNELS ?? 'on'} then, other now)`],
    ['ONEDNN_MAX_CPU_ISA', 'ONEDNN_MAX_CPU_ISA (not set then, other now)'],
    ['ATEN_CPU_CAPABILITY', 'ATEN_CPU_CAPABILITY (not set then, other now)'],
  ])(
    'of another build or of other instructions is refused, and the difference named: %s',
    async (name, words) => {
      const recipe = recipeOf('sft', keys);
      await stopAt(recipe, 9);
      const before = contents(recipe.out);
      const then = process.env[name];
      process.env[name] = 'other';
      try {
        const { error } = await attempt(recipe, undefined, {});
        expect(error).toBeInstanceOf(UserError);
        expect(error).not.toBeInstanceOf(OtherRun); // a pipeline does not begin anew for it
        expect(String(error)).toContain(words);
        expect(contents(recipe.out)).toEqual(before);
      } finally {
        if (then === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = then;
      }
    },
  );
});

describe('the tokens of a run that goes on', () => {
  const keys = { token_budget: 1, max_steps: 6, save: { every: 2, states: 1 } };
  const tokens = () => cacheFolder('tokens');

  afterEach(() => {
    vi.useRealTimers();
  });

  it('are those of the day on which it began, where the template asks for the day', async () => {
    const dated = join(root, 'dated');
    cpSync(model, dated, { recursive: true });
    const template = join(dated, 'chat_template.jinja');
    writeFileSync(template, `{{ strftime_now("%d") }}${readFileSync(template, 'utf8')}`);
    const on = (day: string) => vi.useFakeTimers({ toFake: ['Date'], now: new Date(`${day}T11:58`) });
    on('2026-03-30');
    const whole = await trained(recipeOf('sft', { ...keys, model: dated }));
    const recipe = recipeOf('sft', { ...keys, model: dated });
    await stopAt(recipe, 9);
    on('2026-03-31');
    rmSync(tokens(), { recursive: true });
    await trained(recipe, {});
    expect(lastingFiles(recipe.out)).toEqual(lastingFiles(whole.recipe.out));
    const later = await trained(recipeOf('sft', { ...keys, model: dated }));
    expect(later.steps[0]!.loss).not.toBe(whole.steps[0]!.loss);
  });

  it('are refused where the same rows have become others', async () => {
    const data = join(root, 'retokenised.jsonl');
    cpSync(pairs, data);
    const before = existsSync(tokens()) ? readdirSync(tokens()) : [];
    const recipe = recipeOf('redi', { ...keys, data });
    await stopAt(recipe, 17);
    const name = readdirSync(tokens()).find((file) => file.endsWith('.tokens') && !before.includes(file))!;
    const path = join(tokens(), name);
    using file = new TokenFile(path);
    using writer = new TokenFileWriter(path);
    const sequences = (row: number) => {
      const { first, end } = file.sequencesOf(row);
      return Array.from({ length: end - first }, (_, i) => {
        const { ids, responseStart } = file.read(first + i);
        return { role: file.role(first + i), row: { ids: ids.with(0, ids[0]! ^ 1), responseStart } };
      });
    };
    writer.write(
      Array.from({ length: file.rows }, (_, row) => ({
        ...{ line: file.line(row), digest: file.id(row).split('-')[0]!, sequences: sequences(row) },
      })),
    );
    writer.commit(file.notes);
    const { error } = await attempt(recipe, undefined, {});
    expect(error).toBeInstanceOf(OtherRun); // a pipeline begins anew, as for a file that has changed
    expect(String(error)).toContain('what the rows say as tokens has changed');
    expect(String(error)).toContain(`\`redistill train --resume ${recipe.out} --allow-changes\` goes on`);
    await trained(recipe, { allowChanges: true });
  });
});

describe('a damaged state', () => {
  const keys = { token_budget: 1, max_steps: 6, save: { every: 2 } };

  it.each<[string, string, (folder: string) => void]>([
    [
      'cut off',
      'bytes instead of',
      (folder) => {
        truncateSync(join(folder, TENSORS), 1000);
      },
    ],
    [
      'with a number changed',
      'other numbers in',
      (folder) => {
        const path = join(folder, TENSORS);
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      'with a description that was changed',
      'was changed after it had been written',
      (folder) => {
        const path = join(folder, 'state.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('"step": 4', '"step": 3'));
      },
    ],
    [
      'without a description',
      'state.json: ENOENT',
      (folder) => {
        rmSync(join(folder, 'state.json'));
      },
    ],
  ])('%s is one sentence, and the state before it goes on', async (_, words, damage) => {
    const whole = await trained(recipeOf('redi', keys));
    const recipe = recipeOf('redi', keys);
    await stopAt(recipe, 17);
    const folder = join(recipe.out, 'states', 'step-4');
    damage(folder);
    const before = contents(recipe.out);
    const { error } = await attempt(recipe, undefined, {});
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(`${folder} is damaged (`);
    expect(String(error)).toContain(words);
    expect(contents(recipe.out)).toEqual(before);
    rmSync(folder, { recursive: true });
    await trained(recipe, {});
    expect(lastingFiles(recipe.out)).toEqual(lastingFiles(whole.recipe.out));
  });

  it('or metrics that are shorter than the state says are noticed', async () => {
    const recipe = recipeOf('sft', keys);
    await stopAt(recipe, 9);
    const metrics = join(recipe.out, 'metrics.jsonl');
    writeFileSync(metrics, `${readFileSync(metrics, 'utf8').split('\n')[0]!}\n`);
    const { error } = await attempt(recipe, undefined, {});
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/metrics\.jsonl has not the \d+ bytes/);
  });
});

describe('--verify', () => {
  const keys = { token_budget: 1, max_steps: 6, save: { every: 2 } };

  it('computes a step again, finds one that was another, and leaves the run as it is', async () => {
    const whole = await trained(recipeOf('dpo', keys));
    const recipe = recipeOf('dpo', keys);
    await stopAt(recipe, 33);
    const metrics = join(recipe.out, 'metrics.jsonl');
    const text = readFileSync(metrics, 'utf8');
    const lines = text.trimEnd().split('\n');
    const third = JSON.parse(lines[2]!) as { loss: number };
    lines[2] = JSON.stringify({ ...third, loss: third.loss + 1e-9 });
    writeFileSync(metrics, `${lines.join('\n')}\n`);
    const { error } = await attempt(recipe, undefined, { verify: true });
    expect(String(error)).toContain('step 3, computed again, is not that of metrics.jsonl: loss ');
    writeFileSync(metrics, text);
    const { events } = await trained(recipe, { verify: true });
    expect(events).toContainEqual({
      kind: 'notice',
      sentence: `step 3, computed again from ${join(recipe.out, 'states/step-2')}, is that of metrics.jsonl to the last bit`,
    });
    expect(lastingFiles(recipe.out)).toEqual(lastingFiles(whole.recipe.out));
  });

  it('finds the line of a step in a metrics.jsonl that lacks earlier ones', async () => {
    const recipe = recipeOf('sft', { ...keys, save: { every: 1, states: 9 } });
    await attempt(recipe, () => stepLines(recipe.out).length === 3);
    const metrics = join(recipe.out, 'metrics.jsonl');
    writeFileSync(metrics, `${stepLines(recipe.out)[0]!}\n`);
    await attempt(recipe, () => stepLines(recipe.out).length === 3, { allowChanges: true });
    expect(stepLines(recipe.out).map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([
      1, 4, 5,
    ]);
    const { events } = await trained(recipe, { verify: true });
    expect(JSON.stringify(events)).toContain('step 5, computed again from');
  });

  it('says where there is nothing to compare with', async () => {
    const recipe = recipeOf('sft', { ...keys, save: {} });
    await stopAt(recipe, 9);
    const { error } = await attempt(recipe, undefined, { verify: true });
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain('has no step after a state that could be computed again');
  });
});

it('a state knows its next rows by what they say: another row in the same line is another one', async () => {
  const recipe = recipeOf('sft', { max_steps: 4 });
  const changed = join(root, 'changed.jsonl');
  writeFileSync(changed, readFileSync(messages, 'utf8').replaceAll('it is 6', 'it is 7'));
  const plan = planSteps(recipe, 5);
  const next: string[][][] = [];
  for (const data of [messages, changed]) {
    using examples = (await prepareExamples({ ...recipe, data }, createObjective({ name: 'sft' }))).examples;
    next.push([0, 1, 2].map((step) => nextRows(step, plan, examples)));
    const first = next[0]!;
    const check = (step: number) => {
      const position = { step, data: { rows: 5, next: first[step]! } };
      requireSamePlace({ folder: 'step-1', position } as unknown as TrainState, plan, examples, {});
    };
    const other = next.at(-1)!.findIndex((ids, step) => ids.join() !== first[step]!.join());
    for (const step of [0, 1, 2].filter((step) => step !== other)) check(step);
    if (data === messages) continue;
    expect(() => {
      check(other);
    }).toThrow('step-1: the next step would take other rows than it would have taken then');
  }
});

describe('the sum of a tensor', () => {
  it.each([[1], [2], [7], [4096], [100_001]])('of %d floats is that of its 64-bit words', (length) => {
    const values = Float32Array.from({ length }, (_, i) => Math.sin(i) * 10 ** ((i % 60) - 30));
    const view = new DataView(values.buffer);
    let expected = length % 2 === 1 ? BigInt(view.getUint32(4 * (length - 1), true)) : 0n;
    for (let i = 0; i + 2 <= length; i += 2) expected += view.getBigUint64(4 * i, true);
    const digits = BigInt.asUintN(64, expected).toString(16).padStart(16, '0');
    expect(scope(() => sumOf(fromArray(values)))).toBe(digits);
  });
});
