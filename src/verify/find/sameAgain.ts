/** @file Tells where an answer is only said again in another form: "1/2 or 0.5", "$\pi/4$ (or 45°)", "5√2 (about 7.07)". */

import { preciseValue } from '../algebra/bigComplex.js';
import { toRational } from '../algebra/bigFloat.js';
import { BudgetExceeded, WorkBudget } from '../algebra/workBudget.js';
import { normalize } from '../parse/normalize.js';
import { parse } from '../parse/parse.js';

/** Opens the second form: "or", ", or", "(or", "(about", "≈"; and what stands in it up to the end of the clause. */
const AGAIN =
  /^[\s$*)\]}]{0,4},?\s?(?:(\()\s?)?(?:(or|i\.e\.,?|that is,?|equivalently,?|which is)\s|(about|approximately|approx\.?|roughly)\s|(≈|\\approx)\s?)([^\n()]{1,40}?)(?:\)|(?=[.;]?\s*$|[.,;]\s|\n))/i;
const DEGREES = /\^\s?\{?\s?\\circ\s?\}?|°|\sdegrees$/;
/** The part of a value by which a rounded form may differ from it. */
const ROUNDING = 0.006;
/** Limits the characters of a form, and the work of reading it. */
const LONGEST = 60;
const WORK = 4000;

/** Gives where a second form of `content` ends that begins at `end`; `end` itself where none does. */
export function saidAgainUntil(text: string, content: string, end: number): number {
  const found = AGAIN.exec(text.slice(end, end + 80));
  if (!found || content.length > LONGEST) return end;
  const [all, , , about, sign, other] = found;
  const [value, again] = [content, other!].map(valueOf);
  if (value === undefined || again === undefined) return end;
  const slack = about === undefined && sign === undefined ? 1e-9 : ROUNDING;
  return Math.abs(value - again) <= slack * Math.abs(value) ? end + all.length : end;
}

/**
 * Tells whether two pieces are numbers that differ, nouns aside, and signs of degrees and percent as well: 90° is no other number
 * than 90. What is no number may be any.
 */
export function areOtherNumbers(one: string, other: string): boolean {
  const forms = [one, other].map((piece) =>
    piece.length > LONGEST
      ? ''
      : piece
          .split('=')
          .at(-1)!
          .replace(/\\text\s?\{[^{}]*\}\s*$/, ''),
  );
  const differ = (plain: (form: string) => string): boolean => {
    const [a, b] = forms.map((form) => valueOf(plain(form)));
    return a !== undefined && b !== undefined && Math.abs(a - b) > ROUNDING * Math.abs(a);
  };
  return differ((form) => form) && differ((form) => form.replace(DEGREES, '').replace(/\\?[%％]/, ''));
}

/** Reads a number in any form: a fraction, a root, percent, degrees as radians. Undefined where it is no number. */
function valueOf(form: string): number | undefined {
  const isAngle = DEGREES.test(form);
  const bare = form
    .replaceAll('$', '')
    .replace(DEGREES, '')
    .replace(/^\s*[A-Za-z]\w?\s?=|\\theta\s?=/, '')
    .replace(/\\?[%％]|\spercent$/, '\\%');
  const budget = new WorkBudget(WORK);
  try {
    const parsed = parse(normalize(bare.trim()), budget);
    const value = 'node' in parsed ? preciseValue(parsed.node, budget) : undefined;
    const [re, im] = value ? [toRational(value.re), toRational(value.im)] : [];
    if (!re || !im || im.n !== 0n) return undefined;
    return (Number(re.n) / Number(re.d)) * (isAngle ? Math.PI / 180 : 1);
  } catch (error) {
    if (error instanceof BudgetExceeded) return undefined;
    throw error;
  }
}
