/** @file Looks up attributes and items of values as Jinja's sandbox does: methods before keys, nothing that changes a value. */

import { bind, orElse, type Bound } from './arguments.js';
import { allowElements, readText, spend, TemplateError } from './budget.js';
import { formatFields } from './strFormat.js';
import { marked, stringMethods } from './strings.js';
import { escaped } from './text.js';
import {
  Builtin,
  charactersOf,
  countCharacters,
  Dict,
  equals,
  Instance,
  integerOf,
  isList,
  itemsOf,
  Markup,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  View,
  type Value,
} from './values.js';

/** Methods that would change a list or dict; the sandbox takes them for undefined. */
const FORBIDDEN: Readonly<Record<'list' | 'dict', ReadonlySet<string>>> = {
  list: new Set(['append', 'clear', 'pop', 'reverse', 'insert', 'sort', 'extend', 'remove']),
  dict: new Set(['clear', 'pop', 'popitem', 'setdefault', 'update']),
};

const method = (name: string, signature: string, run: (args: Bound) => Value) =>
  new Builtin((args, named) => run(bind(name, signature, args, named)));

/** Returns an attribute as Python's `getattr` does; undefined if there is none. */
function attribute(object: Value, name: string): Value | undefined {
  if (object instanceof Instance) return object.attribute(name);
  const text = textOf(object);
  if (text !== undefined) return stringAttribute(object, text, name);
  if (object instanceof Dict) return dictAttribute(object, name);
  if (object instanceof Range && ['start', 'stop', 'step'].includes(name)) {
    return BigInt(object[name as 'start' | 'stop' | 'step']);
  }
  return isList(object) || object instanceof Tuple || object instanceof Range
    ? sequenceAttribute(object, name)
    : undefined;
}

function stringAttribute(object: Value, text: string, name: string): Value | undefined {
  const isMarked = object instanceof Markup;
  if (name === 'format') {
    return new Builtin((args, named) => {
      if (!isMarked) return formatFields(text, args, named, lookup);
      const safe = new Map(Array.from(named, ([key, value]) => [key, escaped(value)]));
      return new Markup(formatFields(text, args.map(escaped), safe, lookup));
    });
  }
  const found = stringMethods.get(name);
  if (!found)
    return ['encode', 'translate', 'maketrans', 'format_map', 'isprintable'].includes(name)
      ? unsupported(name)
      : undefined;
  return method(name, found.signature, (args) => {
    for (const arg of [object, ...args]) readText(textOf(arg ?? null)?.length ?? 0);
    const result = found.run(text, args, isMarked);
    return isMarked ? marked(result) : result;
  });
}

const unsupported = (name: string) =>
  new Builtin(() => {
    throw new TemplateError(`str.${name}() is not supported`);
  });

function dictAttribute(dict: Dict, name: string): Value | undefined {
  if (name === 'keys' || name === 'values' || name === 'items') {
    return method(name, '', () => new View(name, dict));
  }
  if (name === 'get')
    return method(name, 'key default? /', ([key, other]) => orElse(dict.get(key!), orElse(other, null)));
  if (name === 'copy') return method(name, '', () => dict);
  return undefined;
}

function sequenceAttribute(sequence: Value, name: string): Value | undefined {
  if (name === 'count') {
    return method(name, 'value /', ([value]) =>
      BigInt(itemsOf(sequence)!.filter((item) => equals(item, value!)).length),
    );
  }
  if (name === 'index') {
    return method(name, 'value /', ([value]) => {
      const at = itemsOf(sequence)!.findIndex((item) => equals(item, value!));
      if (at < 0) throw new TemplateError('the list does not hold the value');
      return BigInt(at);
    });
  }
  return name === 'copy' && isList(sequence) ? method(name, '', () => sequence) : undefined;
}

/** Tells whether the sandbox keeps an attribute from templates although the object has it. */
function isForbidden(object: Value, name: string): boolean {
  if (isList(object)) return FORBIDDEN.list.has(name);
  return object instanceof Dict && FORBIDDEN.dict.has(name);
}

