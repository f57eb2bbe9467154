/** @file Reads small JSON files of results, which may be damaged or somebody else's. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { parsePlainJson } from '../../util/exactJson.js';

const MAX_BYTES = 1 << 26;

/** A file's content as a schema has it; undefined where it is missing, damaged, too large or nested too deeply. */
export function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): z.output<Schema> | undefined {
  try {
    if (!existsSync(path) || statSync(path).size > MAX_BYTES) return undefined;
    return schema.safeParse(parsePlainJson(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Settings of a record, whatever they are. */
export const settingsOf = (record: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  typeof record.settings === 'object' && record.settings !== null
    ? (record.settings as Record<string, unknown>)
    : {};

/** Settings part by part: `optimizer.lr`; lists and what is empty as JSON. */
export function flatten(value: unknown, prefix = ''): Record<string, string | number | boolean | null> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0)
    return Object.assign(
      {},
      ...Object.entries(value).map(([key, part]) => flatten(part, prefix === '' ? key : `${prefix}.${key}`)),
    ) as Record<string, string | number | boolean | null>;
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value) || value === null;
  return { [prefix]: isPlain ? (value as string | number | boolean | null) : JSON.stringify(value) };
}

/** The last two parts of a path: `own/pref.jsonl`. */
export function shortened(path: unknown): string {
  if (typeof path !== 'string') return 'what is not known';
  const folder = basename(dirname(path));
  return folder === '' || folder === '.' ? basename(path) : `${folder}/${basename(path)}`;
}
