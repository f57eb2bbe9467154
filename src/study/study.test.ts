import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { parsePipeline } from '../pipeline/pipeline.js';
import { readRecipe } from '../recipe/recipe.js';
import { studiesPage } from './reference.js';
import { parseStudy } from './settings.js';
import { describePlan, study } from './study.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-study-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const recipe: Record<string, unknown> = {};
beforeAll(() => {
  const model = join(root, 'tiny');
  writeTinyModel(model);
  const pairs = writeRows(join(root, 'pairs.jsonl'), [
    { chosen: turns('2+2?', '4'), rejected: turns('2+2?', '5') },
  ]);
  const data = writeRows(join(root, 'problems.jsonl'), [{ problem: '2+2?', answer: '4' }]);
  Object.assign(recipe, {
    out: join(root, 'study'),
    control: 'more-sft',
    model: '@student',
    stages: [{ name: 'student', stage: 'train', model, data: pairs, objective: 'sft' }],
    tune: [{ student: { optimizer: { lr: 1e-4 } } }, { student: { optimizer: { lr: 1e-2 } } }],
    development: { dev: { data } },
    tests: { far: { data } },
    arms: [{ name: 'more-sft' }, { name: 'redi', patch: { student: { objective: 'redi' } } }],
  });
});
describe('a study', () => {
  const plan = (changes: object = {}): string => {
    const path = join(root, 'recipe.yaml');
    writeFileSync(path, toYaml({ ...recipe, ...changes }));
    return describePlan(readRecipe(path));
  };

  it('is told from a pipeline', () => {
    expect(() => parsePipeline(recipe, 'recipe.yaml')).toThrow('`redistill study recipe.yaml` takes it');
  });

  it('crosses arms, settings and seeds', () => {
    const stages = plan().split('\n').slice(3);
    const tuned = ['more-sft', 'redi'].flatMap((arm) =>
      [1, 2].flatMap((c) => [`${arm}-c${c}-s1-student  train`, `${arm}-c${c}-s1-dev  evaluate`]),
    );
    const tested = [1, 2, 3].flatMap((seed) =>
      ['more-sft', 'redi'].flatMap((arm) => [
        ...(seed === 1 ? [] : [`${arm}-c1-s${seed}-student  train`]),
        `${arm}-c1-s${seed}-far  evaluate`,
      ]),
    );
    expect(stages).toEqual([...tuned, ...tested].map((line) => `  ${line}`));
  });

  it.each<[string, object, ...string[]]>([
    [
      'a control that is no arm',
      { control: 'moresft' },
      'there is no arm "moresft" (the nearest is "more-sft")',
    ],
    [
      'a patch of no stage',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { studnt: {} } }] },
      '"studnt" (the nearest is "student") is none of',
    ],
    [
      'two arms of one name',
      { arms: [{ name: 'more-sft' }, { name: 'more-sft' }] },
      'two arms named "more-sft"',
    ],
    [
      'a key that a stage has not',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { student: { epoch: 2 } } }] },
      'line ',
      'unknown key "epoch"',
      'epochs',
    ],
    [
      'an objective that there is none of',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { student: { objective: { name: 'redy' } } } }] },
      '"redy"',
    ],
    [
      'an arm without its model',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { student: null } }] },
      'arm "b" leaves out the stage "student"',
      'give the arm a `model`',
    ],
    ['several settings and nothing to choose by', { development: {} }, 'no `development` to choose by'],
    ['a test with a model', { tests: { far: { model: 'x', data: 'y' } } }, '"far" has a model of its own'],
    ['no test', { tests: {} }, 'no evaluation to compare by'],
    ['two of one name', { development: { student: {} } }, 'two stages or evaluations are named "student"'],
    ['a seed twice', { seeds: [1, 1] }, 'the seed 1 is there twice'],
    [
      'a seed that all seeds would share',
      { stages: [{ name: 'student', stage: 'train', seed: 1 }] },
      '"student" has a seed of its own',
    ],
    [
      'a seed of an arm that all seeds would share',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { student: { seed: 1 } } }] },
      'line ',
      '"student" has a seed of its own',
    ],
    ['a seed of a setting', { tune: [{ student: { seed: 1 } }] }, 'line ', '"student" has a seed of its own'],
    ...['model', 'data', 'problem_field', 'answer_field', 'shuffle', 'skip', 'count', 'grader'].map(
      (key): [string, object, ...string[]] => [
        `an arm whose evaluation has another ${key}`,
        { arms: [{ name: 'more-sft' }, { name: 'b', patch: { far: { [key]: 1 } } }] },
        'line ',
        `"${key}" of "far" is the same for all arms`,
      ],
    ),
    [
      'a setting that is chosen by other problems',
      { tune: [{}, { dev: { count: 1 } }] },
      '"count" of "dev" is the same for all arms',
    ],
    [
      'an arm without an evaluation',
      { arms: [{ name: 'more-sft' }, { name: 'b', patch: { far: null } }] },
      '"far" is an evaluation, which every arm has',
    ],
    [
      'an arm whose stages are those of another arm by their names',
      {
        arms: [{ name: 'more-sft' }, { name: 'more-sft-c2', tune: [{ student: { optimizer: { lr: 1 } } }] }],
      },
      'line ',
      'arm "more-sft-c2" has a stage "more-sft-c2-s1-student", and so has another part of the study',
    ],
    [
      'an arm whose stage has the name of a shared one',
      { shared: [{ name: 'more-sft-c1-s3-student', stage: 'get', model: 'smollm2-135m' }] },
      'arm "more-sft" has a stage "more-sft-c1-s3-student"',
    ],
    [
      'an arm with a long name',
      { arms: [{ name: 'more-sft' }, { name: 'b'.repeat(61) }] },
      'must be a small letter, and then at most 59 more, digits or hyphens',
    ],
    [
      'an arm with a capital letter',
      { arms: [{ name: 'more-sft' }, { name: 'B' }] },
      'must be a small letter',
    ],
    [
      'a grader that gives no verdicts',
      { grader: 'gsm8k' },
      'line ',
      '"dev" is not graded by "gsm8k", only by',
    ],
    ['one arm', { arms: [{ name: 'more-sft' }] }, 'arms'],
    ['a recipe of a pipeline', { arms: undefined }, 'this is no study: `redistill run '],
  ])('refuses %s', (_, changes, ...words) => {
    for (const word of words) expect(() => plan(changes)).toThrow(word);
  });
});

