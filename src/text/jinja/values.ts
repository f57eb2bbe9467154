/** @file Holds the values that templates compute with. They are Python's, for which templates are written. */

import { ExactNumber } from '../../util/exactJson.js';
import { allowElements, readText, spend, TemplateError } from './budget.js';

/**
 * A Python value: null is None, a bigint is an `int`, a number is a `float`, a string is a `str`, an array is a `list`.
 * The sandbox forbids to change lists and dicts, so that they are never copied.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Markup
  | Undefined
  | Tuple
  | Dict
  | View
  | Range
  | Stream
  | Instance;

/** Arguments of a call by name. */
export type Named = ReadonlyMap<string, Value>;

/** A text that `| safe` marks as HTML, after which it escapes all that is added to it. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What a name that nothing defines stands for. It is empty, and an error for most operations. */
export class Undefined {
  /** @param problem the error of those operations */
  constructor(readonly problem: string) {}
}

export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

export class Range {
  readonly length: number;

  constructor(
    readonly start: number,
    readonly stop: number,
    readonly step: number,
  ) {
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  at(index: number): bigint {
    return BigInt(this.start + index * this.step);
  }
}

/** A `dict`, whose keys are any values that Python can hash. */
export class Dict {
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.#set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }

  entries(): IterableIterator<readonly [Value, Value]> {
    return this.#entries.values();
  }

  #set(key: Value, value: Value): void {
    spend(1);
    const hash = hashKey(key);
    // A key that is there keeps its first form and its place.
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }
}

/** What `dict.keys()`, `values()` and `items()` return. */
export class View {
  constructor(
    readonly kind: 'keys' | 'values' | 'items',
    readonly dict: Dict,
  ) {}
}

/** A generator or iterator: it can be walked through once, counts as true, and has no length. */
export class Stream {
  constructor(readonly iterator: Iterator<Value>) {}
}

/** An object with attributes of its own: functions, macros, `loop`, namespaces. */
export abstract class Instance {
  abstract readonly type: string;

  /** Returns an attribute; undefined if there is none of that name. */
  abstract attribute(name: string): Value | undefined;

  /** Returns what `str` makes of it; undefined if that holds an address, which differs from run to run. */
  toText(): string | undefined {
    return undefined;
  }
}

/** An object that can be called. */
export abstract class Callable extends Instance {
  abstract call(args: readonly Value[], named: Named): Value;
}

/** A function of ours. */
export class Builtin extends Callable {
  readonly type = 'function';

  constructor(override readonly call: (args: readonly Value[], named: Named) => Value) {
    super();
  }

  override attribute(): undefined {
    return undefined;
  }
}

/** What templates make with `namespace()` to set values out of loops. */
export class Namespace extends Instance {
  readonly type = 'Namespace';

  constructor(readonly attributes: Map<string, Value>) {
    super();
  }

  override attribute(name: string): Value | undefined {
    return this.attributes.get(name);
  }
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'string':
      return 'str';
  }
  if (isList(value)) return 'list';
  if (value instanceof View) return `dict_${value.kind}`;
  return value instanceof Instance
    ? value.type
    : value instanceof Stream
      ? 'generator'
      : value.constructor.name;
}

/** Narrows to a `list`; `Array.isArray` alone does not know read-only ones. */
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** Returns the text of a `str`, marked or not. */
export function textOf(value: Value): string | undefined {
  return typeof value === 'string' ? value : value instanceof Markup ? value.text : undefined;
}

/** A number as a bigint or number: True and False are 1 and 0. */
export function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? BigInt(value) : undefined;
}

/** A whole number, as an index or a count; undefined if it is none. */
export function integerOf(value: Value): number | undefined {
  const number = typeof value === 'boolean' ? BigInt(value) : value;
  return typeof number === 'bigint' ? Number(number) : undefined;
}

/** Returns the elements of a list, tuple or range; undefined for all else. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (isList(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (!(value instanceof Range)) return undefined;
  allowElements(value.length);
  return Array.from({ length: value.length }, (_, i) => value.at(i));
}

/** Returns what Python's `len` does; undefined for a value that has no length. */
export function lengthOf(value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) return countCharacters(text);
  if (isList(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof View) return value.dict.size;
  if (value instanceof Range) return value.length;
  return value instanceof Undefined ? 0 : undefined;
}

const SURROGATE = /[\uD800-\uDFFF]/;

const isHigh = (unit: number) => (unit & 0xfc00) === 0xd800;
const isLow = (unit: number) => (unit & 0xfc00) === 0xdc00;

/** Counts characters as Python does: one for each code point. */
export function countCharacters(text: string): number {
  readText(text.length);
  if (!SURROGATE.test(text)) return text.length;
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    if (isHigh(text.charCodeAt(i - 1)) && isLow(text.charCodeAt(i))) count--;
  }
  return count;
}

/** Splits a text into code points. */
export function charactersOf(text: string): string[] {
  spend(text.length / 4);
  return SURROGATE.test(text) ? Array.from(text) : text.split('');
}

