/** @file Formats texts with fields in braces, as Python's `str.format` does. */

import { allowText, TemplateError } from './budget.js';
import { writeNumber } from './numberFormat.js';
import { toRepr, toText } from './text.js';
import {
  charactersOf,
  countCharacters,
  numberOf,
  textOf,
  typeName,
  type Named,
  type Value,
} from './values.js';

/** Looks up `object.name` and `object[name]`. */
export interface Lookup {
  attribute(object: Value, name: string): Value;
  item(object: Value, key: Value): Value;
}

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/gsu;

/** Formats fields. @throws TemplateError if they do not fit */
export function formatFields(format: string, args: readonly Value[], named: Named, lookup: Lookup): string {
  let next = 0;
  let length = format.length;
  const valueOf = (field: string): Value => {
    const [, first = '', rest = ''] = /^([^.[]*)(.*)$/s.exec(field) ?? [];
    let value = first === '' ? args[next++] : /^\d+$/.test(first) ? args[Number(first)] : named.get(first);
    if (value === undefined) throw new TemplateError(`format() misses the argument {${first}}`);
    for (const [, name, key] of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      value =
        name === undefined
          ? lookup.item(value, /^\d+$/.test(key!) ? BigInt(key!) : key!)
          : lookup.attribute(value, name);
    }
    return value;
  };
  return format.replace(FIELD, (whole: string, field?: string, conversion?: string, spec?: string) => {
    if (whole === '{{' || whole === '}}') return whole[0]!;
    if (field === undefined) throw new TemplateError(`Single '${whole}' encountered in format string`);
    const value = valueOf(field);
    const inner = (spec ?? '').replace(/\{([^{}]*)\}/g, (_: string, name: string) => toText(valueOf(name)));
    const converted = conversion === undefined ? value : conversion === 's' ? toText(value) : toRepr(value);
    const text = formatValue(converted, inner);
    length += text.length;
    allowText(length);
    return text;
  });
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

/** Writes a value by a format specification. */
function formatValue(value: Value, spec: string): string {
  if (spec === '') return toText(value);
  const match = SPEC.exec(spec);
  if (!match) throw new TemplateError(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign = '-', alternate, zero, width = '0', grouping = '', precision, type = ''] =
    match;
  allowText(Number(width));
  const most = precision === undefined ? undefined : Number(precision);
  const number = typeof value === 'boolean' && type === '' ? undefined : numberOf(value);
  if (number !== undefined) {
    const { prefix, digits } = writeNumber(number, {
      ...{ type, sign: sign as '+' | '-' | ' ', alternate: alternate !== undefined },
      ...{ precision: most, grouping: grouping as '' | ',' | '_' },
    });
    const filler = fill ?? (zero === undefined ? ' ' : '0');
    const side = align ?? (zero === undefined ? '>' : '=');
    return pad({ prefix, text: digits }, Number(width), filler, side);
  }
  const text = textOf(value) ?? (typeof value === 'boolean' ? toText(value) : undefined);
  if (text === undefined) {
    throw new TemplateError(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  if (!['', 's'].includes(type) || align === '=' || grouping !== '') {
    throw new TemplateError(`Invalid format specifier '${spec}' for a text`);
  }
  const shown = most === undefined ? text : charactersOf(text).slice(0, most).join('');
  return pad(
    { prefix: '', text: shown },
    Number(width),
    fill ?? (zero === undefined ? ' ' : '0'),
    align ?? '<',
  );
}

function pad(written: { prefix: string; text: string }, width: number, fill: string, align: string): string {
  const { prefix, text } = written;
  const missing = Math.max(0, width - countCharacters(prefix) - countCharacters(text));
  if (align === '=') return prefix + fill.repeat(missing) + text;
  const before = align === '<' ? 0 : align === '>' ? missing : Math.floor(missing / 2);
  return fill.repeat(before) + prefix + text + fill.repeat(missing - before);
}
