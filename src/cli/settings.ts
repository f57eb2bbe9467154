/** @file Flags made from a settings schema, and settings from flags: `max_tokens` of a recipe is `--max-tokens` here. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { z } from 'zod';
import { defaultInWords, demandOf, describeKeys, ENTRY, type KeyDescription } from '../recipe/describe.js';
import { parseRecipe } from '../recipe/parse.js';
import { UserError } from '../util/errors.js';

/** Keys of parts are flags of their own; what cannot be written on a command line is left to recipes. */
function flagKeys(schema: z.ZodType): KeyDescription[] {
  const keys = describeKeys(schema);
  const hasParts = (list: KeyDescription) =>
    keys.some(({ path }) => path.join('.').startsWith(`${[...list.path, ENTRY].join('.')}.`));
  return keys.filter((key) => key.kind !== 'part' && !key.path.includes(ENTRY) && !hasParts(key));
}

const flagOf = ({ path }: Pick<KeyDescription, 'path'>): string => `--${path.at(-1)!.replaceAll('_', '-')}`;
/** As commander names the value of a flag. */
const attributeOf = ({ path }: KeyDescription): string =>
  path.at(-1)!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Adds a flag for every key of the schema. */
export function addSettings(command: Command, schema: z.ZodType): void {
  for (const key of flagKeys(schema)) {
    const flag = flagOf(key);
    if (key.kind === 'boolean') {
      if (key.default === true) command.option(flag.replace('--', '--no-'), `do not: ${textOf(key)}`);
      else command.option(flag, textOf(key));
      continue;
    }
    // A list of names is written with commas: a variadic flag would swallow the arguments after it.
    const value = key.kind === 'list' && !hasCommas(key) ? '<values...>' : `<${PLACEHOLDERS[key.kind]}>`;
    const option = new Option(`${key.short ? `-${key.short}, ` : ''}${flag} ${value}`, describe(key));
    option.argParser((text: string, before: unknown) => parse(text, key, before));
    command.addOption(option);
  }
}

/** Whether the entries of a list are names, which are written with commas. */
const hasCommas = ({ choices, names }: KeyDescription): boolean => choices !== undefined || names === true;

const PLACEHOLDERS: Record<KeyDescription['kind'], string> = {
  number: 'x',
  integer: 'n',
  text: 'text',
  boolean: 'bool',
  choice: 'name',
  mixed: 'value',
  list: 'names',
  part: 'part',
  other: 'json',
};

