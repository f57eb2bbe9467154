/** @file Checks settings against their schema and says of all that does not fit where it stands and what would. Does not read files. */
import leven from 'leven';
import type { z } from 'zod';
import { nearestOf } from '../util/nearest.js';
import { demandOf, describeKeys, ENTRY, type KeyDescription } from './describe.js';
import { Faults } from './faults.js';
import { foreignHint } from './foreignKeys.js';

export interface ParseOptions {
  /** Where the keys are explained, for the message about an unknown one. */
  page?: string;
  /** How a key is named in messages; default: `"a.b"`. */
  nameOf?: (path: readonly string[]) => string;
  /** Changes the words of a message that names other keys. */
  wording?: (message: string) => string;
  /** Where a key comes from: "line 7". */
  placeOf?: (path: readonly PropertyKey[]) => string | undefined;
  /** How a key can be taken out on the command line, where that may be what is wanted. */
  removalOf?: (path: readonly PropertyKey[]) => string | undefined;
  /** What the settings are part of: "stage sft". */
  part?: string;
}

const quoted = (path: readonly string[]) => `"${path.join('.')}"`;

/** @throws UserError naming the file (or what else `where` says) and every key that does not fit */
export function parseRecipe<T>(
  schema: z.ZodType<T>,
  value: unknown,
  where: string,
  options: ParseOptions = {},
): T {
  const faults = new Faults();
  const settings = checkSettings(schema, value, faults, options);
  faults.throwIfAny(where);
  return settings as T; // there are some where there is no fault
}

/** The settings with their defaults; undefined where they do not fit, which the faults then say. */
export function checkSettings<T>(
  schema: z.ZodType<T>,
  given: unknown,
  faults: Faults,
  options: ParseOptions = {},
): T | undefined {
  const keys = describeKeys(schema);
  const value = withParts(given, keys);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  new Complaints(keys, value, faults, options).add(parsed.error.issues);
  return undefined;
}

/**
 * A part that has a name may be given by that alone, and one that has terms by a list of them: `objective: sft`, `objective:
 * [sft, { name: kl, weight: 0.1 }]`.
 */
function withParts(value: unknown, keys: readonly KeyDescription[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const named = keys.filter(({ kind, path: [part] }) => {
    const name = keys.find(({ path }) => path.length === 2 && path[0] === part && path[1] === 'name');
    return kind === 'part' && name?.kind === 'text';
  });
  const names = new Set(named.map(({ path }) => path[0]!));
  const byName = (part: unknown) => (typeof part === 'string' ? { name: part } : part);
  const hasTerms = (key: string) => keys.some(({ path }) => path.join('.') === `${key}.terms`);
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => [
      key,
      !names.has(key)
        ? part
        : Array.isArray(part) && hasTerms(key)
          ? { terms: part.map(byName) }
          : byName(part),
    ]),
  );
}

/** Kinds of issues about which the type of the key says more than the library does. */
const MISFITS: ReadonlySet<string> = new Set(['invalid_type', 'invalid_union', 'invalid_value']);
const BOUNDS: ReadonlySet<string> = new Set(['too_small', 'too_big', 'not_multiple_of']);

const asEntry = (part: PropertyKey): string => (/^\d+$/.test(String(part)) ? ENTRY : String(part));

class Complaints {
  readonly #keys: readonly KeyDescription[];
  readonly #value: unknown;
  readonly #faults: Faults;
  readonly #options: ParseOptions;
  readonly #nameOf: (path: readonly string[]) => string;

  constructor(
    keys: readonly KeyDescription[],
    value: unknown,
    faults: Faults,
    { nameOf = quoted, ...options }: ParseOptions,
  ) {
    this.#keys = keys;
    this.#value = value;
    this.#faults = faults;
    this.#options = options;
    this.#nameOf = nameOf;
  }

