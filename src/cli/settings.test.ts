import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { stageKinds } from '../pipeline/stages/index.js';
import { describeKeys, type KeyDescription } from '../recipe/describe.js';
import { parseRecipe } from '../recipe/parse.js';
import { collectSettings } from '../teacher/settings.js';
import { UserError } from '../util/errors.js';
import { addSettings, settingsFrom, withFlags } from './settings.js';

/** Those of commands with flags: `choose` stands in recipes only, and `train` takes a recipe. */
const schemas: [string, z.ZodType][] = Object.entries(stageKinds)
  .filter(([kind]) => !['choose', 'train'].includes(kind))
  .map(([kind, { schema }]) => [kind, schema]);

function commandOf(schema: z.ZodType): Command {
  const command = new Command('x').argument('[data...]').exitOverride();
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  addSettings(command, schema);
  return command;
}
/** What the command line gives. */
function settings<T>(schema: z.ZodType<T>, args: readonly string[], given: Record<string, unknown> = {}): T {
  const command = commandOf(schema).parse([...args], { from: 'user' });
  return settingsFrom(schema, command.opts(), given, 'x');
}
/** The sentence with which a command line is refused. */
function refused(schema: z.ZodType, args: readonly string[], given: Record<string, unknown> = {}): string {
  try {
    settings(schema, args, given);
  } catch (error) {
    if (error instanceof CommanderError || error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** What comes of it: the settings, or the sentence. */
function outcome(body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Lists of parts and lists of a fixed length are for recipes: no command has them. */
const forRecipesOnly = ({ type }: KeyDescription) => /^\[|^a list, each \{/.test(type);
const flagKeys = (schema: z.ZodType) =>
  describeKeys(schema).filter(
    (key) => key.kind !== 'part' && !key.path.includes('[]') && !forRecipesOnly(key),
  );
const flagOf = ({ path }: KeyDescription) => `--${path.at(-1)!.replaceAll('_', '-')}`;

/** A value other than the default, as a recipe has it and as a command line has it. */
function sample(key: KeyDescription): { value: unknown; args: string[] } {
  const flag = flagOf(key);
  const { minimum, maximum, choices, type } = key;
  switch (key.kind) {
    case 'integer': {
      const value = (minimum ?? 0) + 7;
      return { value, args: [flag, `${value}`] };
    }
    case 'number': {
      const value = maximum === undefined ? (minimum ?? 0) + 0.125 : ((minimum ?? 0) + maximum) / 4;
      return { value, args: [flag, `${value}`] };
    }
    case 'boolean': {
      const value = key.default !== true;
      return { value, args: [value ? flag : flag.replace('--', '--no-')] };
    }
    case 'choice': {
      const value = choices!.find((choice) => choice !== key.default)!;
      return { value, args: [flag, value] };
    }
    case 'list':
      if (choices) return { value: choices, args: [flag, choices.join(',')] };
      if (key.names) return { value: ['a b', 'c'], args: [flag, 'a b,c'] };
      return type.includes('number')
        ? { value: [12, 1000], args: [flag, '12', '1000'] }
        : { value: ['a, b', 'c.jsonl'], args: [flag, 'a, b', 'c.jsonl'] };
    case 'mixed':
      return { value: 7, args: [flag, '7'] };
    case 'other':
      if (key.path.at(-1) === 'rope_scaling')
        return {
          value: { rope_type: 'linear', factor: 2 },
          args: [flag, '{"rope_type": "linear", "factor": 2}'],
        };
      return { value: { top_k: 20, min_p: null }, args: [flag, '{"top_k": 20, "min_p": null}'] };
    default: {
      const value = key.path.join('.') === 'objective.name' ? 'sft' : 'a text, with -- and ünïcode ';
      return { value, args: [flag, value] };
    }
  }
}

/** Settings with a value in its place. */
function withKey(settings: object, path: readonly string[], value: unknown): Record<string, unknown> {
  const [name, ...rest] = path as [string, ...string[]];
  const own = settings as Record<string, unknown>;
  return { ...own, [name]: rest.length === 0 ? value : withKey(own[name] ?? {}, rest, value) };
}

describe.each(schemas)('the flags of %s', (kind, schema) => {
  const keys = flagKeys(schema);
  // What no flag gives.
  const given = kind === 'table' ? { rows: [{ name: 'A', label: 'a', evaluation: 'dir' }] } : {};
  // The student is needed as long as lengths are limited, and an objective has a name where it has no module.
  const needed = kind === 'curate' ? 'model' : 'objective.name';
  const required = keys.filter((key) => key.required || key.path.join('.') === needed);
  const least = required.reduce<object>((all, key) => withKey(all, key.path, sample(key).value), given);
  const leastArgs = required.flatMap((key) => sample(key).args);

  it('are there for every key, each of a name of its own', () => {
    const options = commandOf(schema).options;
    const flags = options.map(({ long }) => long!.replace('--no-', '--'));
    expect(flags).toEqual(expect.arrayContaining(keys.map(flagOf)));
    expect(new Set(flags).size).toBe(flags.length);
    const letters = options.flatMap(({ short }) => (short === undefined ? [] : [short]));
    expect(new Set(letters).size).toBe(letters.length);
    // What commands have besides.
    for (const flag of ['--out', '--json', '--help', '--debug']) expect(flags).not.toContain(flag);
  });

  it('say what they are in the help, with the default', () => {
    const options = new Map(commandOf(schema).options.map((option) => [option.long!, option]));
    for (const key of keys) {
      const { description } = options.get(flagOf(key)) ?? options.get(flagOf(key).replace('--', '--no-'))!;
      // Other keys are flags here; what may be chosen is written as it is.
      const words = (key.choices ?? []).reduce((text, choice) => text.replaceAll(choice, ''), description);
      expect(words, flagOf(key)).not.toMatch(/\b[a-z]+_[a-z]+\b(?!")/);
      for (const choice of key.choices ?? []) expect(description, flagOf(key)).toContain(choice);
      if (typeof key.default === 'number') expect(description, flagOf(key)).toContain(`[${key.default}]`);
    }
  });

  it('give nothing where none is there: then the defaults stand', () => {
    expect(settings(schema, leastArgs, given)).toEqual(parseRecipe(schema, least, 'x.yaml'));
  });

  /** The other keys that must be given. */
  const restOf = (key: KeyDescription) =>
    required.filter((other) => other !== key).flatMap((other) => sample(other).args);

  it.each(keys.map((key) => [flagOf(key), key] as const))(
    '%s gives what the key of a recipe gives',
    (_, key) => {
      const { value, args } = sample(key);
      // Where a key needs another, both say so.
      const nameOf = (path: readonly string[]) =>
        flagOf({ path: path.filter((part) => !/^\d+$/.test(part)) } as KeyDescription);
      const expected = outcome(() => parseRecipe(schema, withKey(least, key.path, value), 'x', { nameOf }));
      const found = outcome(() => settings(schema, [...restOf(key), ...args], given));
      // The names of keys are those of flags.
      const named = (text: string) =>
        text.replace(/"([a-z_]+)"/g, (_, name: string) => `--${name.replaceAll('_', '-')}`);
      expect(found).toEqual(typeof expected === 'string' ? named(expected) : expected);
      if (!required.includes(key)) expect(found).not.toEqual(parseRecipe(schema, least, 'x'));
    },
  );

  it('give the same all together', () => {
    // epochs goes without max_steps, a rule settles other keys itself, without its filter lengths have no limit, and a
    // table is against rows of its own.
    const not = [
      'epochs',
      'rule',
      'length_filter',
      'objective.module',
      ...('rows' in given ? ['against'] : []),
    ];
    const all = keys.filter(({ path }) => !not.includes(path.join('.')));
    const recipe = all.reduce<object>((rest, key) => withKey(rest, key.path, sample(key).value), given);
    const args = all.flatMap((key) => sample(key).args);
    expect(settings(schema, args, given)).toEqual(parseRecipe(schema, recipe, 'x.yaml'));
  });

  const hasScaling = keys.some(({ path }) => path.at(-1) === 'rope_scaling');
  it.runIf(hasScaling)('are named with the place in an object that is wrong', () => {
    const said = refused(schema, [...leastArgs, '--rope-scaling', '{"rope_type": "linear"}'], given);
    expect(said).toContain('--rope-scaling.factor: is missing');
  });

  const atTheTop = keys.filter((key) => key.required && key.path.length === 1);
  it.each(atTheTop.map((key) => [flagOf(key), key] as const))('cannot do without %s', (flag, key) => {
    const said = refused(schema, restOf(key), given);
    expect(said.startsWith(`x: ${flag} is missing: `), said).toBe(true);
    // What it is, in the words of the command line.
    expect(said).not.toMatch(/\b[a-z]+_[a-z]+\b(?!")/);
  });

  const numbers = keys.filter((key) => key.kind === 'integer' || key.kind === 'number');
  it.each(numbers.map((key) => [flagOf(key), key] as const))(
    '%s refuses what is out of range',
    (flag, key) => {
      const { minimum, maximum, exclusive, type } = key;
      const wrong = ['', 'many', 'NaN', 'Infinity', '1e999', '3x'];
      if (key.kind === 'integer') wrong.push('1.5');
      if (minimum !== undefined) wrong.push(`${minimum - 1}`);
      if (minimum !== undefined && exclusive) wrong.push(`${minimum}`);
      if (maximum !== undefined) wrong.push(`${maximum + 1}`);
      for (const text of wrong) {
        const said = refused(schema, [...leastArgs, flag, text], given);
        expect(said, text).toContain(flag);
        expect(said, text).toContain(`argument '${text}' is invalid. must be ${type}`);
      }
      for (const bound of [exclusive ? undefined : minimum, maximum]) {
        if (bound === undefined) continue;
        const found = settings(schema, [...leastArgs, flag, `${bound}`], given);
        expect(found).toEqual(parseRecipe(schema, withKey(least, key.path, bound), 'x.yaml'));
      }
    },
  );

  const choosing = keys.filter(({ choices }) => choices !== undefined);
  it.each(choosing.map((key) => [flagOf(key), key] as const))('%s refuses what is no choice', (flag, key) => {
    for (const text of ['none of them', '', key.choices![0]!.toUpperCase()]) {
      const said = refused(schema, [...leastArgs, flag, text], given);
      expect(said).toContain(flag);
      expect(said).toContain(
        `argument '${text}' is invalid. Allowed choices are ${key.choices!.join(', ')}${key.modules ? ', and the path of a JavaScript file' : ''}.`,
      );
    }
  });
});

describe('numbers without end', () => {
  const given = { data: 'p.jsonl', model: 'm' };
  it.each([
    ['--samples', '1000000000', 'from 1 to 100000', 'all samples of a problem are kept'],
    ['--until-right', '1e9', 'from 1 to 100000', 'all samples of a problem are kept'],
    ['--concurrency', '1e9', 'from 1 to 4096', 'each request holds a connection open'],
  ])('%s %s is refused with the reason, in recipes too', (flag, text, range, reason) => {
    expect(refused(collectSettings, [flag, text], given)).toContain(
      `must be a whole number ${range}: ${reason}`,
    );
    const key = flag.slice(2).replaceAll('-', '_');
    const parse = () => parseRecipe(collectSettings, { ...given, [key]: Number(text) }, 'x.yaml');
    expect(parse).toThrow(
      `x.yaml: field "${key}": must be a whole number ${range}, not 1000000000: ${reason}`,
    );
  });
});

describe('settingsFrom', () => {
  const schema = z.strictObject({
    data: z.union([z.string().min(1), z.array(z.string()).min(1)]),
    samples: z.int().positive().default(1).describe('how many').meta({ short: 'k' }),
    lengths: z.union([z.int().positive(), z.array(z.int().positive()).min(1)]).optional(),
    names: z.array(z.string()).default([]).describe('names'),
    graders: z.array(z.enum(['near', 'far', 'odd'])).default(['near']),
    filter: z.boolean().default(true).describe('drop what is long'),
    judge: z.boolean().default(false).describe('ask with judge_model'),
    judge_model: z.string().optional(),
    pairs: z.union([z.int().positive(), z.enum(['balanced', 'all'])]).default(1),
    system: z.string().default('Be brief.'),
    sampling: z
      .strictObject({
        temperature: z.number().min(0).default(0),
        extra_body: z.record(z.string(), z.unknown()).default({}).describe('more'),
      })
      .prefault({}),
  });
  const from = (...args: string[]) => settings(schema, args, { data: 'd' });
  const helpOf = (long: string) => commandOf(schema).options.find((option) => option.long === long)!;

  it('gives the defaults where there are no flags', () => {
    expect(from()).toEqual({
      ...{ data: 'd', samples: 1, names: [], graders: ['near'], filter: true, judge: false, pairs: 1 },
      ...{ system: 'Be brief.', sampling: { temperature: 0, extra_body: {} } },
    });
  });

  it('takes the letter for the flag, and the last of two values', () => {
    expect(from('-k', '3').samples).toBe(3);
    expect(from('-k', '3', '--samples', '4').samples).toBe(4);
  });

  it('puts keys of parts in their place', () => {
    expect(from('--temperature', '0.5', '--extra-body', '{"top_k": 2}').sampling).toEqual({
      temperature: 0.5,
      extra_body: { top_k: 2 },
    });
  });

  it('has --no-x for what is true by default, and --x for what is not', () => {
    expect(from('--no-filter').filter).toBe(false);
    expect(from('--judge').judge).toBe(true);
    expect(refused(schema, ['--filter'], { data: 'd' })).toContain("unknown option '--filter'");
    expect(refused(schema, ['--no-judge'], { data: 'd' })).toContain("unknown option '--no-judge'");
    expect(helpOf('--no-filter').description).toContain('drop what is long');
  });

  it('takes lists of choices with commas, and several times', () => {
    expect(from('--graders', 'far,odd').graders).toEqual(['far', 'odd']);
    expect(from('--graders', 'far', '--graders', 'odd,near').graders).toEqual(['far', 'odd', 'near']);
    // A flag with commas leaves what comes after it alone.
    const command = commandOf(schema).parse(['--graders', 'far,odd', 'file.jsonl'], { from: 'user' });
    expect(command.args).toEqual(['file.jsonl']);
    for (const [list, wrong] of [
      ['far,wide', 'far,wide'],
      ['far,', 'far,'],
      [',', ','],
    ] as const) {
      expect(refused(schema, ['--graders', list])).toContain(
        `argument '${wrong}' is invalid. Allowed choices are near, far, odd.`,
      );
    }
  });

  it('takes lists of other texts one by one, commas and all', () => {
    expect(from('--names', 'a', 'b, c', '--names', 'd').names).toEqual(['a', 'b, c', 'd']);
    expect(from('--names', '').names).toEqual(['']);
  });

  it('keeps names that look like numbers', () => {
    expect(from('--names', '2024', '007').names).toEqual(['2024', '007']);
  });

  it('takes lists of numbers, and refuses what is none, naming the flag', () => {
    expect(from('--lengths', '12', '10').lengths).toEqual([12, 10]);
    for (const wrong of ['x', '0', '-3', '1.5', '']) {
      const said = refused(schema, ['--lengths', '12', wrong], { data: 'd' });
      expect(said, wrong).toContain('--lengths');
      expect(said, wrong).toContain('a whole number from 1 up');
    }
  });

  it('takes a number or a name where both may stand, and refuses others, saying what may', () => {
    expect(from('--pairs', '3').pairs).toBe(3);
    expect(from('--pairs', 'balanced').pairs).toBe('balanced');
    for (const wrong of ['0', '1.5', 'some', '']) {
      const said = refused(schema, ['--pairs', wrong], { data: 'd' });
      expect(said, wrong).toContain('--pairs');
      expect(said, wrong).toContain('a whole number from 1');
      expect(said, wrong).toContain('balanced');
    }
  });

  it('takes empty texts, also where the default is not empty', () => {
    expect(from('--system', '').system).toBe('');
    expect(from('--judge-model', '').judge_model).toBe('');
  });

  it.each(['{top_k: 2}', '[1]', '2', '"x"', 'null', '', 'true'])('refuses %j for a JSON object', (text) => {
    const said = refused(schema, ['--extra-body', text]);
    expect(said).toBe(`--extra-body must be a JSON object, e.g. '{"top_k": 20}'.`);
  });

  it('knows no flag for a part as a whole, and none that is not a key', () => {
    expect(refused(schema, ['--sampling', '{}'])).toContain("unknown option '--sampling'");
    expect(refused(schema, ['--temprature', '1'])).toContain("unknown option '--temprature'");
    expect(refused(schema, ['--temprature', '1'])).toContain('--temperature');
  });

  it('names keys by their flags in messages, and leaves paths as they are', () => {
    const message =
      'judge_model and "judge_model" of a/judge_model/x, judge_model/x, judge_model.jsonl: give judge_model.';
    expect(withFlags(message, schema)).toBe(
      '--judge-model and --judge-model of a/judge_model/x, judge_model/x, judge_model.jsonl: give --judge-model.',
    );
  });

  it('says what is missing by its flag', () => {
    expect(refused(schema, [])).toMatch(/^x: --data is missing/);
  });

  it('takes what is given besides flags, in place of them', () => {
    expect(settings(schema, [], { data: ['a', 'b'] }).data).toEqual(['a', 'b']);
    expect(settings(schema, ['--data', 'a', 'b']).data).toEqual(['a', 'b']);
  });

  it('says in the help what else there is by flags, and the defaults', () => {
    expect(helpOf('--samples').description).toBe('how many [1]');
    expect(helpOf('--judge').description).toBe('ask with --judge-model');
    expect(helpOf('--names').description).toBe('names');
    expect(helpOf('--graders').description).toMatch(/near, far, odd \[near\]$/);
    expect(helpOf('--system').description).toMatch(/\[Be brief\.\]$/);
    expect(helpOf('--extra-body').description).toBe('more');
  });
});

describe('a flag that may stand for each of several addresses', () => {
  const given = (...args: string[]) =>
    settings(z.strictObject({ base_url: z.string().optional().meta({ joined: true }) }), args);
  it('joins them', () => {
    expect(given('--base-url', 'http://a', '--base-url', 'http://b')).toEqual({
      base_url: 'http://a,http://b',
    });
    expect(given('--base-url', 'http://a')).toEqual({ base_url: 'http://a' });
  });
  it('is that of every command that asks endpoints', () => {
    const keys = schemas.flatMap(([, schema]) => describeKeys(schema));
    const urls = keys.filter(({ path }) => path.at(-1) === 'base_url');
    expect(urls.length).toBeGreaterThan(2);
    for (const { joined } of urls) expect(joined).toBe(true);
  });
});
