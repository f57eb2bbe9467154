/** @file Finds numbers and small calculations in running text. */

/** A number or a small calculation in running text. */
export interface PlainAnswer {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** Limits the places that are tried, counted from the end. */
const MAX_STARTS = 60;
const NUMBER =
  /\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d|,\d)|\d{1,3}(?: \d{3})+(?:\.\d+)?(?![\d]| \d)|\d+,\d+(?!\d|,\d)|\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\w.]))?|\.\d+/y;
const RUN = /[-+−(]?[\d.($][\d\s.,+\-−*/^()×÷%]{0,200}/y;
/** "minus 5", but not "10 minus 5" and "non-negative" */
const MINUS = /(?<![\p{L}-]|\d\s)(?:minus|negative)\s$/iu;
const MULTIPLE =
  /^\s(?:hundred|thousand|million|billion|trillion|dozen)s?(?!\p{L})|^\s?(?:百(?!分)|千(?![克米瓦卡赫帕])|[万萬亿億])/iu;
const PERCENT = /\s?(?:\\?%|percent\b|percentage\b|pct\b)/y;

/**
 * Finds the last numbers of a text that could be answers, the one that ends last first: `12`, `1,000.99`, `2,74`,
 * `-3/4`, `25%`, `(1/2) * 3`. Numbers within a word or formula (`XY2`, `x^2`) and before `=` are left out.
 */
export function plainAnswers(text: string): PlainAnswer[] {
  const starts = /(?<![A-Za-z0-9_.,\\^/*{}+\-−(])(?:\*\*)?(?=[-+−]?\s?[$€£]?\s?\(?[-−]?\.?\d)|(?<=\()(?=\d)/g;
  const places: number[] = [];
  for (const match of text.matchAll(starts)) {
    places.push(match.index + match[0].length);
    if (places.length > 4 * MAX_STARTS) places.splice(0, 2 * MAX_STARTS);
  }
  return places
    .slice(-MAX_STARTS)
    .flatMap((start) => plainAnswerAt(text, start) ?? [])
    .sort((a, b) => b.end - a.end || a.start - b.start);
}

/** Reads the number or calculation that begins at `start`; undefined where none does. */
export function plainAnswerAt(text: string, start: number): PlainAnswer | undefined {
  return calculationAt(text, start) ?? numberAt(text, start);
}

function numberAt(text: string, start: number): PlainAnswer | undefined {
  const sign = /\s?([-+−]?)\s?[$€£]?\s?([-−]?)/y;
  sign.lastIndex = start;
  const signs = sign.exec(text)!;
  NUMBER.lastIndex = sign.lastIndex;
  const number = NUMBER.exec(text)?.[0];
  if (number === undefined) return undefined;
  const end = NUMBER.lastIndex;
  if (isPartOfMore(text, end)) return undefined;
  const isNegative =
    /[-−]/.test(signs[1]! + signs[2]!) || MINUS.test(text.slice(Math.max(0, start - 12), start));
  const plain =
    /^\d+,\d+$/.test(number) && !/^[1-9]\d{0,2},\d{3}$/.test(number) ? number.replace(',', '.') : number;
  const digits = plain.replace(/[, ]/g, '');
  const content = (isNegative ? '-' : '') + digits;
  const multiple = MULTIPLE.exec(text.slice(end, end + 12))?.[0];
  return multiple === undefined
    ? withPercent(text, { start, end, content })
    : { start, end: end + multiple.length, content: content + multiple };
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
  return withPercent(text, { start, end: start + content.length, content });
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

function withPercent(text: string, answer: PlainAnswer): PlainAnswer {
  PERCENT.lastIndex = answer.end;
  return PERCENT.test(text)
    ? { ...answer, end: PERCENT.lastIndex, content: `${answer.content.replace(/%$/, '')}\\%` }
    : answer;
}