  add(issues: readonly z.core.$ZodIssue[]): void {
    // A misspelt key is often the one that is missing, which is then not said again.
    const meant = new Set<string>();
    for (const issue of issues)
      if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) this.#addUnknown([...issue.path, key], meant);
    for (const issue of issues) {
      if (issue.code === 'unrecognized_keys') continue;
      const { path } = issue;
      if (path.length > 0 && MISFITS.has(issue.code) && valueAt(this.#value, path) === undefined)
        this.#addMissing(path, meant);
      else if (path.length === 0) this.#addAt(path, this.#rootComplaint(issue));
      else this.#addAt(path, `field ${this.#name(path)}: ${this.#complaint(issue)}${this.#removal(path)}`);
    }
  }

  #addAt(path: readonly PropertyKey[], message: string, isUnknown = false): void {
    const { placeOf, part, page = 'docs/recipes.md', wording = (text: string) => text } = this.#options;
    const place = placeOf?.(path);
    this.#faults.add({
      place: [...(place === undefined ? [] : [place]), ...(part === undefined ? [] : [part])],
      message: wording(message),
      ...(isUnknown && { page }),
    });
  }

  #name(path: readonly PropertyKey[]): string {
    return this.#nameOf(path.map(String));
  }

  #addUnknown(path: readonly PropertyKey[], meant: Set<string>): void {
    const name = String(path.at(-1));
    const nearest = nearestKey(path.map(asEntry), this.#keys);
    const distance = nearest === undefined ? Infinity : leven(nearest.at(-1)!, name);
    const known = new Set(this.#keys.map((key) => key.path.join('.')));
    const foreign = distance <= 1 ? undefined : foreignHint(name, known, this.#nameOf);
    if (foreign?.key !== undefined) meant.add(foreign.key);
    else if (distance <= 2) meant.add(nearest!.join('.'));
    const hint = foreign ? `: ${foreign.hint}` : nearest ? ` (the nearest is ${this.#nameOf(nearest)})` : '';
    this.#addAt(path, `unknown key ${this.#name(path)}${hint}${this.#removal(path)}`, true);
  }

  #removal(path: readonly PropertyKey[]): string {
    const removal = this.#options.removalOf?.(path);
    return removal === undefined ? '' : `; ${removal} takes it out`;
  }

  /** Of a part that is missing, its keys are that must be given. */
  #addMissing(path: readonly PropertyKey[], meant: ReadonlySet<string>): void {
    const full = path.map(asEntry);
    const own = this.#keys.find((key) => key.path.join('.') === full.join('.'));
    const inner = this.#keys.filter(
      (key) =>
        key.required &&
        key.kind !== 'part' &&
        key.path.length > full.length &&
        full.every((part, i) => key.path[i] === part) &&
        !key.path.slice(full.length).includes(ENTRY),
    );
    const missing = own?.kind === 'part' && inner.length > 0 ? inner : [own];
    for (const key of missing) {
      if (key && meant.has(key.path.join('.'))) continue;
      const place = key ? [...path, ...key.path.slice(full.length)] : path;
      const text = key && key.text !== '' ? `: ${key.text}` : '';
      this.#addAt(place, `${this.#name(place)} is missing${text}`);
    }
  }

  #rootComplaint(issue: z.core.$ZodIssue): string {
    if (issue.code !== 'custom') return `a recipe is keys and values, not ${shown(this.#value)}`;
    return issue.message;
  }

  #complaint(issue: z.core.$ZodIssue): string {
    if (issue.code === 'custom') return issue.message;
    // An entry of a list has the list's path with its place.
    const full = issue.path.map(asEntry).join('.');
    const name = issue.path.filter((part) => asEntry(part) !== ENTRY).join('.');
    const key = this.#keys.find((known) => [full, name].includes(known.path.join('.')));
    const value = valueAt(this.#value, issue.path);
    if (key && (MISFITS.has(issue.code) || (BOUNDS.has(issue.code) && key.numeric)))
      return demandOf(key, this.#found(value, key));
    if (issue.code === 'too_small') return 'must not be empty';
    return `must be something else than ${shown(value)}`;
  }

  /** What stands in the place of a value. */
  #found(value: unknown, { numeric }: KeyDescription): string {
    const isQuoted = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
    if (numeric && isQuoted && this.#nameOf === quoted)
      return `, not the text "${value}": leave out the quotes`;
    return `, not ${shown(value)}`;
  }
}

/** A value in few words. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  const isDeep = (entry: unknown) => typeof entry === 'object' && entry !== null;
  if (Array.isArray(value) && value.some(isDeep)) return 'a list';
  if (typeof value === 'object' && !Array.isArray(value)) return 'keys and values';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
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
