/** @file Checks settings against their schema and says in one sentence what does not fit. Does not read files. */
import type { z } from 'zod';
import { UserError } from '../util/errors.js';
import { nearestOf } from '../util/nearest.js';
import { demandOf, describeKeys, ENTRY, type KeyDescription } from './describe.js';

export interface ParseOptions {
  /** Where the keys are explained, for the message about an unknown one. */
  page?: string;
  /** How a key is named in messages; default: `"a.b"`. */
  nameOf?: (path: readonly string[]) => string;
}

const quoted = (path: readonly string[]) => `"${path.join('.')}"`;

/** @throws UserError naming the file (or what else `where` says) and the key */
export function parseRecipe<T>(
  schema: z.ZodType<T>,
  value: unknown,
  where: string,
  { page = 'docs/recipes.md', nameOf = quoted }: ParseOptions = {},
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt key is often the one that is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const path = issue.path.map(String);
  const keys = describeKeys(schema);
  if (issue.code === 'unrecognized_keys') {
    const named = issue.keys.map((key) => {
      const nearest = nearestKey([...path.map(asEntry), key], keys);
      return `${nameOf([...path, key])}${nearest ? ` (the nearest is ${nameOf(nearest)})` : ''}`;
    });
    const which = named.length === 1 ? 'unknown key' : 'unknown keys';
    throw new UserError(`${where}: ${which} ${named.join(', ')}; ${page} has all keys`);
  }
  if (path.length === 0) throw new UserError(`${where}: ${issue.message}`);
  if (MISFITS.has(issue.code) && valueAt(value, issue.path) === undefined)
    throw new UserError(`${where}: ${nameOf(path)} is missing`);
  throw new UserError(`${where}: field ${nameOf(path)}: ${complaint(issue, path, keys)}`);
}

/** Kinds of issues about which the type of the key says more than the library does. */
const MISFITS: ReadonlySet<string> = new Set(['invalid_type', 'invalid_union', 'invalid_value']);

const asEntry = (part: string): string => (/^\d+$/.test(part) ? ENTRY : part);

function complaint(
  issue: z.core.$ZodIssue,
  path: readonly string[],
  keys: readonly KeyDescription[],
): string {
  // An entry of a list has the list's path with its place.
  const full = path.map(asEntry).join('.');
  const name = path.filter((part) => asEntry(part) !== ENTRY).join('.');
  const key = keys.find((known) => [full, name].includes(known.path.join('.')));
  const isBound = ['too_small', 'too_big', 'not_multiple_of'].includes(issue.code) && key?.numeric;
  return key && (MISFITS.has(issue.code) || isBound) ? demandOf(key) : issue.message;
}

/** The key of the same part that is spelt most alike, or one of another part where that was clearly meant. */
function nearestKey(key: readonly string[], keys: readonly KeyDescription[]): readonly string[] | undefined {
  const name = key.at(-1)!;
  const part = key.slice(0, -1).join('.');
  const within = (siblings: boolean) =>
    keys.filter(({ path }) => (path.slice(0, -1).join('.') === part) === siblings);
  const best = (candidates: readonly KeyDescription[]) => {
    const found = nearestOf(
      name,
      candidates.map(({ path }) => path.at(-1)!),
    );
    return candidates.find(({ path }) => path.at(-1) === found)?.path;
  };
  const elsewhere = keys.filter(({ path }) => path.at(-1) === name.replaceAll('-', '_'));
  return best(elsewhere) ?? best(within(true)) ?? best(within(false));
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
