/** @file Checks settings against their schema and says in one sentence what does not fit. Does not read files. */
import type { z } from 'zod';
import { UserError } from '../util/errors.js';
import { nearestOf } from '../util/nearest.js';
import { describeKeys } from './describe.js';

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
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const key = [...path, issue.keys[0]!];
    throw new UserError(
      `${where}: unknown key ${nameOf(key)}${nearest(schema, key, nameOf)}; ${page} has all keys`,
    );
  }
  if (path.length === 0) throw new UserError(`${where}: ${issue.message}`);
  if (issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined)
    throw new UserError(`${where}: ${nameOf(path)} is missing`);
  throw new UserError(`${where}: field ${nameOf(path)}: ${issue.message}`);
}

/** The key of the same part that is spelt most alike. */
function nearest(
  schema: z.ZodType,
  key: readonly string[],
  nameOf: (path: readonly string[]) => string,
): string {
  const part = key.slice(0, -1).join('.');
  const siblings = describeKeys(schema).filter(({ path }) => path.slice(0, -1).join('.') === part);
  const best = nearestOf(
    key.at(-1)!,
    siblings.map(({ path }) => path.at(-1)!),
  );
  return best === undefined ? '' : ` (the nearest is ${nameOf([...key.slice(0, -1), best])})`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