/** Tells whether Python counts a value as true. */
export function truthy(value: Value): boolean {
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'boolean') return value;
  const text = textOf(value);
  return text === undefined ? value !== null && lengthOf(value) !== 0 : text !== '';
}

/** Walks through a value as Python's `for` does. @throws TemplateError if it cannot be walked through */
export function iterate(value: Value): Iterator<Value> {
  if (value instanceof Stream) return value.iterator;
  if (isList(value)) return value[Symbol.iterator]();
  const text = textOf(value);
  if (text !== undefined) return charactersOf(text)[Symbol.iterator]();
  if (value instanceof Tuple) return value.items[Symbol.iterator]();
  if (value instanceof Range) return itemsOf(value)![Symbol.iterator]();
  if (value instanceof Dict || value instanceof View) spend(lengthOf(value)!);
  if (value instanceof Dict) return Array.from(value.entries(), ([key]) => key)[Symbol.iterator]();
  if (value instanceof View) {
    const { kind, dict } = value;
    const element = ([key, item]: readonly [Value, Value]) =>
      kind === 'keys' ? key : kind === 'values' ? item : new Tuple([key, item]);
    return Array.from(dict.entries(), element)[Symbol.iterator]();
  }
  if (value instanceof Undefined) return [][Symbol.iterator]();
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** Walks through a value to its end. @throws TemplateError as `iterate` does */
export function listOf(value: Value): readonly Value[] {
  const items = itemsOf(value);
  if (items) return items;
  const list: Value[] = [];
  for (const item of { [Symbol.iterator]: () => iterate(value) }) {
    list.push(item);
    spend(1);
  }
  allowElements(list.length);
  return list;
}

/** Returns what equal keys of a dict have in common. @throws TemplateError for lists and dicts */
export function hashKey(value: Value): unknown {
  const text = textOf(value);
  if (text !== undefined) return text;
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof Tuple) {
    spend(value.items.length);
    // The first character keeps it apart from texts that templates and rows hold.
    return `\0(${value.items.map((item) => `${typeof item}:${String(hashKey(item))}`).join('\0,')})`;
  }
  if (isList(value) || value instanceof Dict || value instanceof View) {
    throw new TemplateError(`unhashable type: '${typeName(value)}'`);
  }
  return value instanceof Undefined ? Undefined : value;
}

/** Tells whether Python's `==` holds. */
export function equals(a: Value, b: Value): boolean {
  spend(1);
  if (a === b) return true;
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined || right !== undefined) {
    if (left === undefined || right === undefined) return false;
    return left <= right && left >= right;
  }
  const text = textOf(a);
  if (text !== undefined) {
    const other = textOf(b);
    if (text.length === other?.length) readText(text.length);
    return text === other;
  }
  if (isList(a)) return isList(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Range) return b instanceof Range && equalItems(itemsOf(a)!, itemsOf(b)!);
  if (a instanceof Dict) return b instanceof Dict && equalDicts(a, b);
  return a instanceof Undefined && b instanceof Undefined;
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equals(item, b[i]!));
}

function equalDicts(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries()) {
    const other = b.get(key);
    if (other === undefined || !equals(value, other)) return false;
  }
  return true;
}

/** Orders two values as Python's `<` does: negative, 0 or positive. @throws TemplateError if they have no order */
export function compare(a: Value, b: Value, operator = '<'): number {
  spend(1);
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) {
    return left < right ? -1 : left > right ? 1 : left <= right ? 0 : NaN;
  }
  const [text, other] = [textOf(a), textOf(b)];
  if (text !== undefined && other !== undefined) return compareTexts(text, other);
  const bothLists = isList(a) && isList(b);
  if (bothLists || (a instanceof Tuple && b instanceof Tuple)) {
    const [mine, theirs] = [itemsOf(a)!, itemsOf(b)!];
    const at = mine.findIndex((item, i) => i >= theirs.length || !equals(item, theirs[i]!));
    if (at < 0) return mine.length - theirs.length;
    return at >= theirs.length ? 1 : compare(mine[at]!, theirs[at]!, operator);
  }
  throw new TemplateError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Compares by code points, where JavaScript compares UTF-16 units. */
function compareTexts(a: string, b: string): number {
  readText(Math.min(a.length, b.length));
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [charactersOf(a), charactersOf(b)];
  const at = left.findIndex((character, i) => character !== right[i]);
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
}

/** Makes a template's value of a row's: objects become dicts, whole numbers ints. @throws TemplateError for functions */
export function fromJson(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value;
    case 'undefined':
      return null;
  }
  if (value === null) return null;
  // As Python's json reads them: a whole number of any size, else the nearest float.
  if (value instanceof ExactNumber)
    return /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text);
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== 'object') throw new TemplateError(`a ${typeof value} cannot be given to a template`);
  return new Dict(Object.entries(value).map(([key, item]) => [key, fromJson(item)]));
}
