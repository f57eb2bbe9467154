import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../test/support/refusal.js';
import { parseRecipe } from '../recipe/parse.js';
import { readRecipe } from '../recipe/recipe.js';
import { trainRecipe } from '../train/settings.js';
import { UserError } from '../util/errors.js';
import { parsePipeline, resolveReferences } from './pipeline.js';
import { stageKinds } from './stages/index.js';

const get = (name: string, model = 'smollm2-135m') => ({ name, stage: 'get', model });
const train = (name: string, keys: object = {}) => ({
  name,
  stage: 'train',
  model: 'm',
  data: 'd.jsonl',
  objective: { name: 'sft' },
  optimizer: { lr: 1e-5 },
  ...keys,
});
const all = [
  ...['get', 'collect', 'verify', 'curate', 'rewards', 'doctor', 'score', 'columns', 'train'],
  ...['evaluate', 'choose'],
  ...['table', 'compare'],
];
const parse = (...stages: object[]) => parsePipeline({ out: 'runs/x', stages }, 'line.yaml');
const message = (...stages: object[]): string => refusalOf(() => parse(...stages));

describe('parsePipeline', () => {
  it('keeps the stages in order, each with its kind and its settings with defaults', () => {
    const { out, stages } = parse(
      get('student'),
      train('sft', { model: '@student', data: '@student/d.jsonl' }),
    );
    expect(out).toBe('runs/x');
    expect(stages.map(({ name, kind }) => [name, kind])).toEqual([
      ['student', 'get'],
      ['sft', 'train'],
    ]);
    expect(stages[0]!.config).toEqual({ model: 'smollm2-135m' });
    expect(stages[1]!.config).toMatchObject({ model: '@student', batch_size: 8, seed: 42 });
    expect(stages[1]!.config).not.toHaveProperty('name');
    expect(stages[1]!.config).not.toHaveProperty('stage');
  });

  it('names a stage that is there twice', () => {
    expect(message(get('a'), get('b'), get('a'))).toBe('line.yaml: there are two stages named "a"');
  });

  it.each(['', 'A', '1st', 'a_b', 'a/b', '..', 'a b', '-a', 'a\n', 'ä'])('refuses the name "%s"', (name) => {
    expect(message(get(name))).toBe(
      `line.yaml: stage name "${name}" must be lower-case letters, digits and hyphens`,
    );
  });

  // What were kinds once are refused like any other.
  it.each([
    ['trian', 'train'],
    ['Train', 'train'],
    ['evalute', 'evaluate'],
    ...['', 'toString', 'constructor', '__proto__', 'traces', 'sample'].map((kind) => [kind, '[a-z]+']),
  ] as [string, string][])(
    'refuses the kind "%s", and says which is meant, which there are and where they are explained',
    (stage, nearest) => {
      const kinds = Object.keys(stageKinds);
      expect(kinds).toEqual(all);
      expect(message({ name: 'a', stage })).toMatch(
        new RegExp(
          `^line\\.yaml: stage "a" has kind "${stage}" \\(the nearest is "${nearest}"\\); ` +
            `kinds are ${kinds.join(', ')} \\(docs/recipes\\.md\\)$`,
        ),
      );
    },
  );

  it.each<[string, object[], string]>([
    ['to no stage', [train('sft', { model: '@student' })], 'student'],
    ['to a later stage', [train('sft', { model: '@student' }), get('student')], 'student'],
    ['to no name that a stage can have', [get('student'), train('sft', { model: '@Student' })], 'Student'],
    ['to a name that goes on', [get('student'), train('sft', { model: '@student_2' })], 'student_2'],
    ['to itself', [train('sft', { model: '@sft' })], 'sft'],
    ['with a path behind it', [train('sft', { data: '@own/pref.jsonl' })], 'own'],
    [
      'to a stage of which another name begins alike',
      [get('student'), train('sft', { model: '@student-2' })],
      'student-2',
    ],
  ])('refuses a reference %s', (_, stages, name) => {
    expect(message(...stages)).toBe(`line.yaml, stage sft: "@${name}" is not an earlier stage`);
  });

  it('finds references inside lists and parts', () => {
    const sampling = { forced_prefix: '@nowhere' };
    expect(message(get('m'), { name: 'e', stage: 'evaluate', model: '@m', data: 'd', sampling })).toBe(
      'line.yaml, stage e: "@nowhere" is not an earlier stage',
    );
    const data = ['d.jsonl', '@none/d.jsonl'];
    expect(message(get('m'), { name: 'v', stage: 'verify', data })).toBe(
      'line.yaml, stage v: "@none" is not an earlier stage',
    );
    const rows = [
      { name: 'A', label: 'a', evaluation: 'runs/a' },
      { name: 'B', label: 'b', evaluation: '@none' },
    ];
    expect(message(get('m'), { name: 't', stage: 'table', rows })).toBe(
      'line.yaml, stage t: "@none" is not an earlier stage',
    );
  });

  it('takes a stage of every kind, each with the settings of its command', () => {
    const answering = { model: '@student', data: 'p.jsonl', sampling: { max_tokens: 8 } };
    const lines: Record<string, object> = {
      get: { model: 'smollm2-135m' },
      collect: { ...answering, samples: 2, instruction: '' },
      verify: { data: ['@collect'], preset: 'reward' },
      curate: { data: '@verify', length_filter: false, pairs: 'balanced' },
      rewards: { data: '@verify', advantage: 'dapo' },
      doctor: { data: '@verify', model: '@get', against: 'math500.jsonl' },
      score: { data: '@verify', model: '@get', tokens: true },
      columns: { data: '@verify', model: '@get', as: 'hindsight', context: 'hindsight' },
      train: train('x', { model: '@get', data: '@columns' }),
      evaluate: { ...answering, model: '@train', grader: 'verify' },
      choose: { among: [{ name: 'A', label: 'a', model: '@train', evaluation: '@evaluate' }] },
      table: { rows: [{ name: 'A', label: 'a', evaluation: '@evaluate' }] },
      compare: { before: '@evaluate', after: ['@evaluate'] },
    };
    expect(Object.keys(lines)).toEqual(Object.keys(stageKinds));
    const stages = Object.entries(lines).map(([stage, keys]) => ({ ...keys, name: stage, stage }));
    const parsed = parse(get('student'), ...stages).stages.slice(1);
    expect(parsed.map(({ kind }) => kind)).toEqual(all);
    const configs = Object.fromEntries(parsed.map(({ kind, config }) => [kind, config]));
    expect(configs.collect).toMatchObject({
      ...{ samples: 2, instruction: '', api: 'chat', skip: 0 },
      sampling: { temperature: 0.6, top_p: 0.95, max_tokens: 8, calculator: false },
    });
    expect(configs.verify).toMatchObject({ preset: 'reward', judge: false, concurrency: 8 });
    expect(configs.curate).toMatchObject({ verdicts: 'LandMV', pairs: 'balanced', length_filter: false });
    expect(configs.doctor).toMatchObject({ layout: 'template', against: 'math500.jsonl' });
    expect(configs.score).toMatchObject({ dtype: 'f32', tokens: true, token_budget: 2048 });
    expect(configs.evaluate).toMatchObject({
      ...{ samples: 1, instruction: '', grader: ['verify'] },
      sampling: { temperature: 0, top_p: 1, max_tokens: 8 },
    });
    expect(configs.table).toMatchObject({ against: [], notes: [] });
  });

  it.each<[string, object[], string]>([
    [
      'an unknown key',
      [train('sft', { epoch: 1 })],
      'line.yaml, stage sft: unknown key "epoch" (the nearest is "epochs"); docs/recipes.md, section "train", has all keys',
    ],
    [
      'an unknown key inside',
      [get('m'), train('sft', { optimizer: { lr: 1, beta: 1 } })],
      'line.yaml, stage sft: unknown key "optimizer.beta" (the nearest is "optimizer.betas"); docs/recipes.md, section "train", has all keys',
    ],
    [
      'an unknown key inside a stage of another kind',
      [{ name: 'e', stage: 'evaluate', model: 'm', data: 'd', sampling: { max_new_tokens: 4 } }],
      'line.yaml, stage e: unknown key "sampling.max_new_tokens": here it is "sampling.max_tokens"; docs/recipes.md, section "evaluate", has all keys',
    ],
    [
      'a wrong type',
      [train('sft', { batch_size: 'x' })],
      'line.yaml, stage sft: field "batch_size": must be a whole number from 1 up, not "x"',
    ],
    [
      'a missing field',
      [{ name: 'student', stage: 'get' }],
      'line.yaml, stage student: "model" is missing: smollm2-135m, owner/name[@revision] on a hub, a directory, or a .gguf file',
    ],
    [
      'a missing field inside',
      [train('sft', { optimizer: {} })],
      'line.yaml, stage sft: "optimizer.lr" is missing: the highest learning rate, such as 1e-6',
    ],
    [
      'a missing field in a list',
      [{ name: 't', stage: 'table', rows: [{ name: 'A', label: 'a' }] }],
      'line.yaml, stage t: "rows.0.evaluation" is missing: an evaluation\'s folder',
    ],
    [
      'epochs and max_steps',
      [train('sft', { epochs: 1, max_steps: 1 })],
      'line.yaml, stage sft: field "max_steps": give epochs or max_steps, not both',
    ],
  ])('names file, stage and field of %s', (_, stages, expected) => {
    expect(message(...stages)).toBe(expected);
  });

  it('leaves its place on disk to the pipeline', () => {
    expect(message(train('sft', { out: 'elsewhere' }))).toMatch(
      /^line\.yaml, stage sft: unknown key "out".*; docs\/recipes\.md, section "train", has all keys$/,
    );
  });

  it.each<[string, unknown, string]>([
    ['no stages', { out: 'x' }, 'line.yaml: "stages" is missing'],
    ['an empty list of stages', { out: 'x', stages: [] }, 'line.yaml: field "stages": '],
    ['a stage in place of a list', { out: 'x', stages: get('a') }, 'line.yaml: field "stages": '],
    ['no out', { stages: [get('a')] }, 'line.yaml: "out" is missing'],
    ['an empty out', { out: '', stages: [get('a')] }, 'line.yaml: field "out": '],
    ['another key', { out: 'x', stages: [get('a')], seed: 1 }, 'line.yaml: unknown key "seed" ('],
    ['a stage without a name', { out: 'x', stages: [{ stage: 'get' }] }, '"stages.0.name" is missing'],
    [
      'a stage without a kind',
      { out: 'x', stages: [get('a'), { name: 'b' }] },
      '"stages.1.stage" is missing',
    ],
    ['nothing', null, 'line.yaml: '],
  ])('refuses a file with %s', (_, value, expected) => {
    expect(() => parsePipeline(value, 'line.yaml')).toThrow(UserError);
    expect(() => parsePipeline(value, 'line.yaml')).toThrow(expected);
  });
});

