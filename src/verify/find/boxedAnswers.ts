/** @file Reads the boxes of a response with what stands around them, in their formula and in their sentence. */

import { joined, lastGroup, type Box } from './boxes.js';
import type { AnswerCandidate } from './candidate.js';
import { isBounded } from './denial.js';
import { NUMERIC, withNeighbours, type Formula } from './formulas.js';
import { wordsBefore } from './numbersInText.js';
import { saidAgainUntil } from './sameAgain.js';
import { ALTERNATIVE, isTurnedBehind, tailAt } from './tail.js';
import { isUnitLetter, isUnitWord } from '../parse/units.js';

/** Gives the boxes of the last formula that contains any, with its neighbours', and the last box by itself. */
export function boxed(
  text: string,
  boxes: readonly Box[],
  formulas: readonly Formula[],
  rank: number,
): AnswerCandidate[] {
  if (boxes.length === 0) return [];
  const group = lastGroup(text, boxes);
  const alone: AnswerCandidate = {
    content: withUnit(joined(group), text, group.at(-1)!.end),
    rank,
    start: group[0]!.start,
    end: group.at(-1)!.end,
  };
  const inside = (formula: Formula) =>
    boxes.filter((box) => box.start >= formula.start && box.end <= formula.end);
  const last = formulas.findLastIndex((formula) => inside(formula).length > 0);
  if (last < 0) {
    const sum = BEGUN.exec(text.slice(Math.max(0, alone.start - 30), alone.start))?.[0];
    if (sum !== undefined) return [{ ...alone, content: `${sum}{${joined(group)}}`, isMore: true }];
    const rest = GOES_ON.exec(text.slice(alone.end, alone.end + 40))?.[0];
    if (rest !== undefined) return [{ ...alone, content: `{${joined(group)}}${rest}`, isMore: true }];
    const said = inSentence(text, joined(group), alone.start, alone.end);
    return [said ? { ...said, rank, start: alone.start } : alone];
  }
  const neighbours = withNeighbours(text, formulas, last).filter((formula) => inside(formula).length > 0);
  // Boxes on the lines of a list are one answer.
  if (group.length > neighbours.flatMap(inside).length) return [alone];
  // In "\boxed{3} \times \boxed{4} = \boxed{12}" the last is the answer.
  if (neighbours.length === 1 && group.length < inside(neighbours[0]!).length) return [alone];
  const end = neighbours.at(-1)!.end;
  const only =
    neighbours.length === 1 && inside(neighbours[0]!).length === 1 ? inside(neighbours[0]!)[0]! : undefined;
  const around = only && aroundBox(text, neighbours[0]!, only);
  if (around !== undefined)
    return [{ content: around, rank, start: neighbours[0]!.start, end, isMore: true }];
  const said = inSentence(text, joined(neighbours.flatMap(inside)), neighbours[0]!.start, end);
  if (said) return [{ ...said, rank, start: neighbours[0]!.start }];
  const content = withUnit(joined(neighbours.flatMap(inside)), text, end);
  return [{ content, rank, start: neighbours[0]!.start, end }, alone];
}

