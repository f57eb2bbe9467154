/** @file Trims texts, reads and writes numbers as Python does, which the original graders inherit. */

const SPACE = /[\s\x1c-\x1f\x85]/u;

/** Trims as Python's `str.strip()`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text[start]!)) start++;
  while (end > start && isSpace(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** Tells what Python's `str.isspace()` tells about one character. */
export function isSpace(character: string): boolean {
  return character !== '\ufeff' && SPACE.test(character);
}

const FLOAT =
  /^[+-]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?|inf(?:inity)?|nan)$/i;

/** Reads as Python's `float(text)`; undefined where Python raises an error. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = strip(text);
  if (!FLOAT.test(trimmed)) return undefined;
  if (/n/i.test(trimmed)) {
    if (/nan/i.test(trimmed)) return NaN;
    return trimmed.startsWith('-') ? -Infinity : Infinity;
  }
  return Number(trimmed.replaceAll('_', ''));
}

/** Writes as Python's `str()` of a float: `142.0`, `0.5`, `1e+16`, `1e-05`. */
export function floatToText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}
