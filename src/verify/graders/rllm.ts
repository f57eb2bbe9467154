/**
 * @file Grades as rllm does, with which the REDI paper was evaluated. Faithful with its mistakes, for comparability.
 */

import { boxedAnswer } from './support/boxedAnswer.js';
import { goldsOf, type GradeItem } from './support/gradeItem.js';
import { LatexError } from './support/latexErrors.js';
import { latexToText } from './support/latexToText.js';
import { normalString } from './support/normalString.js';
import { floatToText, parseFloatText, strip } from './support/python.js';
import { simplifiesToZero } from './support/sympyZero.js';

/** Limits the characters of an answer; a longer one is wrong unless it is the truth to the letter. */
const MAX_LENGTH = 10_000;

/**
 * Grades as rllm (DeepScaleR) does, which made the tables of the REDI paper: takes the last `\boxed{…}` between the
 * first and the second `</think>` of the response, which is right if it matches any truth as a string
 * (`matchesAsString`) or symbolically (`matchesSymbolically`). A response without `</think>` or without a closed box is
 * wrong. Numbers among the truths are written as Python writes floats. The grader is strict, and wrong in known ways:
 * use `verify` to find out whether an answer is right.
 */
export function grade(item: GradeItem): boolean {
  const solution = item.pred.split('</think>')[1];
  const answer = solution === undefined ? undefined : boxedAnswer(solution);
  if (answer === undefined) return false;
  return goldsOf(item).some((entry) => {
    const written = typeof entry === 'number' ? floatToText(entry) : entry;
    const truth = written.includes('\\boxed') ? boxedAnswer(written) : written;
    if (truth === undefined) return false;
    return matchesAsString(answer, truth) || matchesSymbolically(answer, truth);
  });
}

/** Is the first half ("mathd"): compares the texts in hendrycks/math's normal form. */
export function matchesAsString(given: string, truth: string): boolean {
  return stringForm(given) === stringForm(truth);
}

function stringForm(answer: string): string {
  const text = strip(withoutTextCommand(strip(answer)));
  return normalString(text) ?? text;
}

/**
 * Is the second half ("sympy"): converts both sides to plain text and compares the texts, then whether the difference
 * of each pair of elements simplifies to 0. The conversion loses parentheses around fractions and the index of roots;
 * unreduced fractions, tuples in another order and an integer against anything else are wrong.
 */
export function matchesSymbolically(given: string, truth: string): boolean {
  if (given.length > MAX_LENGTH || truth.length > MAX_LENGTH) return given === truth;
  const a = plainForm(truth);
  const b = plainForm(given);
  if (a === b) return true;
  if (b === '') return false;
  const truths = elements(a);
  const answers = elements(b);
  if (truths.length > 1 && (a[0] !== b[0] || a.at(-1) !== b.at(-1))) return false;
  if (truths.length !== answers.length) return false;
  return truths.every((element, i) => sameElement(element, answers[i]!));
}

function sameElement(truth: string, given: string): boolean {
  const fraction = /^-?[0-9]+.?\/0*[1-9][0-9]*.?\n?$/;
  if (fraction.test(truth) && fraction.test(given)) return truth === given;
  if ((integerOf(truth) === undefined) !== (integerOf(given) === undefined)) return false;
  const difference = `(${truth})-(${given})`;
  return isEvaluated(difference) && simplifiesToZero(difference);
}

/** Tells whether the original evaluates it: not with more than two letters or powers that could be large. */
function isEvaluated(expression: string): boolean {
  const letters = expression.replaceAll('sqrt', '').replaceAll('frac', '').match(/\p{L}/gu);
  return new Set(letters).size <= 2 && !/\^[{(]|\^[0-9]+\^|\^[0-9][0-9]/.test(expression);
}

/** Splits `(a, b)` and `[a, b)` without brackets inside into elements; everything else is one element. */
function elements(text: string): string[] {
  const expression = withoutGroupCommas(text);
  if (expression === '') return [];
  const isTuple = /^[()[\]][^()[\]]+[()[\]]$/.test(expression);
  return isTuple ? expression.slice(1, -1).split(',').map(strip) : [expression];
}

const UNITS = 'degree cm centimeter meter mile second minute hour day week month year foot feet inch yard'
  .split(' ')
  .map((unit) => new RegExp(`${unit}(?:es)?s? *(?:\\^[0-9]+)?`, 'g'));

/** Makes the text that rllm compares and gives to SymPy. */
function plainForm(answer: string): string {
  let text = withoutTextCommand(answer)
    .replaceAll('\\%', '%')
    .replaceAll('\\$', '$')
    .replace(/[$%]/g, '')
    .replaceAll(' or ', ' , ')
    .replaceAll(' and ', ' , ')
    .replaceAll('million', '*10^6')
    .replaceAll('billion', '*10^9')
    .replaceAll('trillion', '*10^12');
  for (const unit of UNITS) text = text.replace(unit, '');
  text = text.replace(/\^ *\\circ/g, '');
  if (text.startsWith('{') && text.endsWith('}')) text = text.slice(1, -1);
  text = text.replace(/,\\! */g, '');
  const value = parseFloatText(text);
  if (value !== undefined && isNearInteger(value)) text = String(BigInt(Math.round(value)));
  if (text.includes('\\')) text = withoutLatex(text);
  text = text
    .replace(/- */g, '-')
    .replace(/([0-9]) +([0-9])/g, '$1+$2')
    .replace(/[ {}]/g, '')
    .toLowerCase();
  return integerOf(text)?.toString() ?? text;
}

const WORDS = [
  ['√', 'sqrt'],
  ['π', 'pi'],
  ['∞', 'inf'],
  ['∪', 'U'],
  ['·', '*'],
  ['×', '*'],
] as const;

function withoutLatex(latex: string): string {
  let text: string;
  try {
    // The space makes `2\frac{1}{2}` a mixed number.
    text = latexToText(latex.replace(/\\[td]?frac/g, ' \\frac'));
  } catch (error) {
    if (error instanceof LatexError) return latex;
    throw error;
  }
  for (const [symbol, word] of WORDS) text = text.replaceAll(symbol, word);
  return strip(text);
}

/** Unwraps a text that begins and ends as one `\text{…}` does. */
function withoutTextCommand(text: string): string {
  return /^\\text\{(.+)\}\n?$/.exec(text)?.[1] ?? text;
}

/** Reads `5`, `1,000` or `5.0` as an integer, as far as a float can tell; undefined for anything else. */
function integerOf(text: string): bigint | undefined {
  const value = parseFloatText(withoutGroupCommas(text));
  return value !== undefined && isNearInteger(value) ? BigInt(Math.trunc(value)) : undefined;
}

function isNearInteger(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value - Math.round(value)) <= 1e-7;
}

/** Changes `1,000` to `1000`; commas between other groups of digits stay. */
function withoutGroupCommas(text: string): string {
  let before: string;
  do {
    before = text;
    text = text.replace(/(\d),(\d\d\d)($|\D)/g, '$1$2$3');
  } while (text !== before);
  return text;
}
