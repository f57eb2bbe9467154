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
  /(?:=|≈|→|⇒|(?<!\p{L}|to\s)(?:is|are|was|were|be|equals?|totals?|becomes?|makes?|making|gives?|giving|gets?|leaves?|leaving|left with|earns?|costs?|paid|pays?|has|have|had|spends?|spent|saves?|needs?|makes a total of|a total of|is worth|sum of))[\s$*_({\\[]*$/iu;

/** The same where a circumstance with a number follows. */
const RESULTS =
  /(?:=|→|(?<!\p{L}|to\s)(?:is|are|was|were|has|have|had|equals?|totals?|makes?|made|gets?|got|earns?|earned|costs?|spends?|spent|pays?|paid|needs?|buys?|bought|takes?(?: (?:him|her|them|us|me|it|\p{Lu}\p{L}+))?|took|uses?|used|sells?|sold|a total of|is worth)|^in total,|^(?:he|she|it|they|we|you|i)\s(?:(?:will|can|could|would|must)\s)?\p{L}+)[\s$*_({\\[]*$/iu;

/** Between two numbers: the second belongs to a circumstance of the first. */
const CIRCUMSTANCE =
  /\(|,\s\p{L}+ing(?!\p{L})|(?<!\p{L})(?:to|that|which|who|whom|whose|when|where|while|since|because|if|as|for|in|of|per|at|from|with|without|than|after|before|by|during|on|every|each|over|within|until|till|among|between|out|attained|provided|unless|rather|not|and|or|but)(?!\p{L})/iu;

/** The beginning of a sentence that states no value. */
const NONE =
  /^[\s*_]*(?:no(?!\.)|none|never|nothing|unknown|impossible|infinitely|cannot|there (?:is|are) no|undefined)(?!\p{L})/iu;

/** A line that has a label of its own: "- Width: 27", "b) 27". */
const LABELLED = /^\s*(?:[-*•|]\s|\(?[a-h\d][.)]|\**\p{L}[\p{L} ]{0,30}\**\s?[:=])/u;

/**
 * Gives the value that the sentence from `from` states: its only number or formula, or the last one unless the words before make
 * a circumstance of it. Then it is the whole sentence, which cannot be read. Undefined where the sentence has no value.
 */
export function statedFrom(text: string, from: number, read: ReadFormula): AnswerCandidate | undefined {
  const start = from + /^[\s*_#]*/.exec(text.slice(from, from + REACH))![0].length;
  const begins = sentencesOf(text, start);
  const stated = ofSentence(text, begins.at(-1) ?? start, read);
  if (!stated || begins.length < 2) return stated;
  const [last, previous] = [begins.at(-1)!, begins.at(-2)!];
  // "Tom has 7 apples. Mary has 5." states two values.
  const said = saidOf(text.slice(last, stated.end));
  return said !== undefined && said === saidOf(text.slice(previous, last))
    ? { ...stated, content: text.slice(start, stated.end), isMore: true }
    : stated;
}

/** Gives the word before the first number of a sentence that does not conclude: "has". */
function saidOf(sentence: string): string | undefined {
  return CONCLUDES.test(sentence) ? undefined : SAID.exec(sentence)?.[1]?.toLowerCase();
}
const SAID = /^\D{2,50}?\s(is|are|was|has|have|had|gets?|costs?|equals?)\s[\s$*\\([]*\d/u;
const CONCLUDES =
  /^\s*(?:so|thus|hence|therefore|then|finally|in total|altogether|overall|as a result|this)(?!\p{L})|=/iu;

/** Gives where the sentences with a number begin that stand on the same line. */
function sentencesOf(text: string, from: number): number[] {
  const [line] = /^[^\n]*/.exec(text.slice(from, from + LINE)) as unknown as [string];
  const begins: number[] = [];
  for (let at = from; at < from + line.length;) {
    const end = endOf(text.slice(at, at + REACH));
    if (/\d/.test(text.slice(at, at + end))) begins.push(at);
    at += Math.max(1, end) + 1;
  }
  return begins;
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
  if (NONE.test(sentence)) return whole;
  const before = sentence.slice(0, last.start - start);
  const earlier = /^[^]*\d/.exec(before)?.[0];
  if (earlier === undefined) return last;
  const listed = listedIn(sentence, start);
  if (listed) return listed;
  const states = (value: AnswerCandidate) => STATES.test(sentence.slice(0, value.start - start));
  const calculates = (value: AnswerCandidate) => CALCULATES.test(sentence.slice(0, value.start - start));
  // "The length is 18 and the width is 27", "She is 18 and her brother 9" state two values.
  const isSecond = values.slice(0, -1).some((value) => {
    const between = sentence.slice(value.end - start, last.start - start);
    if (!states(value) || !JOINT.test(between)) return false;
    return states(last)
      ? calculates(value) === calculates(last)
      : !CIRCUMSTANCE.test(between.replace(JOINT, ''));
  });
  if (isSecond) return whole;
  if (states(last)) return last;
  if (BESIDE.test(before.slice(earlier.length))) return whole;
  // What is read of "5 days" may begin before the number, "apples after 5 days".
  const words = last.isMore ? (/^[\p{L}\s]*/u.exec(last.content)?.[0] ?? '') : '';
  if (!CIRCUMSTANCE.test(before.slice(earlier.length) + words)) return last;
  // "sells 9 eggs for $18"
  if (/\sfor\s\\?[$€£]\s?$/.test(before) && !/[$€£]/.test(earlier)) return last;
  // "= 5 hours to read 120 pages", "spent $18 on 3 pizzas"
  const result = values.findLast((value) => RESULTS.test(sentence.slice(0, value.start - start)));
  if (!result?.isMore) return result ?? whole;
  const place = result.start - start;
  const until = place + (CIRCUMSTANCE.exec(sentence.slice(place))?.index ?? 0);
  return valuesOf(start, sentence.slice(0, until), read).at(-1) ?? whole;
}

const CALCULATES = /=[\s$*({\\[]*$/;

/** Between two values that a sentence states, and between two that have a name each: "Length 7, width 5". */
const JOINT = /(?<!\p{L})(?:and|but|while)(?!\p{L})|;/u;
const BESIDE = /^[^,(]{0,30},\s(?:\p{L}+\s){1,3}$/u;

/** What has several values. */
const SEVERAL =
  /(?<!\p{L})(?:solutions|roots|zeros|values|answers|integers|numbers)(?!\p{L})[^.]{0,40}?\sare:?\s/iu;
/** Between the members of a list, and behind the last. */
const LISTS = /^[\s$,;*]*(?:(?:and|or)[\s$*]+)?$/;

/** Makes one answer of the values behind "the solutions are". */
function listedIn(sentence: string, start: number): AnswerCandidate | undefined {
  const said = SEVERAL.exec(sentence);
  if (!said) return undefined;
  const from = said.index + said[0].length;
  const members = membersOf(sentence.slice(from)).map((member) => ({
    ...member,
    start: from + member.start,
  }));
  const ends = members.map(({ start: at, length }) => at + length);
  const areListed = members.every((member, i) =>
    LISTS.test(sentence.slice(ends[i - 1] ?? from, member.start)),
  );
  if (members.length < 2 || !areListed || /[\p{L}\d]/u.test(sentence.slice(ends.at(-1)))) return undefined;
  const content = members.map((member) => member.content).join(', ');
  return { content, rank: 0, start: start + members[0]!.start, end: start + ends.at(-1)! };
}

/** The formulas of a list, or its numbers and equations where it has no formula. */
function membersOf(list: string): { content: string; start: number; length: number }[] {
  const formulas = findFormulas(list).map(({ content, start, end }) => ({
    content,
    start,
    length: end - start,
  }));
  if (formulas.length > 0) return formulas;
  return [...list.matchAll(/(?:[a-z](?:_?\d)?\s?=\s?)?-?\d+(?:\.\d+|\/\d+)?(?![\d\w])/gi)].map((found) => ({
    content: found[0],
    start: found.index,
    length: found[0].length,
  }));
}

/** A line of a list that holds a value or an equation and nothing else: "- $x = 2$", "1. $3$", "y = 5". */
const MEMBER =
  /^\s*(?:([-*•]|\(?\d[.)])\s)?\$?([A-Za-z](?:_?\d)?\s?=\s?)?(-?(?:\d+(?:\.\d+)?|\\[dt]?frac\s?\{\d+\}\{\d+\}))\$?[.,;]?\s*$/;

/** Makes one answer of the lines from `from` on that are a list of values and nothing else. */
export function listedOnLines(text: string, from: number): AnswerCandidate | undefined {
  const lead = /^(?:[*_#]*\s)+/.exec(text.slice(from, from + REACH))?.[0].length ?? 0;
  const all = text.slice(from + lead, from + lead + LINE).trimEnd();
  const members = all.split(/\n+/).map((line) => MEMBER.exec(line));
  const isList = members.every((member) => member && (member[1] !== undefined || member[2] !== undefined));
  if (members.length < 2 || !isList) return undefined;
  const content = members.map((member) => `${member![2] ?? ''}${member![3]!}`).join(', ');
  return { content, rank: 0, start: from + lead, end: from + lead + all.length };
}

/** Tells whether lines with labels and values follow, from the first on: "- Length: 18", "- Width: 27". */
export function areLabelled(text: string, from: number): boolean {
  const lines = text
    .slice(from, from + REACH)
    .replace(/^(?:[*_#]*\s)+/, '')
    .split(/\n+/, 5);
  if (lines.filter((line) => /^\s*\|.*\d/.test(line)).length > 1) return true;
  if (/^\(?a[.)][^\n]{0,60}\d[^\n]{0,20}\s\(?b[.)]/i.test(lines[0]!)) return true;
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
