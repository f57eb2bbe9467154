import { describe, expect, it } from 'vitest';
import { z } from 'zod';
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
const message = (keys: unknown, options?: ParseOptions): string => {
  try {
    parseRecipe(schema, keys, 'my.yaml', options);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};
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
    const said = refused({ sampling: { tempature: 1, topp: 1 } });
    expect(said).toMatch(/^my\.yaml: unknown key/);
    expect(said).toContain('"sampling.tempature"');
    expect(said).toContain('"sampling.topp"');
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
    ['inner.deep', { model: 'm', inner: {} }],
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
    ['model', { model: '' }, '>=1 characters'],
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

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'model: x'],
    ['a list', [{ model: 'm' }]],
    ['a number', 3],
  ])('refuses %s in place of a recipe', (_, value) => {
    expect(message(value)).toMatch(/^my\.yaml: \S/);
  });
});
