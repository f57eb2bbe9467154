import { UserError } from '../util/errors.js';
import {
  add,
  divide,
  equals,
  multiply,
  rational,
  scanDecimal,
  subtract,
  type Rational,
} from '../util/rational.js';

/** A number as it was written. `decimals` is absent for a fraction. */
export interface NumericAnswer {
  value: Rational;
  text: string;
  decimals?: number;
}

export type Extraction =
  | { answer: NumericAnswer }
  | { answer?: undefined; reason: 'no final answer' | 'final answer is not a number' };

export interface Grade {
  correct: boolean;
  /** The number that was found, as written; absent where none was. */
  extracted?: string;
  reason:
    | 'equal'
    /** The gold answer is a rounded decimal and the answer agrees with it to the fewer decimals of the two. */
    | 'equal after rounding'
    | 'different'
    | 'no final answer'
    | 'final answer is not a number';
}

/** How far behind its marker an answer is looked for, in characters. */
const WINDOW = 200;
const MARKER = /answer is|####|\\boxed\s*\{|^A:/gim;

/** How many markers are tried from the end before a text counts as having none. */
const MAX_MARKERS = 16;

/**
 * The number that a solution gives as its answer: what follows the last of "answer is", `####`, `\boxed{` or
 * a line's `A:`. Commas, currency signs, `%`, a trailing full stop and units around the number are tolerated;
 * fractions `a/b` and mixed numbers are read; a product, a range, a time or a term (`2x`) is not a number. "So our
 * answer is right" is prose: an "answer is" without a digit on its line gives way to the marker before it.
 * Work is bounded by the text's length and a window of 200 characters behind each of the last 16 markers.
 */
export function extractAnswer(text: string): Extraction {
  const markers = [...text.matchAll(MARKER)].slice(-MAX_MARKERS).reverse();
  for (const marker of markers) {
    const start = marker.index + marker[0].length;
    const window = text.slice(start, start + WINDOW).replace(/<<[^<>]*>>/g, '');
    if (marker[0].startsWith('\\')) {
      const boxed = plain(insideBraces(window)).replace(/^[a-z]\w{0,20}\s*=\s*/i, '');
      return extraction(parseNumber(boxed));
    }
    const line = window.replace(/^[\s:*]+/, '').split('\n', 1)[0]!;
    const isProse = /answer/i.test(marker[0]) && /\w/.test(line) && !/\d/.test(line);
    if (!isProse) return extraction(firstNumber(plain(line)));
  }
  return { reason: markers.length === 0 ? 'no final answer' : 'final answer is not a number' };
}

function extraction(answer: NumericAnswer | undefined): Extraction {
  return answer ? { answer } : { reason: 'final answer is not a number' };
}

/** The number that the whole of `text` is (`1,000`, `$-3.50`, `3/4`, `1 1/2`, `25%`), or undefined. */
export function parseNumber(text: string): NumericAnswer | undefined {
  const found = numberAt(text.trim(), 0);
  return found && /^\s*%?\.?$/.test(found.rest) ? found.answer : undefined;
}

/**
 * Compares a solution's final number with the known answer, as exact fractions. Where the gold answer is itself
 * a rounded decimal (more than six places, such as 3.3333333333333335), agreement to the fewer places of the two
 * and at least two is enough. Throws a UserError where `gold` is not a number.
 */
export function gradeNumeric(text: string, gold: string): Grade {
  const known = parseNumber(gold);
  if (!known) throw new UserError(`The known answer ${JSON.stringify(gold)} is not a number.`);
  const found = extractAnswer(text);
  if (!found.answer) return { correct: false, reason: found.reason };
  const extracted = found.answer.text;
  if (equals(found.answer.value, known.value)) return { correct: true, extracted, reason: 'equal' };
  return agreesRounded(found.answer, known)
    ? { correct: true, extracted, reason: 'equal after rounding' }
    : { correct: false, extracted, reason: 'different' };
}

const ROUNDED_GOLD_DECIMALS = 6;
/** Printed doubles are good for at least this many places at the size of word-problem answers. */
const DOUBLE_DECIMALS = 10;

function agreesRounded(answer: NumericAnswer, gold: NumericAnswer): boolean {
  if ((gold.decimals ?? 0) <= ROUNDED_GOLD_DECIMALS) return false;
  const places = Math.min(answer.decimals ?? DOUBLE_DECIMALS, DOUBLE_DECIMALS);
  if (places < 2) return false;
  const gap = subtract(answer.value, gold.value);
  // |gap| ≤ half a unit of the last place
  return 2n * (gap.n < 0n ? -gap.n : gap.n) * 10n ** BigInt(places) <= gap.d;
}

/** LaTeX and Markdown dress taken off, so that what is left is written with digits and signs. */
function plain(text: string): string {
  return text
    .replace(/\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, ' $1/$2')
    .replaceAll('{,}', ',')
    .replace(/\\(?:[,!;: ()[\]]|text\s*\{[^{}]*\})|\*\*|\\(?=[$%])/g, ' ')
    .replaceAll('−', '-')
    .trim();
}

/** The text up to the brace that closes one opened just before it. */
function insideBraces(text: string): string {
  let depth = 1;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return text.slice(0, at);
  }
  return text;
}

// What makes the number before it a part of something else: 3 + 4, 2^5, 3-4, 2x, 1:30, 1,2, 1e5, 2 million.
const GOES_ON = /^\s*(?:[+*×÷^=]|[-/]\s*[\d($.]|(?:hundred|thousand|million|billion|trillion|dozen)\b)/i;
const IS_PART = /^(?:[a-z](?![a-z])|e[-+]?\d|[:,.]\d|[_(\\])/i;

function firstNumber(line: string): NumericAnswer | undefined {
  const start = line.search(/-?\s?[$€£]?\s?-?\.?\d/);
  if (start < 0) return undefined;
  const found = numberAt(line.slice(start), 0);
  if (!found) return undefined;
  if (!GOES_ON.test(found.rest) && !IS_PART.test(found.rest)) return found.answer;
  // "3 + 4 = 7": the answer is what the last equals sign gives.
  const equalsSign = found.rest.lastIndexOf('=');
  return equalsSign < 0 ? undefined : firstNumber(found.rest.slice(equalsSign + 1));
}

/** The signed number, fraction or mixed number at `from`, and what comes behind it. */
function numberAt(text: string, from: number): { answer: NumericAnswer; rest: string } | undefined {
  const lead = /\s*([-+]?)\s*[$€£]?\s*(-?)\s*/y;
  lead.lastIndex = from;
  const signs = lead.exec(text)!;
  const whole = scanDecimal(text, lead.lastIndex);
  if (!whole) return undefined;
  let { value, end } = whole;
  // "18." ends a sentence.
  if (text[end - 1] === '.') end--;
  let decimals: number | undefined = /\.(\d+)$/.exec(text.slice(lead.lastIndex, end))?.[1]?.length ?? 0;
  const part = /^(\s+(\d{1,18})\s*)?\/\s*(\d{1,18})(?![\d.])/.exec(text.slice(end, end + WINDOW));
  if (part && BigInt(part[3]!) !== 0n) {
    const denominator = rational(BigInt(part[3]!));
    value = part[2] ? add(value, divide(rational(BigInt(part[2])), denominator)) : divide(value, denominator);
    decimals = undefined;
    end += part[0].length;
  }
  if ((signs[1] === '-') !== (signs[2] === '-')) value = multiply(value, rational(-1n));
  const written = text.slice(from, end).trim();
  return { answer: { value, text: written, decimals }, rest: text.slice(end) };
}
