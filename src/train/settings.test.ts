import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parsePipeline } from '../pipeline/recipe.js';
import { UserError } from '../util/errors.js';
import { parseRecipe } from '../recipe/parse.js';
import { applySettings, readYaml } from '../recipe/yaml.js';
import { trainRecipe } from './settings.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-recipe-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const file = (text: string): string => {
  const path = join(root, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
};

/** What every recipe must have. */
const least = {
  model: './student',
  data: 'rows.jsonl',
  out: 'runs/1',
  objective: { name: 'sft' },
  optimizer: { lr: 1e-5 },
};
const parse = (keys: object) => parseRecipe(trainRecipe, { ...least, ...keys }, 'my.yaml');
const thrown = (body: () => unknown): Error => {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('parseRecipe', () => {
  it('fills in the defaults', () => {
    expect(parse({})).toEqual({
      stage: 'train',
      ...least,
      layout: 'template',
      doctor: 'refuse',
      optimizer: { lr: 1e-5, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0, clip_grad_norm: 1 },
      schedule: { warmup_ratio: 0.1, decay: 'linear' },
      batch_size: 8,
      token_budget: 1024,
      recompute: false,
      dtype: 'bf16',
      device: 'cpu',
      seed: 42,
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
    ['at the top', { batchsize: 4 }, 'my.yaml: unknown key "batchsize"; '],
    ['inside', { schedule: { warmup: 0.1 } }, 'my.yaml: unknown key "schedule.warmup"; '],
    ['two of them', { optimizer: { lr: 1, beta: 1, lrr: 1 } }, 'key "optimizer.beta", "optimizer.lrr"; '],
    ['from the prototype', { toString: 1 }, 'unknown key "toString"; '],
  ])('refuses an unknown key %s by its name', (_, keys, message) => {
    expect(thrown(() => parse(keys)).message).toContain(message);
  });

  it.each<[string, object]>([
    ['batch_size', { batch_size: '8' }],
    ['batch_size', { batch_size: 0 }],
    ['batch_size', { batch_size: 1.5 }],
    ['model', { model: '' }],
    ['model', { model: null }],
    ['out', { out: undefined }],
    ['optimizer', { optimizer: undefined }],
    ['optimizer.lr', { optimizer: {} }],
    ['optimizer.lr', { optimizer: { lr: -1e-5 } }],
    ['optimizer.lr', { optimizer: { lr: NaN } }],
    ['optimizer.lr', { optimizer: { lr: Infinity } }],
    ['optimizer.betas.1', { optimizer: { lr: 1, betas: [0.9, 2] } }],
    ['optimizer.betas', { optimizer: { lr: 1, betas: [0.9] } }],
    ['schedule.warmup_ratio', { schedule: { warmup_ratio: 1.1 } }],
    ['schedule.decay', { schedule: { decay: 'step' } }],
    ['objective.name', { objective: {} }],
    ['objective', { objective: { name: 'ppo' } }],
    ['objective', { objective: { name: 'redi', beta: 1 } }],
    ['objective', { objective: { name: 'redi', alpha: 1.5 } }],
    ['recompute', { recompute: 'yes' }],
    ['dtype', { dtype: 'f16' }],
    ['seed', { seed: -1 }],
    ['epochs', { epochs: 0 }],
    ['max_steps', { max_steps: 0.5 }],
    ['save.every', { save: { every: 0 } }],
    ['stage', { stage: 'evaluate' }],
  ])('names the field %s', (field, keys) => {
    expect(thrown(() => parse(keys)).message).toMatch(
      new RegExp(`^my\\.yaml: field "${field.replaceAll('.', '\\.')}": .`),
    );
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'model: x'],
    ['a list', [least]],
  ])('refuses %s in place of a recipe', (_, value) => {
    expect(thrown(() => parseRecipe(trainRecipe, value, 'my.yaml')).message).toMatch(/^my\.yaml: \S/);
  });

  it('takes epochs or max_steps, and not both', () => {
    expect(parse({ epochs: 0.5 }).epochs).toBe(0.5);
    expect(parse({ max_steps: 2 }).max_steps).toBe(2);
    expect(thrown(() => parse({ epochs: 1, max_steps: 2 })).message).toBe(
      'my.yaml: field "max_steps": give epochs or max_steps, not both',
    );
  });
});

describe('readYaml', () => {
  it('reads plain values', () => {
    const path = file('a: 1.0e-5\nb: &x [1, two, true, null]\nc: *x\n');
    expect(readYaml(path)).toEqual({ a: 1e-5, b: [1, 'two', true, null], c: [1, 'two', true, null] });
  });

  it('names a file that is not there', () => {
    const path = join(root, 'nowhere.yaml');
    expect(thrown(() => readYaml(path)).message).toMatch(`${path} cannot be read: ENOENT`);
    expect(thrown(() => readYaml(root)).message).toMatch(`${root} cannot be read: EISDIR`);
  });

  it.each([
    ['an open bracket', 'a: [1, 2\n'],
    ['a tab', 'a:\n\t- b\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['an alias without anchor', 'a: *b\n'],
    ['two documents', 'a: 1\n---\nb: 1\n'],
  ])('says in one line that %s is not YAML', (_, text) => {
    const path = file(text);
    const { message } = thrown(() => readYaml(path));
    expect(message.startsWith(`${path} is not YAML: `)).toBe(true);
    expect(message).not.toContain('\n');
  });

  it('refuses aliases that multiply', () => {
    // 10 to the 9th texts, were they written out.
    const lines = Array.from({ length: 9 }, (_, i) => {
      const item = i === 0 ? 'lol' : `*l${i - 1}`;
      return `l${i}: &l${i} [${Array.from({ length: 10 }, () => item).join(', ')}]`;
    });
    const path = file(`${lines.join('\n')}\n`);
    const started = performance.now();
    expect(thrown(() => readYaml(path)).message).toMatch(/is not YAML: Excessive alias count/);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('applySettings', () => {
  const set = (...settings: string[]) =>
    applySettings({ a: { b: 1, c: [2] }, text: 'x' }, settings, 'my.yaml');

  it('sets keys at the top, inside, and in parts that were not there', () => {
    expect(set('text=y', 'a.b=3', 'new.deep.key=4')).toEqual({
      a: { b: 3, c: [2] },
      text: 'y',
      new: { deep: { key: 4 } },
    });
  });

  it('reads values as YAML, up to the end', () => {
    expect(set('n=1e-5', 'l=[1, x]', 'm={k: true}', 's="1"', 'none=null', 'empty=', 'eq=a=b')).toMatchObject({
      n: 1e-5,
      l: [1, 'x'],
      m: { k: true },
      s: '1',
      none: null,
      empty: null,
      eq: 'a=b',
    });
  });

  it('lets the last one win', () => {
    expect(set('a.b=2', 'a.b=3').a).toEqual({ b: 3, c: [2] });
    expect(set('a={z: 1}', 'a.b=3').a).toEqual({ z: 1, b: 3 });
  });

  it('leaves its argument as it was', () => {
    const recipe = { a: { b: 1 }, list: [1] };
    const result = applySettings(recipe, ['a.b=2', 'a.c=3', 'list=[]', 'd=4'], 'my.yaml');
    expect(recipe).toEqual({ a: { b: 1 }, list: [1] });
    expect(result).toEqual({ a: { b: 2, c: 3 }, list: [], d: 4 });
  });

  it.each([
    ['text', 'write key=value'],
    ['=1', 'write key=value'],
    ['', 'write key=value'],
    ['.a=1', '".a" is not a key'],
    ['a.=1', '"a." is not a key'],
    ['a..b=1', '"a..b" is not a key'],
    ['a b=1', '"a b" is not a key'],
    ['a[0]=1', '"a[0]" is not a key'],
    ['__proto__=1', '"__proto__" is not a key'],
    ['__proto__.polluted=1', '"__proto__.polluted" is not a key'],
    ['a.__proto__.polluted=1', '"a.__proto__.polluted" is not a key'],
    ['constructor.prototype.polluted=1', '"constructor" holds no keys'],
    ['text.b=1', '"text" holds no keys'],
    ['a.b.c=1', '"b" holds no keys'],
  ])('refuses --set %s', (setting, message) => {
    expect(thrown(() => set(setting)).message).toMatch(`--set ${setting}: `);
    expect(thrown(() => set(setting)).message).toContain(message);
    expect({}).not.toHaveProperty('polluted');
  });

  it('says that a value is not YAML', () => {
    const { message } = thrown(() => set('a=[1'));
    expect(message).toMatch('--set a=[1: ');
    expect(message).not.toContain('\n');
  });

  it.each<[string, unknown]>([
    ['an empty file', null],
    ['a list', [1]],
    ['a text', 'a'],
  ])('refuses %s in place of a recipe', (_, recipe) => {
    expect(thrown(() => applySettings(recipe, [], 'my.yaml')).message).toMatch(/^my\.yaml: /);
  });

  it('leaves unknown keys to the schema', () => {
    const changed = applySettings(least, ['optimizer.lrr=1'], 'my.yaml');
    expect(thrown(() => parseRecipe(trainRecipe, changed, 'my.yaml')).message).toContain('"optimizer.lrr"');
  });
});

describe('the recipes of the repository', () => {
  const folder = fileURLToPath(new URL('../../recipes', import.meta.url));
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));

  it('are there', () => {
    expect(paths.map((path) => basename(path))).toEqual(
      expect.arrayContaining(['quickstart.yaml', 'redi.yaml']),
    );
  });

  it.each(paths.map((path) => [basename(path), path]))('%s parses', (name, path) => {
    const value = readYaml(path) as { stages?: { name: string }[]; out: string };
    if (value.stages) {
      const { stages, out } = parsePipeline(value, name);
      expect(out).toBe(value.out);
      expect(stages.map((stage) => stage.name)).toEqual(value.stages.map((stage) => stage.name));
    } else {
      expect(parseRecipe(trainRecipe, value, name)).toMatchObject({ stage: 'train', out: value.out });
    }
  });

  it('redi.yaml has the stage-2 settings of arXiv 2505.24850', () => {
    const recipe = parseRecipe(trainRecipe, readYaml(join(folder, 'redi.yaml')), 'redi.yaml');
    expect(recipe).toMatchObject({
      objective: { name: 'redi', alpha: 0.8 },
      optimizer: { lr: 1e-6 },
      schedule: { warmup_ratio: 0.1, decay: 'linear' },
      batch_size: 32,
      epochs: 1,
    });
  });
});
