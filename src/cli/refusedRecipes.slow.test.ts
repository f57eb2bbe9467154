import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { expectError, tinyCommands, trainKeys } from '../../test/support/tinyCommands.js';
import { redistill } from '../../test/support/tinyModel.js';

const { path, tiny, messages, pairs, prompts, problems, file, recipe, pipeline, score, generate } =
  tinyCommands();

describe.concurrent('refuses recipes', () => {
  const out = path('no-run');
  afterAll(() => {
    expect(existsSync(out)).toBe(false);
  });
  const train = (keys: object, ...settings: string[]) => [
    'train',
    recipe({ out, ...keys }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const stage = { name: 'a', stage: 'get', model: tiny };
  const run = (stages: readonly object[], ...settings: string[]) => [
    'run',
    pipeline({ out, stages }),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const tuning = { stage: 'train', model: tiny, data: messages, max_steps: 1, ...trainKeys };

  it.each<[string, () => string[], string]>([
    ['train: unknown key', () => train({}, 'learning=1'), 'unknown key "learning" (the nearest is "'],
    ['train: unknown inner key', () => train({}, 'optimizer.rate=1'), 'unknown key "optimizer.rate" ('],
    [
      'train: unknown key, with the page that has all of them',
      () => train({ batchsize: 1 }),
      'unknown key "batchsize" (the nearest is "batch_size"); `redistill train --help` has all keys',
    ],
    ['train: unknown parameter of the objective', () => train({}, 'objective.alfa=1'), '"alfa"'],
    ['train: unknown objective', () => train({}, 'objective.name=ppo'), 'no objective "ppo"'],
    ['train: value out of range', () => train({}, 'optimizer.lr=-1'), 'field "optimizer.lr"'],
    [
      'train: parameter out of range',
      () => train({ data: pairs, objective: { name: 'redi' } }, 'objective.alpha=7'),
      'alpha must be a number from -1 to 1',
    ],
    ['train: text for a number', () => train({}, 'batch_size=many'), 'field "batch_size"'],
    ['train: no assignment', () => train({}, 'batch_size'), '--set batch_size: write key=value'],
    ['train: no key', () => train({}, '__proto__.a=1'), 'is not a key'],
    ['train: a key within a value', () => train({ seed: 1 }, 'seed.a=1'), '"seed" holds no keys'],
    ['train: broken YAML in --set', () => train({}, 'optimizer={lr: ['), '--set optimizer={lr: ['],
    ['train: missing field', () => train({ data: undefined }), '"data" is missing'],
    ['train: missing inner field', () => train({ optimizer: {} }), '"optimizer.lr" is missing'],
    ['train: both epochs and steps', () => train({ epochs: 1 }), 'give epochs or max_steps, not both'],
    ['train: broken YAML', () => ['train', file('yaml', 'model: [a\nb: {')], 'is not YAML'],
    ['train: a list', () => ['train', file('yaml', '- a\n')], 'a recipe is a list of keys and values'],
    ['train: unknown device', () => train({ device: 'tpu' }), 'device "tpu" is not known'],
    ['run: unknown key', () => run([stage], 'forced=1'), 'unknown key "forced"'],
    ['run: no stage of that name', () => run([stage], 'stages.other.model=x'), '"stages" has no "other"'],
    [
      'run: unknown key of a named stage',
      () => run([stage], `stages.${stage.name}.modell=x`),
      'stage a: unknown key "modell" (the nearest is "model"); docs/recipes.md, section "get", has all keys',
    ],
    ['run: value out of range', () => run([stage], 'out=""'), 'field "out"'],
    ['run: broken YAML in --set', () => run([stage], 'out="'), '--set out="'],
    [
      'run: unknown key of a stage',
      () => run([{ ...stage, revision: 1 }]),
      'stage a: unknown key "revision" (the nearest is "model"); docs/recipes.md, section "get", has all keys',
    ],
    [
      'run: unknown key inside a part of a stage',
      () =>
        run([
          {
            name: 'a',
            stage: 'evaluate',
            model: tiny,
            data: problems,
            sampling: { max_new_tokens: 4 },
          },
        ]),
      'stage a: unknown key "sampling.max_new_tokens": here it is "sampling.max_tokens"; docs/recipes.md, section "evaluate", has all keys',
    ],
    ['run: missing key of a stage', () => run([{ name: 'a', stage: 'get' }]), 'stage a: "model" is missing'],
    [
      'run: unknown parameter of an objective, before any stage',
      () => run([stage, { ...tuning, name: 'b', objective: { name: 'redi', alfa: 1 } }]),
      'objective redi has no parameter "alfa"',
    ],
    ['run: broken YAML', () => ['run', file('yaml', 'out: "a\nstages:')], 'is not YAML'],
    ['run: no stages', () => run([]), 'field "stages"'],
    [
      'run: unknown kind',
      () => run([{ ...stage, stage: 'tune' }]),
      '"); kinds are get, collect, verify, curate, rewards, doctor, score, columns, train, evaluate, choose, table, compare (docs/recipes.md)',
    ],
    [
      'columns: a contrast with nothing',
      () => ['columns', pairs, '--model', tiny, '--as', 'contrast', '--read', 'contrast', '--out', 'c.jsonl'],
      'name the model that is compared with in --contrast-with',
    ],
    [
      'run: a kind that all objects have',
      () => run([{ ...stage, stage: 'toString' }]),
      'has kind "toString"',
    ],
    [
      'run: a reference to no stage',
      () => run([{ ...tuning, name: 'b', model: '@student' }]),
      'stage b: "@student" is not an earlier stage',
    ],
    [
      'run: a reference to a later stage',
      () => run([{ ...tuning, name: 'b', model: '@a' }, stage]),
      '"@a" is not an earlier stage',
    ],
    ['run: two stages of one name', () => run([stage, stage]), 'two stages named "a"'],
  ])('%s', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
  });

  it.each<[string, () => string[], string]>([
    ['an unknown command', () => ['finetune'], "unknown command 'finetune'"],
    ['an unknown flag', () => score(messages, '--bogus'), "unknown option '--bogus'"],
    ['a missing flag', () => ['score', '--model', tiny], 'score: --data is missing'],
    ['a missing output', () => ['collect', problems, '--model', tiny], 'collect: --out is missing'],
    ['a flag out of range', () => generate(prompts, '--top-p', '2'), 'must be a number above 0'],
    ['a choice that is none', () => score(messages, '--dtype', 'f8'), 'Allowed choices are bf16, f32'],
    ['samples that would all be greedy', () => generate(prompts, '--samples', '2'), 'set a temperature'],
  ])('%s on the command line', async (_, args, sentence) => {
    expectError(await redistill(args()), 2, sentence);
  });
});