/** Before and behind a box in a formula: signs with which the box is a part of the answer only, `-\boxed{5}`, `\boxed{5}^2`. */
const INTO_BOX =
  /(?:[-+\d*/^_(|<>]|\^\{|\\left\s?[(|.]|\\(?:leq?|geq?|lt|gt|sim)|\\(?:cdot|times|div|pm|mp|sqrt|neq?|not)(?:\[[^\]]*\])?|\\[dt]?frac\s?\{[^{}]*\}\s?\{|\\[dt]?frac\s?\{|\\sqrt\s?\{)\s*$/;
const OUT_OF_BOX =
  /^\s*(?:,\s*(?:-?\d|[A-Za-z]\s?=)|\^(?!\s?\{?\\circ)|_|[*/!\d%]|[-+]\s?[\dA-Za-z\\]|[A-Za-z](?![A-Za-z])|\\(?:cdot|times|div|pm|sqrt|pi|%)(?![A-Za-z])|(?:\\[ ,;:!]|~|\s)*\\(?:text|mathrm|mbox)\s?\{\s*[A-Za-z²³/^\d]{1,12}\s*\})/;

/** Gives a formula without the mark of its box where the box is a part of what the formula says. */
function aroundBox(text: string, formula: Formula, box: Box): string | undefined {
  const from = text.indexOf(formula.content, formula.start);
  const [before, behind] = [text.slice(from, box.start), text.slice(box.end, from + formula.content.length)];
  if (!INTO_BOX.test(before) && !OUT_OF_BOX.test(behind)) return undefined;
  return `${before}{${box.content}}${behind}`;
}

/** Right before a box that stands in no formula: it is the last part of a calculation, "100 - ", and no label, "Part 2 - ". */
const BEGUN =
  /(?<!(?:answer|part|step|case|problem|question|exercise|option|number|no\.?)\s|(?:^|\n)[\s*#]{0,9})(?<![\d.=]|\d[-+*/×]\s?)\d[\d.,]*\s?[-+*/×÷]\s?$/i;

/** Right behind a box that stands in no formula: algebra goes on. */
const GOES_ON = /^(?:\^|_|[a-zA-Z](?![a-zA-Z])|\s?(?:[+*/]|\\cdot|\\times)\s?[\da-z\\])[^\s.,]{0,30}/;

const CLOSING = /^(?:\$|\\\))?(?:\*\*)?/;
/** Gives where the marks end that close behind a box. */
const closedAt = (text: string, boxEnd: number): number =>
  boxEnd + CLOSING.exec(text.slice(boxEnd, boxEnd + 8))![0].length;

/** Right before a box in a sentence: a sign or a digit of which it is a part. */
const PART_BEFORE = /(?:[-−]|\d\.?)$|(?<!\p{L})(?:minus|negative)\s?$/iu;

/** Gives a box with the words and signs around that make another value of it; undefined where none do. */
function inSentence(
  text: string,
  content: string,
  start: number,
  end: number,
): Pick<AnswerCandidate, 'content' | 'end' | 'isMore'> | undefined {
  if (saidAgainUntil(text, content, end) > end) return undefined;
  const before = text.slice(Math.max(0, start - 40), start);
  const closed = closedAt(text, end);
  const behind = text.slice(closed, closed + 30);
  const words =
    isBounded(before) &&
    !/(?:between|before|after|up to|over|under|above|below|beyond|near)[\s$\\([]*$/i.test(before)
      ? wordsBefore(text, start)
      : (PART_BEFORE.exec(before)?.[0] ?? '');
  const tail = tailAt(text, closed, true);
  const isPart = /^(?:,\d{3}|\.\d)/.test(behind) || isTurnedBehind(text, closed) || ALTERNATIVE.test(behind);
  if (words === '' && !isPart) return undefined;
  const said = isPart ? text.slice(closed, Math.max(tail.end, closed + 12)).split(/\n|[.]\s/, 1)[0]! : '';
  return {
    content: `${words}(${content})${said}`.replaceAll('$', ''),
    end: Math.max(end, tail.end),
    isMore: true,
  };
}

/** Gives where a box ends with the unit or noun behind it. */
export function behindUnit(text: string, boxEnd: number): number {
  const end = closedAt(text, boxEnd);
  return Math.max(end, tailAt(text, end, true).end);
}

/** Adds the unit or percent sign that stands behind a box: other words behind it say nothing of its value. */
function withUnit(content: string, text: string, boxEnd: number): string {
  const { suffix = '' } = tailAt(text, closedAt(text, boxEnd));
  const [word = ''] = /(?<=^ \\text\{ )[^\s}]+/.exec(suffix) ?? [];
  const isUnit = suffix === '\\%' || isUnitLetter(word) || isUnitWord(word, true);
  if (suffix === '\\%') return content + suffix;
  // Of "20 minutes early" the box has 20.
  return isUnit && NUMERIC.test(content) ? `${content} \\text{ ${word}}` : content;
}
