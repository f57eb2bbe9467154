import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { stageKinds } from '../pipeline/stages/index.js';
import { trainRecipe } from '../train/settings.js';
import { demandOf, defaultInWords, describeKeys, type KeyDescription } from './describe.js';

/** A stage's schemas have types of their own; here they are all schemas. */
const schemas: [string, z.ZodType][] = Object.entries(stageKinds).map(([kind, { schema }]) => [kind, schema]);

const keyOf = (type: z.ZodType): KeyDescription => describeKeys(z.strictObject({ key: type }))[0]!;

describe('describeKeys', () => {
  it('lists the keys in their order, those of a part after the part', () => {
    const part = z.strictObject({ b: z.string(), c: z.strictObject({ d: z.int() }).prefault({ d: 1 }) });
    const keys = describeKeys(z.strictObject({ a: z.string(), part: part.optional(), e: z.boolean() }));
    expect(keys.map(({ path }) => path.join('.'))).toEqual([
      'a',
      'part',
      'part.b',
      'part.c',
      'part.c.d',
      'e',
    ]);
    expect(keys.map(({ kind }) => kind)).toEqual(['text', 'part', 'text', 'part', 'integer', 'boolean']);
  });

  it('is not put off by refinements of the whole', () => {
    const schema = z.strictObject({ a: z.int().optional(), b: z.int().optional() }).refine(() => true);
    expect(describeKeys(schema).map(({ path }) => path)).toEqual([['a'], ['b']]);
  });

  it.each<[z.ZodType, KeyDescription['kind'], string]>([
    [z.int(), 'integer', 'a whole number'],
    [z.int().min(0), 'integer', 'a whole number from 0 up'],
    [z.int().positive(), 'integer', 'a whole number from 1 up'],
    [z.int().min(2).max(5), 'integer', 'a whole number from 2 to 5'],
    [z.int().max(5), 'integer', 'a whole number to 5'],
    [z.number(), 'number', 'a number'],
    [z.number().min(0), 'number', 'a number from 0 up'],
    [z.number().positive(), 'number', 'a number above 0'],
    [z.number().min(0).max(1), 'number', 'a number from 0 to 1'],
    [z.number().min(-1.5), 'number', 'a number from -1.5 up'],
    [z.string(), 'text', 'a text'],
    [z.string().min(1), 'text', 'a text'],
    [z.boolean(), 'boolean', 'true or false'],
    [z.enum(['a']), 'choice', 'a'],
    [z.enum(['a', 'b']), 'choice', 'a or b'],
    [z.enum(['a', 'b', 'c']), 'choice', 'a, b or c'],
    [z.array(z.string()), 'list', 'a list, each a text'],
    [z.array(z.int().positive()), 'list', 'a list, each a whole number from 1 up'],
    [z.array(z.enum(['a', 'b'])), 'list', 'a list, each a or b'],
    [z.array(z.strictObject({ a: z.string(), b: z.int() })), 'list', 'a list, each {a, b}'],
    [z.union([z.string(), z.array(z.string())]), 'list', 'a text, or a list of them'],
    [z.union([z.int().positive(), z.array(z.int())]), 'list', 'a whole number from 1 up, or a list of them'],
    [z.union([z.enum(['a', 'b']), z.array(z.enum(['a', 'b']))]), 'list', 'a or b, or a list of them'],
    [z.union([z.literal('all'), z.array(z.enum(['a', 'b']))]), 'list', '"all", or a list, each a or b'],
    [z.union([z.int().positive(), z.enum(['a', 'b'])]), 'mixed', 'a whole number from 1 up or a or b'],
    [z.strictObject({ a: z.int(), b: z.string() }), 'part', '{a, b}'],
    [z.record(z.string(), z.unknown()), 'other', '{key: value}'],
    [z.tuple([z.int(), z.number().max(1)]), 'other', '[a whole number, a number to 1]'],
    [z.unknown(), 'other', 'any value'],
  ])('says what a key is (%#)', (type, kind, words) => {
    expect(keyOf(type)).toMatchObject({ path: ['key'], kind, type: words });
    // Nothing changes where it need not be given.
    expect(keyOf(type.optional())).toMatchObject({ kind, type: words, required: false });
  });

  it('says so where the lower bound is not allowed and there is an upper one', () => {
    expect(keyOf(z.number().positive().max(1)).type).toMatch(/^a number above 0 and at most 1$/);
  });

  it('says so where the upper bound is not allowed', () => {
    expect(keyOf(z.number().min(0).lt(1)).type).toBe('a number from 0 to below 1');
    expect(keyOf(z.number().gt(0).lt(1)).type).toBe('a number above 0 and below 1');
  });

  it('says why a number may not be larger, where the schema does', () => {
    const limited = z.int().positive().max(9).meta({ limit: 'there are no more' });
    expect(demandOf(keyOf(limited))).toBe('must be a whole number from 1 to 9: there are no more');
    expect(demandOf(keyOf(limited.default(2).describe('how many').meta({ short: 'k' })))).toBe(
      'must be a whole number from 1 to 9: there are no more',
    );
    expect(demandOf(keyOf(z.int().positive()))).toBe('must be a whole number from 1 up');
  });

  it('gives bounds to numbers, except those that a double has', () => {
    expect(keyOf(z.int())).not.toHaveProperty('minimum');
    expect(keyOf(z.int())).not.toHaveProperty('maximum');
    expect(keyOf(z.int().positive())).toMatchObject({ minimum: 0, exclusive: true });
    expect(keyOf(z.int().min(0))).toMatchObject({ minimum: 0 });
    expect(keyOf(z.int().min(0))).not.toHaveProperty('exclusive');
    expect(keyOf(z.number().min(0.5).max(2))).toMatchObject({ minimum: 0.5, maximum: 2 });
    expect(keyOf(z.union([z.int().positive(), z.array(z.int().positive())]))).toMatchObject({
      ...{ minimum: 0, exclusive: true },
    });
  });

  it('gives choices, those of a list as well', () => {
    expect(keyOf(z.enum(['a', 'b'])).choices).toEqual(['a', 'b']);
    expect(keyOf(z.array(z.enum(['a', 'b']))).choices).toEqual(['a', 'b']);
    expect(keyOf(z.union([z.enum(['a', 'b']), z.array(z.enum(['a', 'b']))])).choices).toEqual(['a', 'b']);
    expect(keyOf(z.string())).not.toHaveProperty('choices');
  });

  it('tells what must be given from what need not, and gives defaults', () => {
    expect(keyOf(z.string())).toMatchObject({ required: true });
    expect(keyOf(z.string())).not.toHaveProperty('default');
    expect(keyOf(z.string().optional())).toMatchObject({ required: false });
    expect(keyOf(z.string().optional())).not.toHaveProperty('default');
    for (const [type, value] of [
      [z.string().default(''), ''],
      [z.int().default(0), 0],
      [z.boolean().default(false), false],
      [z.enum(['a', 'b']).default('b'), 'b'],
      [z.array(z.string()).default([]), []],
      [z.array(z.string()).prefault(['x']), ['x']],
      [z.record(z.string(), z.unknown()).default({}), {}],
    ] as const) {
      expect(keyOf(type)).toMatchObject({ required: false, default: value });
    }
    // A part has no default of its own: its keys have theirs.
    const part = keyOf(z.strictObject({ a: z.int().default(1) }).prefault({}));
    expect(part).toMatchObject({ kind: 'part', required: false });
    expect(part).not.toHaveProperty('default');
  });

  it('passes on the sentence and the letter', () => {
    expect(keyOf(z.string().describe('what it is').meta({ short: 'k' }))).toMatchObject({
      ...{ text: 'what it is', short: 'k' },
    });
    expect(keyOf(z.string().default('x').describe('what it is')).text).toBe('what it is');
    expect(keyOf(z.string().describe('what it is').optional()).text).toBe('what it is');
    expect(keyOf(z.strictObject({}).prefault({}).describe('a part')).text).toBe('a part');
    expect(keyOf(z.string())).toMatchObject({ text: '' });
    expect(keyOf(z.string())).not.toHaveProperty('short');
  });
});