/** The sentence about a key, in which other keys are flags. */
const textOf = ({ text }: KeyDescription): string =>
  text.replace(/\b[a-z]+(?:_[a-z]+)+\b(?!")/g, (name) => flagOf({ path: [name] }));

/**
 * A message in which the schema's keys are called by their flags; what is on by default has one that turns it off. Parts
 * of paths stay.
 */
export function withFlags(message: string, schema: z.ZodType): string {
  const keys = flagKeys(schema).filter(
    ({ kind, default: initial }) => kind !== 'boolean' || initial !== true,
  );
  const names = new Set(keys.map(({ path }) => path.at(-1)!));
  const flag = (whole: string, name: string) => (names.has(name) ? flagOf({ path: [name] }) : whole);
  return message
    .replace(/"([a-z]+(?:_[a-z]+)*)"/g, flag)
    .replace(/(?<![-"\w./\\])([a-z]+(?:_[a-z]+)+)(?![-"\w/\\]|\.\w)/g, flag);
}

function describe(key: KeyDescription): string {
  const { choices, default: initial, kind } = key;
  const text = textOf(key);
  const listed =
    choices && !choices.every((choice) => text.includes(choice)) ? `${text}: ${choices.join(', ')}` : text;
  if (initial === undefined || initial === '' || (kind === 'other' && JSON.stringify(initial) === '{}'))
    return listed;
  if (Array.isArray(initial)) return initial.length === 0 ? listed : `${listed} [${initial.join(', ')}]`;
  return `${listed} [${defaultInWords(initial)}]`;
}

function parse(text: string, key: KeyDescription, before: unknown): unknown {
  switch (key.kind) {
    case 'integer':
    case 'number':
      return parseNumber(text, key);
    case 'choice':
      if (!key.choices!.includes(text))
        throw new InvalidArgumentError(`Allowed choices are ${key.choices!.join(', ')}.`);
      return text;
    case 'list': {
      const values = hasCommas(key) ? text.split(',') : [text];
      return [...((before as unknown[] | undefined) ?? []), ...values.map((value) => parseEntry(value, key))];
    }
    case 'mixed':
      return plainNumber(text, key);
    case 'other':
      return parseJson(text, key);
    default:
      return key.joined && typeof before === 'string' ? `${before},${text}` : text;
  }
}

/** An entry of a list: one of the choices if there are any, and the path of a module where that may stand instead. */
function parseEntry(text: string, key: KeyDescription): unknown {
  const { choices, modules } = key;
  if (!choices || choices.includes(text)) return plainNumber(text, key);
  if (modules && /[/\\]|\.[cm]?[jt]s$/.test(text)) return { module: text };
  const others = modules ? ', and the path of a JavaScript file' : '';
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}${others}.`);
}

/** A number where the key can be one and the text looks like it. */
const plainNumber = (text: string, { numeric }: KeyDescription): string | number =>
  numeric && /^-?\d{1,15}$/.test(text) ? Number(text) : text;

function parseNumber(text: string, key: KeyDescription): number {
  const { kind, minimum, maximum, exclusive } = key;
  const value = Number(text);
  const low = minimum === undefined || (exclusive ? value > minimum : value >= minimum);
  const high = maximum === undefined || value <= maximum;
  if (
    text.trim() === '' ||
    !Number.isFinite(value) ||
    (kind === 'integer' && !Number.isInteger(value)) ||
    !low ||
    !high
  )
    throw new InvalidArgumentError(demandOf(key));
  return value;
}

function parseJson(text: string, key: KeyDescription): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    // Commander would repeat the value, which may hold a key.
    throw new UserError(`${flagOf(key)} must be a JSON object, e.g. '{"top_k": 20}'.`);
  return value;
}

/** A key is called by its flag; what stands in the object that a flag takes, by its place in there. */
function nameOf(path: readonly string[], schema: z.ZodType): string {
  const names = path.filter((part) => !/^\d+$/.test(part));
  const key = flagKeys(schema).find(
    ({ kind, path: own }) => kind === 'other' && own.every((name, i) => name === names[i]),
  );
  if (key === undefined) return flagOf({ path: names });
  return [flagOf(key), ...names.slice(key.path.length)].join('.');
}

/**
 * The settings that flags give, checked.
 * @param given what was not given by a flag, such as files
 * @throws UserError naming the flag
 */
export function settingsFrom<T>(
  schema: z.ZodType<T>,
  flags: Record<string, unknown>,
  given: Record<string, unknown>,
  command: string,
): T {
  return parseRecipe(schema, { ...givenBy(schema, flags), ...given }, command, {
    page: `\`redistill ${command} --help\``,
    nameOf: (path) => nameOf(path, schema),
    wording: (message) => withFlags(message, schema),
  });
}

/** The keys that flags say, by themselves: without what they are by default. */
export function givenBy(schema: z.ZodType, flags: Record<string, unknown>): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const key of flagKeys(schema)) {
    const value = flags[attributeOf(key)];
    // A flag that begins with --no- is true unless it is given.
    if (value === undefined || (key.kind === 'boolean' && value === key.default)) continue;
    let part = settings;
    for (const name of key.path.slice(0, -1)) part = (part[name] ??= {}) as Record<string, unknown>;
    part[key.path.at(-1)!] = value;
  }
  return settings;
}
