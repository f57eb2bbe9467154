/** @file Finds formulas between delimiters in responses. Does not read them. */

/** A formula between delimiters; `end` is the offset after the closing one. */
export interface Formula {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/** Limits the formulas that are joined into one answer: "$1$, $2$ and $3$". */
const MAX_JOINED = 6;
const CLOSING: Readonly<Record<string, string>> = { $$: '$$', '\\[': '\\]', '\\(': '\\)' };

/**
 * Finds the formulas of a text: `$$…$$` and `\[…\]` over lines, `$…$`, `\(…\)` and ` [ … ] ` within a line, and a
 * bare `\frac{a}{b}` of numbers. Prose between two dollar signs is not a formula. Linear in the length of the text.
 */
export function findFormulas(text: string): Formula[] {
  const formulas: Formula[] = [];
  const opening = /\$\$|\$|\\\[|\\\(|\s\[\s|\\frac\{-?[\d.]+\}\{-?[\d.]+\}/g;
  const nextOf = new Map<string, number>();
  /** Finds the first `mark` at or after `from`; searches for each occurrence once. */
  const next = (mark: string, from: number): number => {
    const known = nextOf.get(mark);
    if (known !== undefined && (known < 0 || known >= from)) return known;
    const found = text.indexOf(mark, from);
    nextOf.set(mark, found);
    return found;
  };
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const [open] = match as [string];
    const start = match.index;
    if (open.startsWith('\\frac')) {
      formulas.push({ start, end: start + open.length, content: open });
      continue;
    }
    if (open === '$' && /[\\\d]/.test(text[start - 1] ?? '')) continue;
    const from = start + open.length;
    const close = open === '$' ? closingDollar(text, from) : next(CLOSING[open] ?? ']', from);
    const spansLines = open === '$$' || open === '\\[';
    if (close < 0 || (!spansLines && isBetween(next('\n', from), from, close))) continue;
    const content = text.slice(from, close);
    if (open === '$' && isProse(beforeWhere(content))) continue;
    const end = close + (CLOSING[open] ?? ']').length;
    formulas.push({ start, end, content });
    opening.lastIndex = end;
  }
  return formulas;
}

const beforeWhere = (content: string): string =>
  content.includes('where') ? content.split(/\bwhere\b/, 1)[0]! : content;

const isBetween = (at: number, from: number, to: number) => at >= from && at < to;

/** Finds the `$` that closes, on the same line, one just before `from`; -1 where there is none. */
function closingDollar(text: string, from: number): number {
  CLOSING_DOLLAR.lastIndex = from;
  return CLOSING_DOLLAR.test(text) ? CLOSING_DOLLAR.lastIndex - 1 : -1;
}

const CLOSING_DOLLAR = /[^$\n\\]*(?:\\.[^$\n\\]*)*\$/y;

/** A word in no Latin or Greek letters beside a number: "答えは5です", "정답은 5입니다". */
const FOREIGN =
  /(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Han}])\p{L}{2}[^]{0,60}\d|\d[^]{0,60}(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Han}])\p{L}{2}/u;

/** A word that joins others and stands in no formula. */
const FUNCTION_WORD =
  /(?<![\p{L}\\])(?:since|because|is|are|so|as|of|the|that|which|we|therefore|thus|hence|exactly|just|simply)(?!\p{L})/iu;

/** "He has 20 - 8 = 12 cookies" */
const PRONOUN = /^\s*(?:he|she|it|they|we|you|this|there|i)\s[a-z]{2}/i;

/** What no text lacks that is prose. */
const MAY_BE_PROSE = /[\p{L}\p{M}]{2}|\?/u;

/** Tells whether a text is prose, not mathematics: it has two words in a row, words in other scripts or a question mark. */
export function isProse(content: string): boolean {
  if (!MAY_BE_PROSE.test(content)) return false;
  const bare = content
    .replace(/(?<=\d\s)out of(?=\s\d)/g, '/')
    .replace(/\\(?:text|mbox|textbf|textit|mathrm|operatorname)\w*\s?\{[^{}]*\}|\\[A-Za-z]+/g, ' ');
  if (FOREIGN.test(bare) || FUNCTION_WORD.test(bare) || PRONOUN.test(bare)) return true;
  return /(?<![\p{L}\p{M}])[\p{L}\p{M}]{3,}[,.]?\s{1,9}[\p{L}\p{M}]{2,}|[\p{Script=Han}]{2}|\?/u.test(
    bare.replace(/\b(?:and|or)\b/g, ','),
  );
}

/** Gives a formula with those right before it that only commas, "and" or "or" separate from it. */
export function withNeighbours(text: string, formulas: readonly Formula[], last: number): Formula[] {
  const group = [formulas[last]!];
  for (let index = last - 1; index >= 0 && group.length < MAX_JOINED; index--) {
    const between = text.slice(formulas[index]!.end, group[0]!.start);
    if (!/^\s*(?:,|and|or|, ?and|, ?or)\s*$/.test(between.slice(0, 20))) break;
    group.unshift(formulas[index]!);
  }
  return group;
}

/** A number, a fraction or a root of numbers, maybe with its name: `x = \frac{1}{2}`. */
export const NUMERIC =
  /^\s*(?:[A-Za-z]\s?=)?(?:[\d\s.,+\-*/^(){}]|\\(?:[dt]?frac|sqrt|pi|cdot|times)(?![A-Za-z])|\\[,! ])+$/;