describe('resolveReferences', () => {
  const results = new Map([
    ['student', '/runs/student/model'],
    ['student-2', '/runs/two'],
    ['own', '/runs/own'],
  ]);

  it('puts the path in the place of the name, with what stands behind it', () => {
    expect(resolveReferences({ model: '@student', data: '@own/pref.jsonl' }, results)).toEqual({
      value: { model: '/runs/student/model', data: '/runs/own/pref.jsonl' },
      inputs: ['/runs/student/model', '/runs/own/pref.jsonl'],
    });
  });

  it('takes the whole name', () => {
    expect(resolveReferences('@student-2/x', results).value).toBe('/runs/two/x');
  });

  it('walks lists and parts, and keeps what is no reference', () => {
    const value = {
      rows: [{ evaluation: '@own' }, { evaluation: '@student' }, ['@own/a', 'own', 'a@own', '@']],
      lr: 1e-5,
      deep: { deeper: { path: '@student-2' } },
      none: null,
      flag: false,
      text: '',
    };
    const copy = structuredClone(value);
    const resolved = resolveReferences(value, results);
    expect(resolved.value).toEqual({
      rows: [
        { evaluation: '/runs/own' },
        { evaluation: '/runs/student/model' },
        ['/runs/own/a', 'own', 'a@own', '@'],
      ],
      lr: 1e-5,
      deep: { deeper: { path: '/runs/two' } },
      none: null,
      flag: false,
      text: '',
    });
    expect(resolved.inputs).toEqual(['/runs/own', '/runs/student/model', '/runs/own/a', '/runs/two']);
    expect(value).toEqual(copy);
  });

  it('lists no inputs where there are no references', () => {
    expect(resolveReferences({ model: './student', seed: 1 }, results)).toEqual({
      value: { model: './student', seed: 1 },
      inputs: [],
    });
  });
});

describe('the recipes of the repository', () => {
  const folder = fileURLToPath(new URL('../../recipes', import.meta.url));
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('-study.yaml')) // src/study reads those
    .map((name) => join(folder, name));

  it('are there', () => {
    expect(paths.map((path) => basename(path))).toEqual(
      expect.arrayContaining(['quickstart.yaml', 'redi.yaml']),
    );
  });

  it.each(paths.map((path) => [basename(path), path]))('%s parses', (name, path) => {
    const value = readRecipe(path).value as { stages?: { name: string }[]; out: string };
    if (value.stages) {
      const { stages, out } = parsePipeline(value, name);
      expect(out).toBe(value.out);
      expect(stages.map((stage) => stage.name)).toEqual(value.stages.map((stage) => stage.name));
    } else {
      expect(parseRecipe(trainRecipe, value, name)).toMatchObject({ stage: 'train', out: value.out });
    }
  });
});
