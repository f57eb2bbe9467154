import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../test/support/refusal.js';
import { parseRecipe } from '../recipe/parse.js';
import { readRecipe } from '../recipe/recipe.js';
import { trainRecipe, trainSettings } from './settings.js';

/** What every recipe must have. */
const least = {
  model: './student',
  data: 'rows.jsonl',
  out: 'runs/1',
  objective: { name: 'sft' },
  optimizer: { lr: 1e-5 },
};
const parse = (keys: object) => parseRecipe(trainRecipe, { ...least, ...keys }, 'my.yaml');

describe('trainRecipe', () => {
  it('fills in the defaults', () => {
    expect(parse({})).toEqual({
      stage: 'train',
      ...least,
      layout: 'template',
      doctor: 'refuse',
      optimizer: {
        lr: 1e-5,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0,
        clip_grad_norm: 1,
        moments: 'f32',
        offload: false,
      },
      schedule: { warmup_ratio: 0.1, decay: 'linear' },
      batch_size: 8,
      proofs: 'on',
      recompute: false,
      dtype: 'bf16',
      device: 'cpu',
      seed: 42,
      deterministic: false,
      sentinel: { act: 'warn', every: 100 },
      tensorboard: false,
      save: {},
    });
  });

  it('keeps what is given, beside the defaults of the same part', () => {
    const recipe = parse({
      objective: { name: 'redi', alpha: 0.5 },
      optimizer: { lr: 2, weight_decay: 0.1 },
      schedule: { decay: 'cosine' },
      save: { every: 3 },
      max_steps: 7,
    });
    expect(recipe).toMatchObject({
      objective: { name: 'redi', alpha: 0.5 },
      optimizer: { lr: 2, betas: [0.9, 0.999], weight_decay: 0.1 },
      schedule: { warmup_ratio: 0.1, decay: 'cosine' },
      save: { every: 3 },
      max_steps: 7,
    });
    expect(recipe).not.toHaveProperty('epochs');
  });

  it.each<[string, object, string]>([
    ['at the top', { batchsize: 4 }, '"batchsize" (the nearest is "batch_size")'],
    ['inside', { schedule: { warmup: 0.1 } }, '"schedule.warmup" (the nearest is "schedule.warmup_ratio")'],
    ['from the prototype', { toString: 1 }, '"toString" ('],
  ])('refuses an unknown key %s by its name, and says which one is meant', (_, keys, message) => {
    expect(refusalOf(() => parse(keys))).toContain(`my.yaml: unknown key ${message}`);
  });

  it.each<[string, object]>([
    ['model', { model: undefined }],
    ['data', { data: undefined }],
    ['out', { out: undefined }],
    ['objective', { objective: undefined }],
    ['objective.name', { objective: {} }],
    ['optimizer.lr', { optimizer: undefined }],
    ['optimizer.lr', { optimizer: {} }],
    ['development.data', { development: {} }],
    ['best.metric', { evaluation: { rows: 3 }, best: {} }],
  ])('cannot do without %s', (field, keys) => {
    const message = refusalOf(() => parse(keys));
    expect(message.startsWith(`my.yaml: "${field}" is missing: `), message).toBe(true);
    expect(message).not.toContain('\n');
  });

  it.each<[string, object]>([
    ['batch_size', { batch_size: '8' }],
    ['batch_size', { batch_size: 0 }],
    ['batch_size', { batch_size: 1.5 }],
    ['model', { model: '' }],
    ['model', { model: null }],
    ['optimizer.lr', { optimizer: { lr: -1e-5 } }],
    ['optimizer.lr', { optimizer: { lr: NaN } }],
    ['optimizer.lr', { optimizer: { lr: Infinity } }],
    ['optimizer.betas.1', { optimizer: { lr: 1, betas: [0.9, 2] } }],
    ['optimizer.betas.1', { optimizer: { lr: 1, betas: [0.9, 1] } }],
    ['optimizer.betas.0', { optimizer: { lr: 1, betas: [1, 0.999] } }],
    ['optimizer.lr', { optimizer: { lr: 1e-30 } }],
    ['optimizer.lr', { optimizer: { lr: 5e-324 } }],
    ['optimizer.eps', { optimizer: { lr: 1e-5, eps: 0 } }],
    ['optimizer.eps', { optimizer: { lr: 1e-5, eps: 1e-300 } }],
    ['optimizer.eps', { optimizer: { lr: 1e-5, eps: 1e300 } }],
    ['optimizer.clip_grad_norm', { optimizer: { lr: 1e-5, clip_grad_norm: 1e-300 } }],
    ['optimizer.weight_decay', { optimizer: { lr: 1e-3, weight_decay: 1e300 } }],
    ['optimizer.weight_decay', { optimizer: { lr: 1e-3, weight_decay: 1000 } }],
    ['optimizer.betas', { optimizer: { lr: 1, betas: [0.9] } }],
    ['schedule.warmup_ratio', { schedule: { warmup_ratio: 1.1 } }],
    ['schedule.decay', { schedule: { decay: 'step' } }],
    ['objective.name', { objective: { name: 'ppo' } }],
    ['objective.name', { objective: 'ppo' }],
    ['objective.beta', { objective: { name: 'redi', beta: 1 } }],
    ['objective.alpha', { objective: { name: 'redi', alpha: 1.5 } }],
    ['objective.constructor', { objective: { name: 'redi', constructor: 1 } }],
    ['recompute', { recompute: 'yes' }],
    ['dtype', { dtype: 'f16' }],
    ['seed', { seed: -1 }],
    ['evaluation.data', { evaluation: {} }],
    ['evaluation.data', { evaluation: { data: 'x', rows: 3 } }],
    ['evaluation.every', { evaluation: { rows: 3, every: 0 } }],
    ['development.grader', { development: { data: 'x', grader: 'me' } }],
    ['best', { best: { metric: 'eval_loss' } }],
    ['best.metric', { evaluation: { rows: 3 }, best: { metric: 'loss' } }],
    ['sentinel.act', { sentinel: { act: 'pray' } }],
    ['epochs', { epochs: 0 }],
    ['max_steps', { max_steps: 0.5 }],
    ['max_steps', { max_steps: 2 ** 31 }],
    ['save.every', { save: { every: 0 } }],
    ['stage', { stage: 'evaluate' }],
  ])('names the field %s', (field, keys) => {
    expect(refusalOf(() => parse(keys))).toMatch(
      new RegExp(`^my\\.yaml: field "${field.replaceAll('.', '\\.')}": .`),
    );
  });

  it('says of every parameter of an objective what is wrong', () => {
    const message = refusalOf(() =>
      parse({ objective: { name: 'simpo', alpha: 0.8, beta: '2', gamma: -1 } }),
    );
    expect(message.split('\n')).toEqual([
      'my.yaml: 3 errors:',
      expect.stringMatching(/^ {2}field "objective\.alpha": .*no parameter "alpha".*it takes beta, gamma/),
      expect.stringMatching(
        /^ {2}field "objective\.beta": .*a number from 1e-9 to 1000000, not the text "2": leave out the quotes/,
      ),
      expect.stringMatching(/^ {2}field "objective\.gamma": .*a number from 0 to 1000000/),
    ]);
  });

  it('takes an objective by its name alone', () => {
    expect(parse({ objective: 'redi' }).objective).toEqual({ name: 'redi' });
  });

  it('takes epochs or max_steps, and not both', () => {
    expect(parse({ epochs: 0.5 }).epochs).toBe(0.5);
    expect(parse({ max_steps: 2 }).max_steps).toBe(2);
    expect(refusalOf(() => parse({ epochs: 1, max_steps: 2 }))).toBe(
      'my.yaml: field "max_steps": give epochs or max_steps, not both',
    );
  });
});

