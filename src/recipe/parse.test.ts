import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refusalOf } from '../../test/support/refusal.js';
import { UserError } from '../util/errors.js';
import { parseRecipe, type ParseOptions } from './parse.js';

const schema = z
  .strictObject({
    model: z.string().min(1),
    samples: z.int().positive().default(1),
    files: z.union([z.string(), z.array(z.string())]).default([]),
    kind: z.union([z.enum(['near', 'far']), z.array(z.enum(['near', 'far']))]).default(['near']),
    sampling: z
      .strictObject({ temperature: z.number().min(0).default(0), top_p: z.number().max(1).default(1) })
      .prefault({}),
    inner: z.strictObject({ deep: z.strictObject({ key: z.string() }) }).optional(),
    rows: z.array(z.strictObject({ name: z.string(), label: z.string().optional() })).default([]),
    alone: z.string().optional(),
  })
  .refine(({ alone, samples }) => alone === undefined || samples === 1, {
    path: ['alone'],
    message: 'goes with one sample only',
  });
const parse = (keys: object, options?: ParseOptions) =>
  parseRecipe(schema, { model: 'm', ...keys }, 'my.yaml', options);
const message = (keys: unknown, options?: ParseOptions): string =>
  refusalOf(() => parseRecipe(schema, keys, 'my.yaml', options));
const refused = (keys: object, options?: ParseOptions) => message({ model: 'm', ...keys }, options);

