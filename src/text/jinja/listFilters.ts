/** @file Holds the filters that walk through lists. Those that are generators in Jinja2 are streams here. */

import { getItem } from './attributes.js';
import { bind, orElse, wantInt, type Bound } from './arguments.js';
import { allowElements, allowText, spend, TemplateError } from './budget.js';
import type { Filter, VariadicFilter } from './filter.js';
import { binary } from './operators.js';
import { toText } from './text.js';
import {
  charactersOf,
  compare,
  Dict,
  hashKey,
  isList,
  itemsOf,
  iterate,
  listOf,
  Markup,
  Stream,
  textOf,
  truthy,
  Tuple,
  typeName,
  Undefined,
  View,
  type Value,
} from './values.js';

/** Walks through a value by `for … of`. */
const walk = (value: Value): Iterable<Value> => ({ [Symbol.iterator]: () => iterate(value) });

/** Makes a stream of a generator. */
const stream = (make: () => Generator<Value>) => new Stream(make());

/** Makes a function that looks up `a.b.0` in a value. */
function attributeGetter(path: Value, otherwise: Value = null): (value: Value) => Value {
  const text = textOf(path);
  const parts =
    path === null
      ? []
      : text === undefined
        ? [path]
        : text.split('.').map((part): Value => (/^\p{Nd}+$/u.test(part) ? BigInt(part) : part));
  return (value) =>
    parts.reduce<Value>((object, part) => {
      const found = getItem(object, part);
      return otherwise !== null && found instanceof Undefined ? otherwise : found;
    }, value);
}

const lowered = (value: Value): Value => {
  const text = textOf(value);
  return text === undefined ? value : text.toLowerCase();
};

/** Makes a function that gives what elements are ordered by. */
function keyGetter(attribute: Value | undefined, caseSensitive: Value | undefined): (value: Value) => Value {
  const get = attributeGetter(attribute ?? null);
  return truthy(caseSensitive ?? false) ? get : (value) => lowered(get(value));
}

function sorted<T>(items: readonly T[], key: (item: T) => Value, reverse: Value | undefined): T[] {
  const direction = truthy(reverse ?? false) ? -1 : 1;
  const keyed = items.map((item) => ({ item, key: key(item) }));
  return keyed.sort((a, b) => direction * compare(a.key, b.key)).map(({ item }) => item);
}

const sort: Filter = {
  signature: 'reverse? case_sensitive? attribute?',
  run: (value, [reverse, caseSensitive, attribute]) => {
    const names = attribute === undefined ? undefined : textOf(attribute)?.split(',');
    const keys = (names ?? [attribute]).map((name) => keyGetter(name, caseSensitive));
    return sorted(listOf(value), (item) => keys.map((key) => key(item)), reverse);
  },
};

const dictSort: Filter = {
  signature: 'case_sensitive? by? reverse?',
  run: (value, [caseSensitive, by, reverse]) => {
    if (!(value instanceof Dict))
      throw new TemplateError(`'${typeName(value)}' object has no attribute 'items'`);
    const name = by === undefined ? 'key' : textOf(by);
    if (name !== 'key' && name !== 'value') {
      throw new TemplateError('You can only sort by either "key" or "value"');
    }
    const key = ([k, v]: readonly [Value, Value]) => (name === 'key' ? k : v);
    const get = (entry: readonly [Value, Value]) =>
      truthy(caseSensitive ?? false) ? key(entry) : lowered(key(entry));
    return sorted([...value.entries()], get, reverse).map(([k, v]) => new Tuple([k, v]));
  },
};

/** Takes the smallest (`sign` 1) or largest (−1) element, the first of equal ones. */
const extreme = (sign: number): Filter => ({
  signature: 'case_sensitive? attribute?',
  run: (value, [caseSensitive, attribute]) => {
    const key = keyGetter(attribute, caseSensitive);
    let best: { item: Value; key: Value } | undefined;
    for (const item of walk(value)) {
      const candidate = { item, key: key(item) };
      if (!best || sign * compare(candidate.key, best.key) < 0) best = candidate;
    }
    return orElse(best?.item, new Undefined('No aggregated item, sequence was empty.'));
  },
});

/** Keeps or drops the elements that pass a test, by themselves or by an attribute. */
const chooser =
  (keeps: boolean, byAttribute: boolean): VariadicFilter =>
  (value, args, named, apply) =>
    stream(function* () {
      if (!truthy(value)) return;
      if (byAttribute && args.length === 0) throw new TemplateError('Missing parameter for attribute name');
      const get = byAttribute ? attributeGetter(args[0]!) : (item: Value) => item;
      const [test, ...rest] = args.slice(byAttribute ? 1 : 0);
      const passes = (item: Value) =>
        test === undefined ? truthy(get(item)) : apply.test(toText(test), get(item), rest, named);
      for (const item of walk(value)) if (passes(item) === keeps) yield item;
    });

const map: VariadicFilter = (value, args, named, apply) =>
  stream(function* () {
    if (!truthy(value)) return;
    let change: (item: Value) => Value;
    if (args.length === 0 && named.has('attribute')) {
      const [attribute, otherwise] = bind('map', 'attribute default?', args, named);
      change = attributeGetter(attribute!, otherwise);
    } else {
      const [name, ...rest] = args;
      if (name === undefined) throw new TemplateError('map requires a filter argument');
      change = (item) => apply.filter(toText(name), item, rest, named);
    }
    for (const item of walk(value)) yield change(item);
  });

