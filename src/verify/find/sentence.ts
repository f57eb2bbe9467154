/** @file Finds the value that a sentence with several numbers states: "In 12 days he earns 60 dollars". */

import type { AnswerCandidate } from './candidate.js';
import { findFormulas, type Formula } from './formulas.js';
import { plainAnswers } from './numbersInText.js';

/** Reads a formula with what stands around it. */
type ReadFormula = (formula: Formula) => AnswerCandidate;

/** Limits the characters of a sentence, and of a line of sentences. */
const REACH = 400;
const LINE = 2000;

/** Where a sentence ends. */
const END = /[.!?](?=[\s*_"')]|$)|\n|[。！？]/;

/** Right before the value that a sentence states. */
const STATES =
  /(?:=|≈|→|⇒|(?<!\p{L})(?:is|are|was|were|be|equals?|totals?|becomes?|makes?|making|gives?|giving|gets?|leaves?|leaving|left with|earns?|costs?|paid|pays?|has|have|had|spends?|spent|saves?|needs?|makes a total of|a total of|is worth|sum of))[\s$*_({\\[]*$/iu;

/** The same where a circumstance with a number follows. */
const RESULTS =
  /(?:=|→|(?<!\p{L})(?:is|was|equals?|totals?|makes?|gets?|earns?|costs?|a total of|is worth))[\s$*_({\\[]*$/iu;

/** Between two numbers: the second belongs to a circumstance of the first. */
const CIRCUMSTANCE =
  /(?<!\p{L})(?:to|that|which|who|whom|whose|when|where|while|since|because|if|as|for|in|of|per|at|from|with|without|than|after|before|by|during|on|every|each|over|within|until|till|among|between|out|attained|provided|unless|rather|not|and|or|but)(?!\p{L})/iu;

/** A line that has a label of its own: "- Width: 27", "b) 27". */
const LABELLED = /^\s*(?:[-*•]\s|\(?[a-h\d][.)]|\**\p{L}[\p{L} ]{0,30}\**\s?[:=])/u;

/**
 * Gives the value that the sentence from `from` states: its only number or formula, or the last one unless the words before make
 * a circumstance of it. Then it is the whole sentence, which cannot be read. Undefined where the sentence has no value.
 */
export function statedFrom(text: string, from: number, read: ReadFormula): AnswerCandidate | undefined {
  const start = from + /^[\s*_#]*/.exec(text.slice(from, from + REACH))![0].length;
  return ofSentence(text, lastSentence(text, start), read);
}

/** Gives where the last sentence with a number begins that stands on the same line. */
function lastSentence(text: string, from: number): number {
  const [line] = /^[^\n]*/.exec(text.slice(from, from + LINE)) as unknown as [string];
  let start = from;
  for (let at = from; at < from + line.length;) {
    const end = endOf(text.slice(at, at + REACH));
    if (/\d/.test(text.slice(at, at + end))) start = at;
    at += Math.max(1, end) + 1;
  }
  return start;
}

function ofSentence(text: string, from: number, read: ReadFormula): AnswerCandidate | undefined {
  const start = from + /^\s*/.exec(text.slice(from, from + REACH))![0].length;
  const rest = text.slice(start, start + REACH);
  const sentence = rest.slice(0, endOf(rest));
  const values = valuesOf(start, sentence, read);
  const last = values.at(-1);
  if (!last) return undefined;
  const whole: AnswerCandidate = {
    content: sentence,
    rank: 0,
    start,
    end: start + sentence.length,
    isMore: true,
  };
  const before = sentence.slice(0, last.start - start);
  const earlier = /^[^]*\d/.exec(before)?.[0];
  if (earlier === undefined) return last;
  // "The length is 18 and the width is 27" states two values.
  const isSecond =
    STATES.test(earlier.replace(/[\d.,]+$/, '')) &&
    /(?<!\p{L})(?:and|but|while)(?!\p{L})|;/u.test(before.slice(earlier.length));
  if (STATES.test(before)) return isSecond ? whole : last;
  if (!CIRCUMSTANCE.test(before.slice(earlier.length))) return last;
  // "= 5 hours to read 120 pages"
  return values.findLast((value) => RESULTS.test(sentence.slice(0, value.start - start))) ?? whole;
}

/** Tells whether lines with labels and values follow, from the first on: "- Length: 18", "- Width: 27". */
export function areLabelled(text: string, from: number): boolean {
  const lines = text
    .slice(from, from + REACH)
    .replace(/^[\s*_#]*\n\s*/, '')
    .trimStart()
    .split(/\n+/, 3);
  const isLabelled = (line = '') => LABELLED.test(line) && /\d/.test(line);
  return isLabelled(lines[0]) && isLabelled(lines[1]);
}

/** Gives where a sentence ends: a point within a number or a formula does not end it. */
function endOf(rest: string): number {
  const formulas = findFormulas(rest);
  for (let at = 0; ;) {
    const found = END.exec(rest.slice(at));
    if (!found) return rest.length;
    const place = at + found.index;
    const formula = formulas.find((one) => place > one.start && place < one.end);
    if (!formula) return place;
    at = formula.end;
  }
}

/** The formulas of a sentence and the numbers outside them, in order. */
function valuesOf(start: number, sentence: string, read: ReadFormula): AnswerCandidate[] {
  // Between "$400 - $" and "230" stands a currency sign.
  const closed = findFormulas(sentence).filter((formula) => !/\d/.test(sentence[formula.end] ?? ''));
  const formulas = closed.map(({ content, start: at, end }) =>
    read({ content, start: start + at, end: start + end }),
  );
  const numbers = plainAnswers(sentence)
    .filter(
      (found) =>
        !formulas.some(
          (formula) => start + found.start >= formula.start && start + found.start < formula.end,
        ),
    )
    .map((found): AnswerCandidate => ({
      ...found,
      rank: 0,
      start: start + found.start,
      end: start + found.end,
    }));
  const inOrder = [...formulas, ...numbers].sort((a, b) => a.end - b.end || b.start - a.start);
  return inOrder;
}
