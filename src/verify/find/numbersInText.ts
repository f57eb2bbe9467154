/** @file Finds numbers and small calculations in running text, with what the words and signs around make of them. */

import { numberInWords } from '../parse/numbersInWords.js';
import { isBounded } from './denial.js';
import { isResult, tailAt } from './tail.js';

/** A number or a small calculation in running text. */
export interface PlainAnswer {
  readonly start: number;
  readonly end: number;
  readonly content: string;
  /** Whether signs or words around it say another value: then nothing else of the text is taken if it cannot be read. */
  readonly isMore?: boolean;
}

/** Limits the places that are tried, counted from the end. */
const MAX_STARTS = 60;
const NUMBER =
  /\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d|,\d)|\d{1,3}(?: \d{3})+(?:\.\d+)?(?![\d]| \d)|\d+,\d+(?!\d|,\d)|\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\w.]))?|\.\d+/y;
const RUN = /[-+−(]?[\d.($][\d\s.,+\-−*/^()×÷%]{0,200}/y;
/** "minus 5", but not "10 minus 5" and "non-negative" */
const MINUS = /(?<![\p{L}-]|\d\s)(?:minus|negative)\s[\\*]{0,2}$/iu;
const MULTIPLE =
  /^\s(?:hundred|thousand|million|billion|trillion|dozen)s?(?!\p{L})|^\s?(?:百(?!分)|千(?![克米瓦卡赫帕])|[万萬亿億])/iu;
/** "3 and a half" */
const HALF = /^ and (?:an?|one)[ -](half|third|quarter|fourth)(?!\p{L}| of)/iu;
/** "2 decimal places" say how a number is written. */
const PRECISION = /^\s?(?:decimal places?|d\.\s?p\.|significant (?:figures|digits)|sig\.? figs?)/i;
const FUNCTIONS = 'sqrt|log|ln|lg|sin|cos|tan|exp|abs|mod|modulo|gcd|lcm|max|min';
/** Right before a number: signs and words that make it a part of something else. */
const PART = new RegExp(
  [
    '[≤≥≠≮≯≈~±∓¬√∛∜]|!=|\\+/-|(?<![=-])<=?|(?<![=-]|(?:^|\\n)\\s{0,4})>=?|\\\\[a-z]{2,8}',
    '[\\p{L}\\p{N})\\]](?:\\s?[/×·÷^]|\\s\\*\\s|\\*(?!\\*))|(?:(?<!\\p{L})\\p{L}|[\\p{N})\\]])\\s?[+-]|[\\p{L}\\p{N})\\]]\\s?[+-]\\s|\\d\\s?:',
    `(?<!\\p{L})(?:${FUNCTIONS}|plus|minus|times|over|(?:multiplied|divided) by|(?<=(?:[\\d)]|(?<!\\p{L})\\p{L}|number|value|sum|product)\\s)(?:increased|decreased|reduced) by)`,
  ]
    .map((sign) => `(?:${sign})[\\s*_"'\`$([{]{0,6}$`)
    .join('|'),
  'iu',
);
/** Right before a number: another one that is joined with it, "3 and", "3;", "1 to". */
const JOINED =
  /(?<![\p{L}\p{N}_^.,])-?\d[\d.,/]*(?:\*\*|[`"])?(?:\s?[,;&|/–-]\s?|,?\s(?:and|or|to|through|vs\.?|versus)\s)(?:\*\*|[`"])?$/iu;
/** The whole of which the number is a part, what it counts, the quotient before it: "3 out of", "5 groups of", "5 remainder". */
const PART_OF =
  /(?<![\p{L}\p{N}_^.,])-?\d[\d.,/]*(?:(?:\s\p{L}+){0,2}\s(?:out\s)?of|,?\s(?:(?:with|and)\s)?(?:an?\s)?remainder(?:\sof)?)\s$/u;
/** The same with units between: "12 hours and". */
const MEASURED =
  /\d[\d.,]*\s(?:hours?|hrs?|minutes?|mins?|feet|foot|ft|dollars?|pounds?|lbs?|years?|months?|weeks?|days?|km|kilometers?|meters?|miles?|kg|kilograms?|yards?)(?:,|,?\sand)?\s$/i;
/** The last two words or signs of a text. */
const LAST_WORDS = /(?:\S{1,20}\s{1,3}){0,2}\S{0,20}$/;

/**
 * Finds the last numbers of a text that could be answers, the one that ends last first: `12`, `1,000.99`, `2,74`,
 * `-3/4`, `25%`, `(1/2) * 3`. Numbers within a word or formula (`XY2`, `x^2`) and before `=` are left out.
 */
export function plainAnswers(text: string): PlainAnswer[] {
  const starts =
    /(?<![A-Za-z0-9_.,\\^/*{}+\-−(])(?:\*\*)?(?=[-+−]?\s{0,3}\\?[$€£¥₹]?\s?\(?[-−]?\.?\d)|(?<=\()(?=\d)/g;
  const places: number[] = [];
  for (const match of text.matchAll(starts)) {
    places.push(match.index + match[0].length);
    if (places.length > 4 * MAX_STARTS) places.splice(0, 2 * MAX_STARTS);
  }
  return places
    .slice(-MAX_STARTS)
    .flatMap((start) => plainAnswerAt(text, start) ?? [])
    .map((found) => withWordsBefore(text, found))
    .sort((a, b) => b.end - a.end || a.start - b.start);
}

/** Adds what stands before a number and makes it another answer. */
function withWordsBefore(text: string, found: PlainAnswer): PlainAnswer {
  const first = found.start + /^[^\d.]*/.exec(text.slice(found.start, found.end))![0].length;
  const words = wordsBefore(text, first);
  if (words === '') return found;
  const start = Math.min(found.start, first - words.length);
  return { start, end: found.end, content: text.slice(start, found.start) + found.content, isMore: true };
}

/** Gives what stands right before a number at `start` and makes it another answer: `x >`, `log`, `more than`, `3 and`; else ''. */
export function wordsBefore(text: string, start: number): string {
  const before = text.slice(Math.max(0, start - 60), start);
  if (PART.test(before) || isBounded(before)) return LAST_WORDS.exec(before)![0];
  return [JOINED, MEASURED, PART_OF].map((joined) => joined.exec(before)?.[0]).find(Boolean) ?? '';
}

/** Reads the number or calculation that begins at `start`; undefined where none does. */
export function plainAnswerAt(text: string, start: number): PlainAnswer | undefined {
  return calculationAt(text, start) ?? numberAt(text, start);
}

function numberAt(text: string, start: number): PlainAnswer | undefined {
  const sign = /\s?([-+−]?)\s{0,3}\\?[$€£¥₹]?\s?([-−]?)/y;
  sign.lastIndex = start;
  const signs = sign.exec(text)!;
  NUMBER.lastIndex = sign.lastIndex;
  const number = NUMBER.exec(text)?.[0];
  if (number === undefined) return undefined;
  const end = NUMBER.lastIndex;
  if (isPartOfMore(text, end) || PRECISION.test(text.slice(end, end + 24))) return undefined;
  const isNegative =
    /[-−]/.test(signs[1]! + signs[2]!) || MINUS.test(text.slice(Math.max(0, start - 12), start));
  const plain =
    /^\d+,\d+$/.test(number) && !/^[1-9]\d{0,2},\d{3}$/.test(number) ? number.replace(',', '.') : number;
  const digits = plain.replace(/[, ]/g, '');
  const currency = /[$€£¥]/.exec(text.slice(start, end))?.[0].replace('$', '\\$') ?? '';
  const content = (isNegative ? '-' : '') + currency + digits;
  const half = /^\d+$/.test(digits) ? HALF.exec(text.slice(end, end + 20)) : null;
  if (half) {
    const part =
      half[1]!.toLowerCase() === 'half' ? ' 1/2' : half[1]!.toLowerCase() === 'third' ? ' 1/3' : ' 1/4';
    return withTail(text, { start, end: end + half[0].length, content: content + part });
  }
  const multiple = MULTIPLE.exec(text.slice(end, end + 12))?.[0] ?? '';
  return withTail(text, { start, end: end + multiple.length, content: content + multiple });
}

/** Reads `3/4` or `(1/2) * 3`: digits with at least one operator between them. */
function calculationAt(text: string, start: number): PlainAnswer | undefined {
  RUN.lastIndex = start;
  const run = RUN.exec(text)?.[0];
  if (run === undefined) return undefined;
  // It ends with the sentence, the line or the item of a list.
  const content = run.split(/\n|[.,]\s|[.,]$/, 1)[0]!.replace(/[\s.,+\-−*/^(×÷]+$/, '');
  if (!/[\d)%]\s*[-+−*/^×÷]/.test(content)) return undefined;
  if (!isBalanced(content) || isPartOfMore(text, start + content.length)) return undefined;
  return withTail(text, { start, end: start + content.length, content });
}

function isBalanced(content: string): boolean {
  let depth = 0;
  for (let at = 0; at < content.length && depth >= 0; at++) {
    if (content[at] === '(') depth++;
    else if (content[at] === ')') depth--;
  }
  return depth === 0;
}

/** Tells whether the number is not a result: an equals sign or the rest of a term (`3x^2`) follows. */
const isPartOfMore = (text: string, end: number) =>
  /^\s{0,3}=|^[\^_\\{π√²³]|^[A-Za-z][\^_]|^[abcnpqrtuvwxyz](?![\p{L}\p{N}])/u.test(text.slice(end, end + 4));

/** Marks of text that close behind a number. */
const CLOSING = /^(?:\*{1,4}|__|[`"”])?/;

/** Adds what stands behind a number: its unit, a percent sign, or signs and words that make it another answer. */
function withTail(text: string, answer: PlainAnswer): PlainAnswer {
  const closed = answer.end + CLOSING.exec(text.slice(answer.end, answer.end + 5))![0].length;
  const { end, suffix } = tailAt(text, closed, isResult(text, answer.start));
  if (suffix === undefined)
    return { ...answer, content: answer.content + text.slice(closed, end), isMore: true };
  const content = suffix === '\\%' ? answer.content.replace(/%$/, '') : answer.content;
  return { ...answer, end, content: content + suffix };
}

/** Reads a number in words right behind a phrase, with what it counts: "the answer is twenty-one apples." */
export function inWords(text: string, at: number): PlainAnswer | undefined {
  const phrase = /[\s:*"]{0,8}(?:is\s+)?((?:[a-z]+[ -]){0,11}[a-z]+)(?=[\s.*"]*(?:\n|$))/iy;
  phrase.lastIndex = at;
  const content = phrase.exec(text)?.[1];
  if (content === undefined) return undefined;
  const end = phrase.lastIndex;
  const words = content.split(/(?<=[ -])/);
  for (let count = words.length; count > 0; count--) {
    const said = words.slice(0, count).join('').trimEnd();
    if (/ (?:and|an?)$/i.test(said)) continue;
    const number = numberInWords(said);
    if (!number) continue;
    const start = end - content.length;
    // "two or three", "two and a half", "one in ten"
    if (MORE_WORDS.test(content.slice(said.length))) return { content, start, end, isMore: true };
    const { suffix } = tailAt(text, start + said.length);
    if (suffix === undefined) return undefined;
    return { content: `\\frac{${number.n}}{${number.d}}${suffix}`, start, end };
  }
  return undefined;
}

/** Behind a number in words: words that make another number of it. */
const MORE_WORDS =
  /^[ -](?:or|to|and|point|half|less|more|fewer|plus|minus|times|over|per|divided|(?:out of|in|by) (?:an? )?(?:two|three|four|five|six|seven|eight|nine|ten|\p{L}*teen|twenty|hundred|thousand)|through|squared|cubed)(?!\p{L})/iu;
