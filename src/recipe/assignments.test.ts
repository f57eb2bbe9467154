import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../test/support/refusal.js';
import { applySettings } from './assignments.js';

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
    expect(
      set('n=1e-5', 'l=[1, x]', 'm={k: true}', 's="1"', 'none=null', 'empty=""', 'eq=a=b'),
    ).toMatchObject({
      n: 1e-5,
      l: [1, 'x'],
      m: { k: true },
      s: '1',
      none: null,
      empty: '',
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
    ['constructor.prototype.polluted=1', '"constructor.prototype.polluted" is not a key'],
    ['toString.polluted.x=', 'there is no value'],
    ['empty=', `'empty=""' sets the empty text, and '~empty' takes the key out`],
    ['a.b= ', 'there is no value'],
    ['~', '"" is not a key'],
    ['~a.', '"a." is not a key'],
    ['~nothing', 'the recipe has no "nothing" to take out'],
    ['~a.d', 'the recipe has no "a.d" to take out'],
    ['~text.b', '"text" holds no keys'],
    ['~toString', 'the recipe has no "toString" to take out'],
    ['text.b=1', '"text" holds no keys'],
    ['a.b.c=1', '"b" holds no keys'],
  ])('refuses --set %s', (setting, message) => {
    expect(refusalOf(() => set(setting))).toMatch(`--set ${setting}: `);
    expect(refusalOf(() => set(setting))).toContain(message);
    expect({}).not.toHaveProperty('polluted');
  });

  it('takes keys out', () => {
    expect(set('~a.b', '~text')).toEqual({ a: { c: [2] } });
    expect(set('~a', 'a.z=1')).toEqual({ a: { z: 1 }, text: 'x' });
  });

  it('takes names that objects have for names like others', () => {
    expect(set('toString.x=1')).toMatchObject({ toString: { x: 1 } });
  });

  it('changes nothing else that shares a part, as aliases do', () => {
    const shared = { lr: 1 };
    const stages = [
      { name: 'a', optimizer: shared },
      { name: 'b', optimizer: shared },
    ];
    expect(applySettings({ stages }, ['stages.b.optimizer.lr=2'], 'my.yaml')).toEqual({
      stages: [
        { name: 'a', optimizer: { lr: 1 } },
        { name: 'b', optimizer: { lr: 2 } },
      ],
    });
  });

  it('says that a value is not YAML', () => {
    const message = refusalOf(() => set('a=[1'));
    expect(message).toMatch('--set a=[1: ');
    expect(message).not.toContain('\n');
  });

  it.each<[string, unknown]>([
    ['an empty file', null],
    ['a list', [1]],
    ['a text', 'a'],
  ])('refuses %s in place of a recipe', (_, recipe) => {
    expect(refusalOf(() => applySettings(recipe, [], 'my.yaml'))).toMatch(/^my\.yaml: /);
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
      ['~stages.redi', '"stages" has no "redi" that can be taken out'],
      ['~stages.other', '"stages" has no "other"'],
      ['stages.redi.seeds.x=1', '"seeds" has no "x"'],
      ['stages.redi.seeds.x.y=1', '"seeds" has no "x"'],
    ])('refuses --set %s', (setting, message) => {
      expect(refusalOf(() => inside(setting))).toBe(`--set ${setting}: ${message}`);
    });
  });
});
