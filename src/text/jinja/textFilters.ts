/** @file Holds the filters that make texts. */

import { wantInt, type Bound } from './arguments.js';
import { allowText, TemplateError } from './budget.js';
import type { Filter, VariadicFilter } from './filter.js';
import { toJson } from './json.js';
import { binary } from './operators.js';
import { formatPercent } from './percentFormat.js';
import { marked, stringMethods } from './strings.js';
import * as texts from './text.js';
import {
  charactersOf,
  countCharacters,
  Dict,
  lengthOf,
  listOf,
  Markup,
  Stream,
  textOf,
  truthy,
  Tuple,
  typeName,
  type Value,
} from './values.js';

/** Makes a filter of a method of `str`; other values are written as texts before. */
function ofMethod(name: string, signature = ''): Filter {
  return {
    signature,
    run: (value, args) => {
      const isMarked = value instanceof Markup;
      const result = stringMethods.get(name)!.run(texts.toText(value), args, isMarked);
      return isMarked ? marked(result) : result;
    },
  };
}

/** Applies to a text, which stays marked if it is. */
function ofText(signature: string, run: (text: string, args: Bound) => string): Filter {
  return {
    signature,
    run: (value, args) => {
      const text = textOf(value);
      if (text === undefined) throw new TemplateError(`a text is needed, not ${typeName(value)}`);
      const result = run(text, args);
      return value instanceof Markup ? new Markup(result) : result;
    },
  };
}

function spaces(width: number): string {
  allowText(Math.max(0, width));
  return ' '.repeat(Math.max(0, width));
}

/** `title` of Jinja, which begins words after white space, brackets and hyphens only. */
function title(text: string): string {
  const parts = text.split(new RegExp(`([-${texts.SPACE}({\\[<]+)`));
  return parts
    .map((part) => {
      const [first = ''] = part;
      return first.toUpperCase() + part.slice(first.length).toLowerCase();
    })
    .join('');
}

function indent(text: string, [width, first, blank]: Bound): string {
  const by = width === undefined ? '    ' : (textOf(width) ?? spaces(wantInt(width, 4)));
  const lines = texts.splitLines(`${text}\n`);
  allowText(text.length + lines.length * by.length);
  const indented = lines.map((line, i) =>
    (i === 0 ? truthy(first ?? false) : line !== '' || truthy(blank ?? false)) ? by + line : line,
  );
  return indented.join('\n');
}

function shorten(text: string, [length, killWords, end]: Bound): string {
  const most = wantInt(length, 255);
  const ellipsis = end === undefined ? '...' : texts.toText(end);
  const characters = charactersOf(text);
  if (most < countCharacters(ellipsis)) throw new TemplateError('truncate() needs a length for its end');
  const kept = characters.slice(0, most - countCharacters(ellipsis)).join('');
  return (truthy(killWords ?? false) ? kept : texts.splitFromRight(kept, ' ', 1)[0]!) + ellipsis;
}

const shortened = ofText('length? killwords? end? leeway?', shorten);

/** Writes as Python's `urllib.parse.quote` does. */
function quoteUrl(value: Value, isQuery: boolean): string {
  const text = texts.toText(value);
  if (/\p{Cs}/u.test(text))
    throw new TemplateError('half a surrogate pair cannot be written into an address');
  const quoted = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return isQuery ? quoted.replaceAll('%20', '+') : quoted.replaceAll('%2F', '/');
}

function urlEncode(value: Value): string {
  const isSingle = textOf(value) !== undefined || lengthOf(value) === undefined;
  if (isSingle && !(value instanceof Stream)) return quoteUrl(value, false);
  const pairs = value instanceof Dict ? [...value.entries()] : listOf(value).map(listOf);
  return pairs
    .map(([key, item, ...more]) => {
      if (key === undefined || item === undefined || more.length > 0) {
        throw new TemplateError('urlencode takes pairs of a name and a value');
      }
      return `${quoteUrl(key, true)}=${quoteUrl(item, true)}`;
    })
    .join('&');
}

const format: VariadicFilter = (value, args, named) => {
  if (args.length > 0 && named.size > 0) {
    throw new TemplateError("can't handle positional and keyword arguments at the same time");
  }
  const values = named.size > 0 ? new Dict(named) : new Tuple(args);
  return value instanceof Markup ? binary('%', value, values) : formatPercent(texts.toText(value), values);
};

function json(value: Value, [ensureAscii, indentation, separators, sortKeys]: Bound): string {
  const width = indentation ?? null;
  const by = width === null ? undefined : (textOf(width) ?? spaces(wantInt(width, 0)));
  const apart =
    separators == null ? [by === undefined ? ', ' : ',', ': '] : listOf(separators).map(texts.toText);
  return toJson(value, {
    ensureAscii: truthy(ensureAscii ?? false),
    indent: by,
    separators: [apart[0]!, apart[1]!],
    sortKeys: truthy(sortKeys ?? false),
  });
}

const escape: Filter = { signature: '', run: (value) => texts.escaped(value) };
const wordPattern = /[\p{L}\p{M}\p{N}_]+/gu;

export const textFilters: Readonly<Record<string, Filter | VariadicFilter>> = {
  capitalize: ofMethod('capitalize'),
  center: {
    signature: 'width?',
    run: (value, [width]) => stringMethods.get('center')!.run(texts.toText(value), [width ?? 80n], false),
  },
  e: escape,
  escape,
  forceescape: { signature: '', run: (value) => new Markup(texts.escapeHtml(texts.toText(value))) },
  format,
  indent: ofText('width? first? blank?', indent),
  lower: ofMethod('lower'),
  replace: {
    signature: 'old new count?',
    run: (value, [old, by, most]) =>
      texts.replace(
        texts.toText(value),
        texts.toText(old!),
        texts.toText(by!),
        wantInt(most ?? undefined, -1),
      ),
  },
  safe: {
    signature: '',
    run: (value) => (value instanceof Markup ? value : new Markup(texts.toText(value))),
  },
  string: { signature: '', run: (value) => (value instanceof Markup ? value : texts.toText(value)) },
  striptags: {
    signature: '',
    run: (value) => {
      const text = texts.toText(value).replace(/<!--.*?-->|<(?!!--)[^>]*>/gs, '');
      if (text.includes('&')) throw new TemplateError('striptags is not supported for texts with entities');
      return texts.split(text, undefined, -1).join(' ');
    },
  },
  title: { signature: '', run: (value) => title(texts.toText(value)) },
  tojson: { signature: 'ensure_ascii? indent? separators? sort_keys?', run: json },
  trim: ofMethod('strip', 'chars?'),
  truncate: {
    signature: 'length? killwords? end? leeway?',
    run: (value, args) => {
      const [length, , , leeway] = args;
      const isShort = (lengthOf(value) ?? Infinity) <= wantInt(length, 255) + wantInt(leeway ?? undefined, 5);
      return isShort ? value : shortened.run(value, args);
    },
  },
  upper: ofMethod('upper'),
  urlencode: { signature: '', run: urlEncode },
  wordcount: {
    signature: '',
    run: (value) => BigInt(texts.toText(value).match(wordPattern)?.length ?? 0),
  },
};