describe('a study whose test', () => {
  it.each([
    ['has the problems of the development set', {}],
    ['has the problems that a stage asks', { tune: [{ student: { optimizer: { lr: 1e-4 } } }], asks: true }],
  ])(
    '%s is refused before anything runs',
    async (_, { asks, ...changes }: { asks?: boolean; tune?: object }) => {
      const path = join(root, 'seen.yaml');
      const out = join(root, 'seen');
      const collect = {
        name: 'asked',
        stage: 'collect',
        model: join(root, 'tiny'),
        data: join(root, 'problems.jsonl'),
      };
      writeFileSync(path, toYaml({ ...recipe, ...changes, out, ...(asks && { shared: [collect] }) }));
      const options = { signal: new AbortController().signal, log: () => undefined };
      await expect(study(readRecipe(path), options)).rejects.toThrow(
        '"far" has no problem that was not trained on',
      );
      expect(existsSync(out)).toBe(false);
    },
  );
});

describe('a stage whose name another begins with', () => {
  it('may be left out', () => {
    const path = join(root, 'prefix.yaml');
    const model = join(root, 'tiny');
    const [train, data] = [
      { stage: 'train', model, data: join(root, 'pairs.jsonl') },
      join(root, 'problems.jsonl'),
    ];
    const prefix = {
      ...{ out: join(root, 'prefix'), control: 'a', model: '@first-two' },
      stages: [
        { name: 'first', ...train, objective: 'sft', optimizer: { lr: 1e-4 } },
        { name: 'first-two', ...train, objective: 'redi', optimizer: { lr: 1e-4 } },
      ],
      tests: { far: { data } },
      arms: [{ name: 'a' }, { name: 'b', patch: { first: null } }],
    };
    writeFileSync(path, toYaml(prefix));
    expect(describePlan(readRecipe(path))).toContain('b-s1-first-two  train');
  });
});

describe('docs/studies.md', () => {
  it('is what the schema says (else: npm run docs)', () => {
    expect(readFileSync(new URL('../../docs/studies.md', import.meta.url), 'utf8')).toBe(studiesPage());
  });

  it('has an example that is a study', () => {
    const [, example] = /```yaml\n([^]*?)```/.exec(studiesPage())!;
    const path = join(root, 'example.yaml');
    writeFileSync(path, example!);
    expect(parseStudy(readRecipe(path)).arms.map(({ name }) => name)).toEqual(['more-sft', 'redi', 'before']);
  });
});

describe('recipes/sign-study.yaml', () => {
  it('can be planned', () => {
    const recipe = readRecipe(new URL('../../recipes/sign-study.yaml', import.meta.url).pathname);
    expect(describePlan(recipe)).toContain('18 arms × 3 seeds, compared with sft-2x on mawps, svamp, gsm8k');
  });
});