describe.each([...schemas, ['train (a recipe of its own)', trainRecipe as z.ZodType] as const])(
  'the keys of %s',
  (_, schema) => {
    const keys = describeKeys(schema);

    it('are there', () => {
      expect(keys.length).toBeGreaterThan(0);
      expect(new Set(keys.map(({ path }) => path.join('.'))).size).toBe(keys.length);
    });

    it('each have a sentence about them, without a full stop', () => {
      expect(keys.filter(({ text }) => text.trim() === '').map(({ path }) => path.join('.'))).toEqual([]);
      for (const { text } of keys) expect(text).not.toMatch(/\.$|\n/);
    });

    it('each have a type in words', () => {
      for (const { path, type, kind } of keys) {
        expect(type, path.join('.')).toMatch(/\S/);
        expect(type, path.join('.')).not.toMatch(/any value|of any kind|undefined|NaN/);
        if (kind === 'other') expect(type, path.join('.')).toMatch(/^[[{]/);
      }
    });

    it('have defaults that are values of theirs', () => {
      for (const { path, kind, default: initial, choices, minimum, maximum, required } of keys) {
        if (initial === undefined) continue;
        const where = path.join('.');
        expect(required, where).toBe(false);
        if (kind === 'choice') expect(choices, where).toContain(initial);
        if (kind === 'number' || kind === 'integer') {
          expect(initial, where).toBeTypeOf('number');
          expect(initial, where).toBeGreaterThanOrEqual(minimum ?? -Infinity);
          expect(initial, where).toBeLessThanOrEqual(maximum ?? Infinity);
        }
        if (kind === 'boolean') expect(initial, where).toBeTypeOf('boolean');
        if (kind === 'text') expect(initial, where).toBeTypeOf('string');
        if (kind === 'list') expect(initial, where).toBeInstanceOf(Array);
      }
    });
  },
);

describe('defaultInWords', () => {
  it.each<[unknown, string]>([
    ['cpu', 'cpu'],
    ['', '""'],
    [0, '0'],
    [1e-8, '1e-8'],
    [false, 'false'],
    [[0.9, 0.999], '[0.9,0.999]'],
    [[], '[]'],
    [{}, '{}'],
  ])('%o is %s', (value, words) => {
    expect(defaultInWords(value)).toBe(words);
  });
});