describe('trainSettings', () => {
  it('is the recipe without its place on disk', () => {
    const { out, ...settings } = least;
    const { stage, ...parsed } = parse({});
    expect(stage).toBe('train');
    expect({ ...parseRecipe(trainSettings, settings, 'my.yaml'), out }).toEqual(parsed);
    expect(refusalOf(() => parseRecipe(trainSettings, least, 'my.yaml'))).toContain('unknown key "out"');
    const both = { ...settings, epochs: 1, max_steps: 2 };
    expect(refusalOf(() => parseRecipe(trainSettings, both, 'my.yaml'))).toBe(
      'my.yaml: field "max_steps": give epochs or max_steps, not both',
    );
  });
});

describe('examples/objective.js', () => {
  it('has a command that its recipe takes', () => {
    const at = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
    const [, recipe, set] = /redistill train (\S+) --set '([^']*)'/.exec(
      readFileSync(at('examples/objective.js'), 'utf8'),
    )!;
    const { value, ...source } = readRecipe(at(recipe!), [set!]);
    expect(parseRecipe(trainRecipe, value, recipe!, source).objective).toEqual({
      ...{ module: expect.stringMatching(/examples\/objective\.js$/) as string, push: 0.5 },
    });
  });
});

describe('redi.yaml', () => {
  it('has the stage-2 settings of arXiv 2505.24850', () => {
    const path = fileURLToPath(new URL('../../recipes/redi.yaml', import.meta.url));
    expect(parseRecipe(trainRecipe, readRecipe(path).value, 'redi.yaml')).toMatchObject({
      objective: { name: 'redi', alpha: 0.8 },
      optimizer: { lr: 1e-6 },
      schedule: { warmup_ratio: 0.1, decay: 'linear' },
      batch_size: 32,
      epochs: 1,
    });
  });
});
