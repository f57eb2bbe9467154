import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { parsePipeline, resolveReferences } from './recipe.js';

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
const parse = (...stages: object[]) => parsePipeline({ out: 'runs/x', stages }, 'line.yaml');
const message = (...stages: object[]): string => {
  try {
    parse(...stages);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

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

  it.each(['trian', '', 'Train', 'toString', 'constructor', '__proto__'])(
    'refuses the kind "%s"',
    (stage) => {
      expect(message({ name: 'a', stage })).toBe(
        `line.yaml: stage "a" has kind "${stage}"; kinds are get, traces, train, sample, evaluate, table`,
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
    expect(message(...stages)).toBe(`line.yaml, stage sft: "@${name}" is no earlier stage`);
  });

  it('finds references inside lists and parts', () => {
    const problems = { file: '@nowhere' };
    const sampling = { max_new_tokens: 8 };
    expect(message(get('m'), { name: 'e', stage: 'evaluate', model: '@m', problems, sampling })).toBe(
      'line.yaml, stage e: "@nowhere" is no earlier stage',
    );
    const rows = [
      { name: 'A', label: 'a', evaluation: '@m' },
      { name: 'B', label: 'b', evaluation: '@none' },
    ];
    expect(message(get('m'), { name: 't', stage: 'table', rows })).toBe(
      'line.yaml, stage t: "@none" is no earlier stage',
    );
  });

  it.each<[string, object[], string | RegExp]>([
    ['an unknown key', [train('sft', { epoch: 1 })], 'line.yaml, stage sft: unknown key "epoch"; '],
    [
      'an unknown key inside',
      [get('m'), train('sft', { optimizer: { lr: 1, b: 1 } })],
      'line.yaml, stage sft: unknown key "optimizer.b"; ',
    ],
    ['a wrong type', [train('sft', { batch_size: 'x' })], 'line.yaml, stage sft: field "batch_size": '],
    ['a missing field', [{ name: 'student', stage: 'get' }], 'line.yaml, stage student: field "model": '],
    [
      'its own place on disk',
      [train('sft', { out: 'elsewhere' })],
      'line.yaml, stage sft: unknown key "out"; ',
    ],
    [
      'epochs and max_steps',
      [train('sft', { epochs: 1, max_steps: 1 })],
      'line.yaml, stage sft: field "max_steps": give epochs or max_steps, not both',
    ],
  ])('names file, stage and field of %s', (_, stages, expected) => {
    expect(message(...stages)).toMatch(expected);
  });

  it.each<[string, unknown, string]>([
    ['no stages', { out: 'x' }, 'line.yaml: field "stages": '],
    ['an empty list of stages', { out: 'x', stages: [] }, 'line.yaml: field "stages": '],
    ['no out', { stages: [get('a')] }, 'line.yaml: field "out": '],
    ['another key', { out: 'x', stages: [get('a')], seed: 1 }, 'line.yaml: unknown key "seed"'],
    ['a stage without a name', { out: 'x', stages: [{ stage: 'get' }] }, 'field "stages.0.name": '],
    ['a stage without a kind', { out: 'x', stages: [get('a'), { name: 'b' }] }, 'field "stages.1.stage": '],
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
