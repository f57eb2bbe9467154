import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { applySettings, readYaml } from './yaml.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-yaml-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const file = (text: string): string => {
  const path = join(root, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
};

const thrown = (body: () => unknown): Error => {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('readYaml', () => {
  it('reads plain values', () => {
    const path = file('a: 1.0e-5\nb: &x [1, two, true, null]\nc: *x\n');
    expect(readYaml(path)).toEqual({ a: 1e-5, b: [1, 'two', true, null], c: [1, 'two', true, null] });
  });

  it('merges parts into others, whose own keys win', () => {
    const path = file('a: &a { x: 1, y: { z: 2 } }\nb:\n  <<: *a\n  x: 3\nc: { w: 4, <<: *a }\n');
    expect(readYaml(path)).toEqual({
      a: { x: 1, y: { z: 2 } },
      b: { x: 3, y: { z: 2 } },
      c: { w: 4, x: 1, y: { z: 2 } },
    });
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

  it('leaves it to the schema which keys there are', () => {
    expect(applySettings({ lr: 1 }, ['optimizer.lrr=1', 'LR_2-b=x'], 'my.yaml')).toEqual({
      lr: 1,
      optimizer: { lrr: 1 },
      'LR_2-b': 'x',
    });
  });

  describe('in lists, whose entries go by their names', () => {
    const pipeline = {
      stages: [{ name: 'sft', optimizer: { lr: 1 } }, null, { name: 'redi', seeds: [1, 2] }],
    };
    const inside = (...settings: string[]) => applySettings(pipeline, settings, 'my.yaml');

    it('sets keys of an entry', () => {
      expect(inside('stages.redi.optimizer.lr=2', 'stages.sft.optimizer.lr=3')).toEqual({
        stages: [
          { name: 'sft', optimizer: { lr: 3 } },
          null,
          { name: 'redi', seeds: [1, 2], optimizer: { lr: 2 } },
        ],
      });
      expect(pipeline.stages[0]!.optimizer).toEqual({ lr: 1 });
    });

    it.each([
      ['stages.other.lr=1', '"stages" has no "other"'],
      ['stages.0.lr=1', '"stages.0.lr" is not a key'],
      ['stages.length=0', '"stages" has no "length"'],
      ['stages.redi.seeds.x=1', '"seeds" has no "x"'],
      ['stages.redi.seeds.x.y=1', '"seeds" has no "x"'],
    ])('refuses --set %s', (setting, message) => {
      expect(thrown(() => inside(setting)).message).toBe(`--set ${setting}: ${message}`);
    });
  });
});