/** Returns an item as Python's `object[key]` does; undefined where it raises an error. */
function item(object: Value, key: Value): Value | undefined {
  if (object instanceof Dict) return isList(key) || key instanceof Dict ? undefined : object.get(key);
  const index = integerOf(key);
  if (index === undefined) return undefined;
  if (object instanceof Range) {
    const place = index < 0 ? index + object.length : index;
    return place >= 0 && place < object.length ? object.at(place) : undefined;
  }
  const text = textOf(object);
  const items = text === undefined ? itemsOf(object) : undefined;
  const length = text === undefined ? items?.length : countCharacters(text);
  if (length === undefined) return undefined;
  const at = index < 0 ? index + length : index;
  if (at < 0 || at >= length) return undefined;
  if (text === undefined) return items![at];
  const character = length === text.length ? text[at]! : charactersOf(text)[at]!;
  return object instanceof Markup ? new Markup(character) : character;
}

const nothing = (object: Value, name: string) =>
  new Undefined(
    `'${object instanceof Dict ? 'dict object' : `${typeName(object)} object`}' has no attribute '${name}'`,
  );

/** Evaluates `object.name`. @throws TemplateError if the object is undefined */
export function getAttribute(object: Value, name: string): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  if (isForbidden(object, name)) return new Undefined(`access to attribute '${name}' is unsafe`);
  const found = orElse(attribute(object, name), object instanceof Dict ? object.get(name) : undefined);
  return orElse(found, nothing(object, name));
}

/** Evaluates `object[key]`. @throws TemplateError if the object is undefined */
export function getItem(object: Value, key: Value): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  const found = item(object, key);
  if (found !== undefined) return found;
  const name = textOf(key);
  if (name === undefined) return nothing(object, typeName(key));
  if (isForbidden(object, name)) return new Undefined(`access to attribute '${name}' is unsafe`);
  return orElse(attribute(object, name), nothing(object, name));
}

/** Tells whether an object has an attribute, methods that change it included. */
export function hasAttribute(object: Value, name: string): boolean {
  return isForbidden(object, name) || attribute(object, name) !== undefined;
}

const lookup = { attribute: getAttribute, item: getItem };

/** Evaluates `object[start:stop:step]`; null stands for what is left out. */
export function getSlice(object: Value, bounds: readonly [Value, Value, Value]): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  const [start, stop, step] = bounds.map((bound) => {
    const index = bound === null ? null : integerOf(bound);
    if (index === undefined) throw new TemplateError('slice indices must be integers or None');
    return index;
  }) as [number | null, number | null, number | null];
  const text = textOf(object);
  if (object instanceof Range) return rangeSlice(object, start, stop, step ?? 1);
  if (text === undefined) {
    const items = itemsOf(object);
    if (!items) throw new TemplateError(`'${typeName(object)}' object cannot be sliced`);
    const part = slice(items, start, stop, step ?? 1);
    return object instanceof Tuple ? new Tuple(part) : part;
  }
  const isSimple = text.length === countCharacters(text) && (step ?? 1) === 1;
  const part = isSimple
    ? text.slice(start ?? 0, stop ?? undefined)
    : slice(charactersOf(text), start, stop, step ?? 1).join('');
  return object instanceof Markup ? new Markup(part) : part;
}

/** Resolves a slice's bounds over a sequence as Python does. */
function places(length: number, start: number | null, stop: number | null, step: number): Range {
  if (step === 0) throw new TemplateError('slice step cannot be zero');
  const clamp = (index: number | null, otherwise: number) => {
    if (index === null) return otherwise;
    const at = index < 0 ? index + length : index;
    return Math.min(Math.max(at, step < 0 ? -1 : 0), step < 0 ? length - 1 : length);
  };
  return new Range(clamp(start, step < 0 ? length - 1 : 0), clamp(stop, step < 0 ? -1 : length), step);
}

function slice<T>(items: readonly T[], start: number | null, stop: number | null, step: number): T[] {
  const at = places(items.length, start, stop, step);
  allowElements(at.length);
  return Array.from({ length: at.length }, (_, i) => items[at.start + i * step]!);
}

function rangeSlice(range: Range, start: number | null, stop: number | null, step: number): Range {
  const at = places(range.length, start, stop, step);
  spend(1);
  const value = (index: number) => range.start + index * range.step;
  return new Range(value(at.start), value(at.stop), range.step * step);
}