function* unique(value: Value, [caseSensitive, attribute]: Bound): Generator<Value> {
  const key = keyGetter(attribute, caseSensitive);
  const seen = new Set<unknown>();
  for (const item of walk(value)) {
    const mark = hashKey(key(item));
    if (seen.has(mark)) continue;
    spend(1);
    seen.add(mark);
    yield item;
  }
}

function join(value: Value, [separator, attribute]: Bound): string {
  const get = attributeGetter(attribute ?? null);
  const between = separator === undefined ? '' : toText(separator);
  const parts = listOf(value).map((item) => toText(get(item)));
  allowText(parts.reduce((sum, part) => sum + part.length + between.length, 0));
  return parts.join(between);
}

function reverse(value: Value): Value {
  const text = textOf(value);
  if (text !== undefined) {
    const reversed = charactersOf(text).reverse().join('');
    return value instanceof Markup ? new Markup(reversed) : reversed;
  }
  const canReverse = itemsOf(value) !== undefined || value instanceof Dict || value instanceof View;
  const reversed = [...listOf(value)].reverse();
  return canReverse ? new Stream(reversed[Symbol.iterator]()) : reversed;
}

function last(value: Value): Value {
  const text = textOf(value);
  if (value instanceof Stream) throw new TemplateError("'generator' object is not reversible");
  const items = text === undefined ? listOf(value) : charactersOf(text);
  return orElse(items.at(-1), new Undefined('No last item, sequence was empty.'));
}

function* batch(value: Value, [size, filler]: Bound): Generator<Value> {
  const count = wantInt(size);
  let group: Value[] = [];
  for (const item of walk(value)) {
    if (group.length === count) {
      yield group;
      group = [];
    }
    group.push(item);
  }
  if (group.length === 0) return;
  allowElements(filler == null ? 0 : count);
  while (filler != null && group.length < count) group.push(filler);
  yield group;
}

function* slice(value: Value, [slices, filler]: Bound): Generator<Value> {
  const items = listOf(value);
  const count = wantInt(slices);
  allowElements(count);
  if (count === 0) throw new TemplateError('integer division or modulo by zero');
  const [size, extra] = [Math.floor(items.length / count), items.length % count];
  let start = 0;
  for (let i = 0; i < count; i++) {
    const end = start + size + (i < extra ? 1 : 0);
    yield filler != null && i >= extra ? [...items.slice(start, end), filler] : items.slice(start, end);
    start = end;
  }
}

const groupBy: Filter = {
  signature: 'attribute default? case_sensitive?',
  run: (value, [attribute, otherwise, caseSensitive]) => {
    const get = attributeGetter(attribute!, otherwise ?? null);
    const key = (item: Value) => (truthy(caseSensitive ?? false) ? get(item) : lowered(get(item)));
    const groups: { key: Value; items: Value[] }[] = [];
    for (const item of sorted(listOf(value), key, false)) {
      const group = groups.at(-1);
      if (group && compare(key(item), key(group.items[0]!)) === 0) group.items.push(item);
      else groups.push({ key: get(item), items: [item] });
    }
    return groups.map(({ key: name, items }) => new Tuple([name, items]));
  },
};

export const listFilters: Readonly<Record<string, Filter | VariadicFilter>> = {
  batch: { signature: 'linecount fill_with?', run: (value, args) => stream(() => batch(value, args)) },
  dictsort: dictSort,
  first: {
    signature: '',
    run: (value) => {
      const next = iterate(value).next();
      return next.done === true ? new Undefined('No first item, sequence was empty.') : next.value;
    },
  },
  groupby: groupBy,
  items: {
    signature: '',
    run: (value) =>
      stream(function* () {
        if (value instanceof Undefined) return;
        if (!(value instanceof Dict)) throw new TemplateError('Can only get item pairs from a mapping.');
        yield* walk(new View('items', value));
      }),
  },
  join: { signature: 'd? attribute?', run: join },
  last: { signature: '', run: last },
  list: { signature: '', run: (value) => (isList(value) ? value : [...listOf(value)]) },
  map,
  max: extreme(-1),
  min: extreme(1),
  reject: chooser(false, false),
  rejectattr: chooser(false, true),
  reverse: { signature: '', run: reverse },
  select: chooser(true, false),
  selectattr: chooser(true, true),
  slice: { signature: 'slices fill_with?', run: (value, args) => stream(() => slice(value, args)) },
  sort,
  sum: {
    signature: 'attribute? start?',
    run: (value, [attribute, start]) => {
      const get = attributeGetter(attribute ?? null);
      if (textOf(start ?? null) !== undefined) throw new TemplateError("sum() can't sum strings");
      return listOf(value).reduce<Value>((sum, item) => binary('+', sum, get(item)), start ?? 0n);
    },
  },
  unique: {
    signature: 'case_sensitive? attribute?',
    run: (value, args) => stream(() => unique(value, args)),
  },
};
