/** @file Writes values as Python's `json.dumps` does, which transformers gives to templates as `tojson`. */

import { allowText, spend, TemplateError } from './budget.js';
import { compare, Dict, isList, textOf, Tuple, typeName, type Value } from './values.js';
import { floatText } from './text.js';

export interface JsonOptions {
  /** Writes all but ASCII as escapes. */
  ensureAscii: boolean;
  /** What each level is indented by; undefined: all stands on one line. */
  indent: string | undefined;
  separators: readonly [item: string, key: string];
  sortKeys: boolean;
}

/** Writes a value. @throws TemplateError for what JSON has no form for */
export function toJson(value: Value, options: JsonOptions): string {
  return write(value, options, options.indent === undefined ? '' : '\n');
}

/** @param line the end of a line and the indentation of the line that the value stands on */
function write(value: Value, options: JsonOptions, line: string): string {
  spend(1);
  if (value === null) return 'null';
  const text = textOf(value);
  if (text !== undefined) return quoted(text, options.ensureAscii);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return numberText(value);
  if (isList(value) || value instanceof Tuple) {
    const items = value instanceof Tuple ? value.items : value;
    return enclosed('[]', items, options, line, (item, inner) => write(item, options, inner));
  }
  if (value instanceof Dict) {
    const entries = [...value.entries()];
    if (options.sortKeys) entries.sort(([a], [b]) => compare(a, b));
    return enclosed('{}', entries, options, line, ([key, item], inner) => {
      const name = quoted(keyText(key), options.ensureAscii);
      return name + options.separators[1] + write(item, options, inner);
    });
  }
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function enclosed<T>(
  brackets: string,
  items: readonly T[],
  { indent, separators }: JsonOptions,
  line: string,
  writeItem: (item: T, line: string) => string,
): string {
  if (items.length === 0) return brackets;
  const inner = indent === undefined ? '' : line + indent;
  allowText(items.length * (inner.length + separators[0].length));
  const body = items.map((item) => inner + writeItem(item, inner)).join(separators[0]);
  allowText(body.length);
  return brackets[0]! + body + line + brackets[1]!;
}

function numberText(value: number): string {
  return Number.isNaN(value)
    ? 'NaN'
    : Number.isFinite(value)
      ? floatText(value)
      : value > 0
        ? 'Infinity'
        : '-Infinity';
}

function keyText(key: Value): string {
  const text = textOf(key);
  if (text !== undefined) return text;
  if (key === null) return 'null';
  if (typeof key === 'boolean' || typeof key === 'bigint') return String(key);
  if (typeof key === 'number') return numberText(key);
  throw new TemplateError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

function quoted(text: string, ensureAscii: boolean): string {
  const special = ensureAscii ? /["\\]|[^ -~]/g : /["\\\0-\x1f]/g;
  const escape = (c: string) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `"${text.replace(special, escape)}"`;
}