describe('parseRecipe', () => {
  it('gives what the schema gives, defaults of parts too', () => {
    expect(parse({ sampling: { temperature: 2 } })).toEqual({
      ...{ model: 'm', samples: 1, files: [], kind: ['near'], rows: [] },
      sampling: { temperature: 2, top_p: 1 },
    });
  });

  it.each<[string, object, string]>([
    ['at the top', { sample: 4 }, '"sample" (the nearest is "samples")'],
    ['in another case', { Model: 'x' }, '"Model" (the nearest is "model")'],
    [
      'inside a part',
      { sampling: { temprature: 1 } },
      '"sampling.temprature" (the nearest is "sampling.temperature")',
    ],
    [
      'with letters swapped',
      { sampling: { top_q: 1 } },
      '"sampling.top_q" (the nearest is "sampling.top_p")',
    ],
    [
      'inside a part of a part',
      { inner: { deep: { key: 'x', keys: 'y' } } },
      '"inner.deep.keys" (the nearest is "inner.deep.key")',
    ],
    ['of the part above', { sampling: { samples: 2 } }, '"sampling.samples" ('],
    ['from the prototype', { toString: 1 }, '"toString" ('],
  ])('refuses an unknown key %s, with the nearest of the same part and the page', (_, keys, expected) => {
    const said = refused(keys);
    expect(said.startsWith(`my.yaml: unknown key ${expected}`), said).toBe(true);
    expect(said).toMatch(/ \(the nearest is "[a-z_.]+"\); docs\/recipes\.md has all keys$/);
  });

  it('names an unknown key in an entry of a list', () => {
    expect(refused({ rows: [{ name: 'a' }, { name: 'b', labl: 'x' }] })).toMatch(
      /^my\.yaml: unknown key "rows\.1\.labl".*; docs\/recipes\.md has all keys$/,
    );
  });

  it('names all of several unknown keys', () => {
    expect(refused({ sampling: { tempature: 1, topp: 1 } }).split('\n')).toEqual([
      'my.yaml: 2 errors:',
      '  unknown key "sampling.tempature" (the nearest is "sampling.temperature")',
      '  unknown key "sampling.topp" (the nearest is "sampling.top_p")',
      'docs/recipes.md has all keys',
    ]);
  });

  it('refers to another page, and names keys in another way', () => {
    const options = {
      page: '`redistill x --help`',
      nameOf: (path: readonly string[]) => `--${path.at(-1)!}`,
    };
    expect(refused({ sampling: { tmperature: 1 } }, options)).toBe(
      'my.yaml: unknown key --tmperature (the nearest is --temperature); `redistill x --help` has all keys',
    );
    expect(refused({ sampling: { top_p: 2 } }, options)).toMatch(/^my\.yaml: field --top_p: \S/);
    expect(message({}, options)).toBe('my.yaml: --model is missing');
  });

  it.each<[string, object]>([
    ['model', {}],
    ['model', { model: undefined }],
    ['inner.deep.key', { model: 'm', inner: {} }],
    ['inner.deep.key', { model: 'm', inner: { deep: {} } }],
    ['rows.1.name', { model: 'm', rows: [{ name: 'a' }, {}] }],
  ])('says that "%s" is missing', (field, keys) => {
    expect(message(keys)).toBe(`my.yaml: "${field}" is missing`);
  });

  it('says that a key which may be one or several is missing, like any other', () => {
    const either = z.strictObject({ data: z.union([z.string(), z.array(z.string())]) });
    expect(() => parseRecipe(either, {}, 'my.yaml')).toThrow(new UserError('my.yaml: "data" is missing'));
  });

  it.each<[string, object, string]>([
    ['samples', { samples: '8' }, 'must be a whole number from 1 up'],
    ['samples', { samples: null }, 'must be a whole number from 1 up'],
    ['samples', { samples: 0 }, 'must be a whole number from 1 up'],
    ['samples', { samples: 1.5 }, 'must be a whole number from 1 up'],
    ['model', { model: '' }, 'must not be empty'],
    ['sampling', { sampling: null }, 'must be {'],
    ['sampling.temperature', { sampling: { temperature: -1 } }, 'must be a number from 0'],
    ['sampling.temperature', { sampling: { temperature: NaN } }, 'must be a number from 0'],
    ['rows', { rows: {} }, 'must be a list'],
    ['rows.0.label', { rows: [{ name: 'a', label: 5 }] }, 'must be a text'],
    ['alone', { alone: 'x', samples: 2 }, 'goes with one sample only'],
  ])('names the field "%s" and says what is wrong with %o', (field, keys, reason) => {
    const said = refused(keys);
    expect(said.startsWith(`my.yaml: field "${field}": `), said).toBe(true);
    expect(said).toContain(reason);
  });

  it.each<[string, object, RegExp[]]>([
    ['a number for names', { files: 5 }, [/text|string/, /list|array/]],
    ['an unknown name', { kind: 'middle' }, [/near/, /far/]],
    ['an unknown name in a list', { kind: ['near', 'middle'] }, [/near/, /far/]],
  ])('says what may stand where one or several may: %s', (_, keys, parts) => {
    const said = refused(keys);
    for (const part of parts) expect(said).toMatch(part);
  });

  it('says all that is wrong, each with its place, and of too much how much', () => {
    const keys = { samples: 'x', sampling: { temperature: -1, top_q: 1 }, rows: [{ label: 5 }] };
    const placeOf = (path: readonly PropertyKey[]) => `line ${path.length}`;
    expect(message(keys, { placeOf, part: 'stage a' }).split('\n')).toEqual([
      'my.yaml: 6 errors:',
      '  line 2, stage a: unknown key "sampling.top_q" (the nearest is "sampling.top_p")',
      '  line 1, stage a: "model" is missing',
      '  line 1, stage a: field "samples": must be a whole number from 1 up, not "x"',
      '  line 2, stage a: field "sampling.temperature": must be a number from 0 up, not -1',
      '  line 3, stage a: "rows.0.name" is missing',
      '  line 3, stage a: field "rows.0.label": must be a text, not 5',
      'docs/recipes.md has all keys',
    ]);
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]));
    const lines = refused(many).split('\n');
    expect(lines).toHaveLength(13);
    expect([lines[0], lines[11]]).toEqual(['my.yaml: 300 errors:', '  … and 290 more']);
  });

  it('says once what is misspelt and therefore missing, and apart what is only missing', () => {
    expect(message({ modle: 'm' })).toBe(
      'my.yaml: unknown key "modle" (the nearest is "model"); docs/recipes.md has all keys',
    );
    expect(message({ fool: 'm' })).toMatch(/\n {2}"model" is missing\n/);
  });

  it.each<[string, object, string]>([
    [
      'a number',
      { samples: '8' },
      'must be a whole number from 1 up, not the text "8": leave out the quotes',
    ],
    [
      'a number in a part',
      { sampling: { temperature: '1e-4' } },
      'must be a number from 0 up, not the text "1e-4": leave out the quotes',
    ],
    ['no number', { samples: 'eight' }, 'must be a whole number from 1 up, not "eight"'],
    ['nothing', { samples: null }, 'must be a whole number from 1 up, not nothing'],
    ['a list', { samples: [1, 'b'] }, 'must be a whole number from 1 up, not [1,"b"]'],
    ['a list of parts', { samples: [{}] }, 'must be a whole number from 1 up, not a list'],
  ])('says what stands in the place of a number: %s', (_, keys, expected) => {
    expect(refused(keys)).toContain(expected);
  });

  it('takes the name for a part that has one', () => {
    const part = z.strictObject({ part: z.looseObject({ name: z.string() }), text: z.string().optional() });
    expect(parseRecipe(part, { part: 'sft', text: 'x' }, 'my.yaml')).toEqual({
      part: { name: 'sft' },
      text: 'x',
    });
    expect(() => parseRecipe(part, { part: 3 }, 'my.yaml')).toThrow('must be {name}, not 3');
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'model: x'],
    ['a list', [{ model: 'm' }]],
    ['a number', 3],
  ])('refuses %s in place of a recipe', (_, value) => {
    expect(message(value)).toMatch(/^my\.yaml: \S/);
  });
});
