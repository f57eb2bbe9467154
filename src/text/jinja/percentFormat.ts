/** @file Formats texts with `%`, as C's printf and Python's `str % values` do. */

import { allowText, TemplateError } from './budget.js';
import { writeNumber } from './numberFormat.js';
import { toRepr, toText } from './text.js';
import {
  charactersOf,
  countCharacters,
  Dict,
  integerOf,
  isList,
  numberOf,
  textOf,
  Tuple,
  typeName,
  type Value,
} from './values.js';

const DIRECTIVE = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?(.)?/gsu;
const HAS_PRECISION = /\.(?:\*|\d+)?[hlL]?.?$/su;

/** Formats values. @param escape escapes each text that is put in @throws TemplateError if they do not fit */
export function formatPercent(
  format: string,
  values: Value,
  escape: (written: Value) => string = toText,
): string {
  const args = values instanceof Tuple ? values.items : [values];
  let next = 0;
  const take = (): Value => {
    if (next >= args.length) throw new TemplateError('not enough arguments for format string');
    return args[next++]!;
  };
  const size = (text: string | undefined): number | undefined => {
    if (text !== '*') return text === undefined ? undefined : Number(text);
    const number = integerOf(take());
    if (number === undefined) throw new TemplateError('* wants int');
    return number;
  };
  let length = format.length;
  const result = format.replace(
    DIRECTIVE,
    (
      whole: string,
      key: string | undefined,
      flags: string,
      widthText?: string,
      precisionText?: string,
      type?: string,
    ) => {
      if (whole === '%%') return '%';
      let value: Value | undefined;
      if (key !== undefined) {
        if (!(values instanceof Dict)) throw new TemplateError('format requires a mapping');
        value = values.get(key);
        if (value === undefined) throw new TemplateError(`KeyError: '${key}'`);
        next = args.length;
      }
      const width = size(widthText);
      const precision = size(precisionText) ?? (HAS_PRECISION.test(whole) ? 0 : undefined);
      if (type === '%') return '%';
      const directive = { flags, type: type ?? '', precision, width: Math.abs(width ?? 0) };
      if ((width ?? 0) < 0) directive.flags += '-';
      length += directive.width;
      allowText(length);
      return write(value === undefined ? take() : value, directive, escape);
    },
  );
  const isMapping = values instanceof Dict || isList(values);
  if (next < args.length && !isMapping)
    throw new TemplateError('not all arguments converted during string formatting');
  return result;
}

interface Directive {
  flags: string;
  type: string;
  precision: number | undefined;
  width: number;
}

function write(
  value: Value,
  { flags, type, precision, width }: Directive,
  escape: (v: Value) => string,
): string {
  const pad = (text: string) => {
    const fill = ' '.repeat(Math.max(0, width - countCharacters(text)));
    return flags.includes('-') ? text + fill : fill + text;
  };
  if ('srac'.includes(type) && type !== '') {
    const text = type === 's' ? escape(value) : type === 'c' ? character(value) : escape(toRepr(value));
    if (type === 'a' && /[^\0-\x7f]/.test(text)) throw new TemplateError('%a is not supported beyond ASCII');
    return pad(
      precision === undefined || type === 'c' ? text : charactersOf(text).slice(0, precision).join(''),
    );
  }
  if (type === '' || !'diuoxXeEfFgG'.includes(type)) {
    throw new TemplateError(type === '' ? 'incomplete format' : `unsupported format character '${type}'`);
  }
  const number = numberOf(value);
  if (number === undefined) {
    throw new TemplateError(`%${type} format: a real number is required, not ${typeName(value)}`);
  }
  const isInt = 'diuoxX'.includes(type);
  if (isInt && typeof number === 'number' && (!Number.isFinite(number) || 'oxX'.includes(type))) {
    throw new TemplateError(`%${type} format: an integer is required, not ${typeName(value)}`);
  }
  const shown = isInt && typeof number === 'number' ? BigInt(Math.trunc(number)) : number;
  const { prefix, digits } = writeNumber(shown, {
    type: 'iu'.includes(type) ? 'd' : type,
    sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-',
    alternate: flags.includes('#'),
    precision: isInt ? undefined : precision,
    grouping: '',
  });
  const padded = isInt ? digits.padStart(precision ?? 0, '0') : digits;
  if (!flags.includes('0') || flags.includes('-')) return pad(prefix + padded);
  return prefix + padded.padStart(width - prefix.length, '0');
}

function character(value: Value): string {
  const code = integerOf(value);
  const text =
    code === undefined
      ? textOf(value)
      : code >= 0 && code < 0x110000
        ? String.fromCodePoint(code)
        : undefined;
  if (text === undefined || countCharacters(text) !== 1) throw new TemplateError('%c requires int or char');
  return text;
}
