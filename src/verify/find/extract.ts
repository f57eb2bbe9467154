/** @file Lists the pieces of a response that may be its answer, by rank. Does not read what they mean. */

import { behindUnit, boxed } from './boxedAnswers.js';
import { findBoxes, statedBoxes, type Box } from './boxes.js';
import type { AnswerCandidate } from './candidate.js';
import { deniedUntil, isLead, isRefused, isRetracted, takenBackUntil } from './denial.js';
import { findFormulas, isProse, NUMERIC, withNeighbours, type Formula } from './formulas.js';
import { plainAnswerAt, plainAnswers, wordsBefore, type PlainAnswer } from './numbersInText.js';
import { areOtherNumbers, saidAgainUntil } from './sameAgain.js';
import { areLabelled, listedOnLines, statedFrom } from './sentence.js';
import { ALTERNATIVE, tailAt } from './tail.js';
import { wordsBehind } from './wordsBehind.js';

/** Which pieces of a text may be its answer. */
export interface ExtractOptions {
  /** What is searched for: formulas and boxes ('latex'), numbers in running text ('plain'). */
  targets: readonly ('latex' | 'plain' | 'choice')[];
  /** The rank of a box among the phrases' ranks (0, 50, 100, 200); -1 if boxes do not count. */
  boxPriority: number;
  /** Whether an answer needs a box or a phrase such as "the answer is". */
  anchored: boolean;
  /** Whether an answer must stand in a box. */
  requireBox: boolean;
  /** Whether the answer is in words: "the answer is Evelyn". */
  words?: boolean;
}

/** Limits the formulas that are considered, counted from the end. */
const MAX_FORMULAS = 300;
/** Limits the phrases that are considered, counted from the end. */
const MAX_ANCHORS = 12;
/** Limits the characters between a phrase and its answer. */
const REACH = 50;
/** Limits the characters after "final answer" in which the word "is" is searched for. */
const IS_REACH = 100;
/** Limits the characters after a phrase within which a formula must end. */
const WINDOW = 1500;

const ANCHORS =
  /(final answer)|((?<!un)answer(?!ed|ing|s(?!\s?[:=]))(?:\*{0,2}\s[-–—]{1,2}(?=\s\S{1,30}$))?|(?<![\p{L}\d_-])ans(?=\.?\*{0,2}\s?[:=.])|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答|उत्तर|الجواب|الإجابة|정답|antwoord|svaret|cevap|odpowiedź)|(####|^A:)/gimu;

/**
 * Lists the pieces of a response that may be its answer, most likely first: "final answer is …, I hope", the last box,
 * "final answer … is", "answer:", "answer", and unless `anchored` the last formula or number. Within a rank the piece
 * that ends last comes first.
 */
export function extract(text: string, options: ExtractOptions): AnswerCandidate[] {
  const readsLatex = options.targets.includes('latex');
  const formulas = readsLatex ? findFormulas(text).slice(-MAX_FORMULAS) : [];
  const boxes = readsLatex ? findBoxes(text) : [];
  const stated = statedBoxes(text, boxes);
  const candidates: AnswerCandidate[] = [];
  const takenBack = takenBackUntil(text);
  let denied = takenBack;
  for (const found of options.boxPriority < 0 ? [] : boxed(text, stated, formulas, options.boxPriority)) {
    const candidate = { ...found, end: saidAgainUntil(text, found.content, found.end) };
    if (
      candidate.end < takenBack ||
      isRefused(text, candidate) ||
      isRetracted(text, { ...candidate, end: behindUnit(text, candidate.end) })
    )
      denied = Math.max(denied, candidate.end);
    else candidates.push(candidate);
  }
  const fromBoxes = candidates.length;
  if (!options.requireBox) {
    for (const match of [...text.matchAll(ANCHORS)].slice(-MAX_ANCHORS)) {
      if (isHeading(text, match)) continue;
      const phrase = { start: match.index, end: match.index + match[0].length };
      const pieces = anchored(text, match, boxes, options);
      if (pieces.length === 0) pieces.push(...statedAfar(text, phrase.end, options));
      for (const found of pieces) {
        const stated =
          statedBehind(text, phrase.end, found, options) ?? resultBehind(text, phrase.end, found);
        const candidate = { ...(stated ?? found), rank: found.rank };
        const until = candidate.end < takenBack ? takenBack : deniedUntil(text, phrase, candidate);
        if (until === undefined) candidates.push(candidate);
        else denied = Math.max(denied, until);
      }
    }
    // If a box was meant to contain the answer, no other piece of the text is guessed to be it.
    if (!options.anchored && candidates.every((candidate) => candidate.rank !== options.boxPriority)) {
      // What a sentence denies is not guessed either.
      const guesses = unanchored(text, formulas, boxes, options);
      candidates.push(...guesses.filter((guess) => guess.start >= denied && !isRefused(text, guess)));
    }
  }
  // "\boxed{42} Wait … So the answer is 48." denies its box.
  const isDenied = candidates
    .slice(fromBoxes)
    .some(
      (later) =>
        fromBoxes > 0 &&
        later.start >= boxes.at(-1)!.end &&
        areOtherNumbers(candidates[0]!.content, later.content),
    );
  return candidates
    .slice(isDenied ? fromBoxes : 0)
    .sort((a, b) => a.rank - b.rank || b.end - a.end || a.start - b.start);
}

/** Gives what the sentence behind a colon or on a new line states, if its value is not near. */
function statedAfar(text: string, from: number, options: ExtractOptions): AnswerCandidate[] {
  const start = sentenceBehind(text, from, options);
  const stated = start === undefined ? undefined : statedIn(text, start);
  return stated ? [{ ...stated, rank: 100 }] : [];
}

/** Behind a colon or on a new line, gives what the sentence or the lines with labels state where the piece does not begin them. */
function statedBehind(
  text: string,
  from: number,
  piece: AnswerCandidate,
  options: ExtractOptions,
): AnswerCandidate | undefined {
  const start = sentenceBehind(text, from, options);
  if (start === undefined || start > piece.start) return undefined;
  const listed = listedOnLines(text, start);
  if (listed) return listed;
  if (areLabelled(text, start))
    return { content: text.slice(start, start + 100), rank: 0, start, end: start + 100, isMore: true };
  const isSubject =
    (!piece.content.includes('=') && SUBJECT.test(text.slice(piece.end, piece.end + 30))) ||
    COUNTS_SUBJECT.test(text.slice(piece.start, piece.start + 90)) ||
    WORDY.test(piece.content) ||
    (!piece.content.includes('=') && BEGINS_CALCULATION.test(text.slice(piece.end, piece.end + 200)));
  return isLead(text.slice(start, piece.start)) && !isSubject ? undefined : statedIn(text, start);
}

/** Gives the result of a calculation with units or words in it that a phrase announces: "is 200 guests - 80 guests = 120". */
function resultBehind(text: string, from: number, piece: AnswerCandidate): AnswerCandidate | undefined {
  const start = from + /^[\s:*]*(?:(?:is|are|was)[\s:*]+)?/.exec(text.slice(from, from + REACH))![0].length;
  if (start > piece.start || !CALCULATES.test(text.slice(start, start + 240))) return undefined;
  return statedIn(text, start);
}

/** A calculation that begins with a number and has a result. */
const CALCULATES =
  /^\\?\$?\d(?![^=.\n]{0,60}\$[^=.\n]*\\)(?:[^=.\n]|\.\d|(?<=\b(?:ft|sq|in|oz|lbs?|hrs?|min|yd|mi))\.){0,120}?(?:[-+*/×÷·−]|\sx\s|\s(?:times|plus|minus|divided by|multiplied by)\s)(?:[^=.\n]|\.\d|(?<=\b(?:ft|sq|in|oz|lbs?|hrs?|min|yd|mi))\.){1,100}?(?:=|\s(?:is|equals|makes)\s)[\s$]*-?\d/u;

const statedIn = (text: string, start: number): AnswerCandidate | undefined =>
  statedFrom(text, start, (formula) => grouped(text, [formula], 0));

/** A calculation with words in it: "Total:13+26=39". */
const WORDY = /^[^\\=]*\p{L}{4,}[^\\=]*=/u;
/** Behind a number: what it counts, and the result of a calculation, "22 passengers/bus * 5 buses = 110". A reason begins with a word for it. */
const BEGINS_CALCULATION =
  /^(?!\s?(?:[,;:(]|because|since|as|so|for|if|by|from)(?!\p{L}))(?:(?!(?:because|since)\s)[^=.\n]|\.\d){1,160}=\s?\$?\d/u;

/** A number that counts what the sentence is about: "3 pizzas cost $18". */
const COUNTS_SUBJECT =
  /^\$?\d[\d.,]*\s(?:\p{L}+\s){1,4}(?:costs?|needs?|takes?|took|carry|carried|earns?|earned|makes?|made|have|has|buys?|gets?|gives?|equals?|weighs?|contains?|shares?|shared|are worth|is worth)\s(?:(?:a total of|only|about|exactly)\s)?[\\$]{0,2}\d/u;

/** Behind a formula: it is what the sentence is about. */
const SUBJECT = /^\$?\s(?:is|are|equals?)\s(?!the (?:answer|correct)|correct)/;

/** Gives where the sentence begins behind "Answer:" or a heading; undefined where no number in it counts. */
function sentenceBehind(text: string, from: number, { targets }: ExtractOptions): number | undefined {
  const isEnglish = /answer$|####$/i.test(text.slice(Math.max(0, from - 6), from));
  if (!isEnglish || !targets.includes('plain')) return undefined;
  const colon = /^[^.!?\d$\\{]{0,40}?[:\n]/.exec(text.slice(from, from + 42))?.[0];
  return colon === undefined ? undefined : from + colon.length;
}

/** Tells whether a text says where its answer is: "the answer", "la risposta", "####". */
export const announces = (text: string): boolean => text.search(ANCHORS) >= 0;

/** Tells whether `####` begins a heading of Markdown, "#### Step 2: Check" or "#### 3. Conclusion", and not GSM8K's answer. */
function isHeading(text: string, match: RegExpMatchArray): boolean {
  if (match[3] !== '####') return false;
  const line = /[^\n]*/.exec(text.slice(match.index! + 4, match.index! + 300))![0];
  const isLast = text.slice(match.index! + 4 + line.length).trim() === '';
  return (
    /^\s*\**\s*\d+[.)]\s+\**\p{L}/u.test(line) ||
    (/^\s*\**\s*\p{L}{2,}|[.):]\s+\**\p{L}{3,}[\p{L} ]*\**$/u.test(line.trimEnd()) && !isLast)
  );
}

/** Gives the last formulas, and the last numbers outside formulas and boxes, in which numbers are not answers. */
function unanchored(
  text: string,
  formulas: readonly Formula[],
  boxes: readonly Box[],
  options: ExtractOptions,
): AnswerCandidate[] {
  const last = formulas.length - 1;
  const groups = formulas.slice(-8).map((_, index, some) => {
    const place = last - (some.length - 1 - index);
    const group = withNeighbours(text, formulas, place);
    return grouped(text, group, isCircumstance(text, formulas, formulas.indexOf(group[0]!)) ? 301 : 300);
  });
  if (!options.targets.includes('plain')) return groups;
  const spans = [...formulas, ...boxes];
  const isFree = (found: PlainAnswer) =>
    !spans.some((span) => found.start >= span.start && found.start < span.end);
  const plain = plainAnswers(text).filter(isFree).slice(0, 8);
  const term = lastTerm(text, plain[0]?.end ?? 0);
  const found = term && isFree(term) ? [term, ...plain] : plain;
  return [...groups, ...found.map((answer) => ({ ...answer, rank: 300 }))];
}

/** Right before a formula: it says when or why another one in the sentence holds, "attained when $x = 18$". */
const CIRCUMSTANCE = /(?<!\p{L})(?:when|whenever|since|because|attained at)\s[\s$\\([]*$/iu;

function isCircumstance(text: string, formulas: readonly Formula[], place: number): boolean {
  const [formula, earlier] = [formulas[place]!, formulas[place - 1]];
  if (!earlier || !CIRCUMSTANCE.test(text.slice(Math.max(0, formula.start - 20), formula.start)))
    return false;
  return formula.start - earlier.end < 100 && !/[.!?]\s|\n/.test(text.slice(earlier.end, formula.start));
}

/** Gives the last term with digits behind `from` that is no number, `7x` or `x+7`: no number before it is the answer instead. */
function lastTerm(text: string, from: number): PlainAnswer | undefined {
  const rest = text.slice(Math.max(from, text.length - 2 * WINDOW));
  const last = /(?:^|[\s$])([^\s$]{0,60}\d[^\s$\d]{0,60})[^\d]*$/.exec(rest);
  if (!last || !/\d[A-Za-z]?[-+*/^<>=!±×·÷]|[-+*/^<>±√×·÷|(]\d|^\d+[a-z]\W?$/.test(last[1]!))
    return undefined;
  const start = text.length - rest.length + last.index + last[0].indexOf(last[1]!);
  return { start, end: start + last[1]!.length, content: last[1]!, isMore: true };
}

/** Makes one candidate of neighbouring formulas. */
function grouped(text: string, formulas: readonly Formula[], rank: number): AnswerCandidate {
  const [start, end] = [formulas[0]!.start, formulas.at(-1)!.end];
  const pieces = formulas.map(({ content, end: from }, index) => {
    const next = formulas[index + 1];
    if (!next) return content;
    const isEither = /\bor\b/.test(text.slice(from, next.start));
    return content.replace(/[\s.,;]+$/, '') + (isEither ? ' \\text{ or } ' : ', ');
  });
  const content = pieces.join('');
  const again = saidAgainUntil(text, content, end);
  if (again > end) return { content, rank, start, end: again };
  const tail = tailAt(text, end);
  const words = wordsBefore(text, start) + (SIGN.exec(text.slice(Math.max(0, start - 12), start))?.[0] ?? '');
  const isPlain = words === '' && tail.suffix !== undefined && !ALTERNATIVE.test(text.slice(end, end + 30));
  if (isPlain && !NUMERIC.test(content))
    return { content: content + (tail.suffix === '\\%' ? '\\%' : ''), rank, start, end };
  if (isPlain) return { content: content + tail.suffix, rank, start, end: Math.max(end, tail.end) };
  const behind = text.slice(end, tail.end + 30).split(/[.\n](?!\.)/, 1)[0]!;
  const said = `${words}(${content})${behind}`.replaceAll('$', '');
  return { content: said, rank, start, end, isMore: true };
}

/** Right before a formula: a sign in words or of the text. */
const SIGN = /(?<![\p{L}-])(?:minus|negative|[-+])\$?\s{0,3}[\\*(]{0,2}$/iu;

/** Gives the answers after one phrase. */
function anchored(
  text: string,
  match: RegExpMatchArray,
  boxes: readonly Box[],
  options: ExtractOptions,
): AnswerCandidate[] {
  const after = match.index! + match[0].length;
  const found: AnswerCandidate[] = [];
  const add = (at: number, reach: number, rank: number) => {
    const candidate = answerNear(text, at, reach, boxes, options);
    if (candidate) found.push({ ...candidate, rank });
  };
  if (match[3] !== undefined) {
    add(after, 20, match[3] === '####' ? 50 : 100);
    return found;
  }
  if (match[1] !== undefined) {
    const window = text.slice(after, after + IS_REACH);
    for (const is of window.matchAll(/ is\b:?/g)) {
      const at = after + is.index + is[0].length;
      const candidate = answerNear(text, at, 6, boxes, options);
      if (!candidate) continue;
      const isHoped =
        is.index === 0 && /^[\s."\\*]{0,8}I hope/.test(text.slice(candidate.end, candidate.end + 16));
      found.push({ ...candidate, rank: isHoped ? 0 : 50 });
      break;
    }
  }
  add(after, REACH, /^\s?\**:/.test(text.slice(after, after + 5)) ? 100 : 200);
  return found;
}

/** Finds the first answer within `reach` characters: a formula, a number, or right at `at` LaTeX without delimiters. */
function answerNear(
  text: string,
  at: number,
  reach: number,
  boxes: readonly Box[],
  options: ExtractOptions,
): AnswerCandidate | undefined {
  // Formulas are searched for again from here: a currency sign before this place would shift all that follow.
  const shifted = options.targets.includes('latex') ? findFormulas(text.slice(at, at + WINDOW)) : [];
  const formulas = shifted
    .map((found) => ({ ...found, start: found.start + at, end: found.end + at }))
    // A piece of a box's content is not an answer by itself.
    .filter(({ start }) => !boxes.some((box) => start > box.start && start < box.end));
  const [formula] = formulas;
  const box = boxes.find((found) => found.end > at);
  const free = Math.min(reach, (box?.start ?? Infinity) - at);
  const numbers = options.targets.includes('plain') ? firstPlain(text, at, free) : undefined;
  const bare = options.targets.includes('latex') ? bareLatex(text, at) : undefined;
  const isNear = formula !== undefined && formula.start <= at + reach;
  if (bare && (!isNear || formula.start > bare.start) && (!numbers || numbers.start >= bare.start))
    return bare;
  // A number's currency sign may begin a formula.
  if (isNear && (!numbers || formula.start < numbers.end)) return following(text, formulas);
  return numbers ? { ...numbers, rank: 0 } : wordsBehind(text, at, options.words === true);
}

/** Joins the first formula with those after it that commas, "and" or "or" connect. */
function following(text: string, formulas: readonly Formula[]): AnswerCandidate {
  let last = 0;
  while (last < 5 && last + 1 < formulas.length) {
    if (withNeighbours(text, formulas.slice(last, last + 2), 1).length === 1) break;
    last++;
  }
  return grouped(text, formulas.slice(0, last + 1), 0);
}

function firstPlain(text: string, at: number, reach: number): PlainAnswer | undefined {
  const window = text.slice(at, Math.max(at, at + reach));
  for (const match of window.matchAll(/(?<![A-Za-z0-9_.\\^])(?:[-+−]\s{0,3})?\\?[$€£]?\(?\.?\d/g)) {
    const start = at + match.index;
    const found = equationAt(text, start) ?? tupleAt(text, start) ?? plainAnswerAt(text, start);
    if (found) return withAlternatives(text, found);
    // A term such as 7x is no number, and no later number is the answer instead.
    const [term] = /\S{1,60}/.exec(text.slice(start, start + 80)) ?? [''];
    return { start, end: start + term.length, content: term, isMore: true };
  }
  return undefined;
}

/** Reads `(3, -2)`. */
function tupleAt(text: string, start: number): PlainAnswer | undefined {
  const tuple = /\((?:[^(),\n]{1,40},\s?){1,5}[^(),\n]{1,40}\)/y;
  tuple.lastIndex = start;
  const content = tuple.exec(text)?.[0];
  return content === undefined ? undefined : { start, end: tuple.lastIndex, content };
}

/** Reads `2 + 3 = 5` or `1 = 5`, whose sides must agree for it to state a value. */
function equationAt(text: string, start: number): PlainAnswer | undefined {
  const equation = /[-+−(]?[\d.(][\d\s.,+\-−*/^()×÷]{0,80}(?:=\s?[-+−(]?[\d.(][\d\s.,+\-−*/^()×÷]{0,80})+/y;
  equation.lastIndex = start;
  const found = equation.exec(text)?.[0].replace(/[\s.,]+$/, '');
  if (found === undefined || /\n|[.,]\s/.test(found)) return undefined;
  const end = start + found.length;
  return /^[A-Za-z^_\\{]/.test(text.slice(end)) ? undefined : { start, end, content: found };
}

/** Behind a list that is not given whole. */
const GOES_ON = /^["*`]{0,2},?\s(?:\.\.\.|…|etc|and so on|and so forth)/;

/** Adds the numbers that "or", "and" or a comma puts beside the first: "5 or 6" is no single answer. */
function withAlternatives(text: string, first: PlainAnswer): PlainAnswer {
  let all = first;
  for (let count = 0; count < 5; count++) {
    const again = saidAgainUntil(text, all.content, all.end);
    if (again > all.end) return { ...all, end: again };
    const or = ALTERNATIVE.exec(text.slice(all.end, all.end + 24));
    const next = or ? plainAnswerAt(text, all.end + or[0].length) : undefined;
    if (!next)
      return GOES_ON.test(text.slice(all.end, all.end + 24))
        ? { ...all, content: `${all.content}, …`, isMore: true }
        : all;
    all = { start: all.start, end: next.end, content: `${all.content} or ${next.content}`, isMore: true };
  }
  return all;
}

/** A sign or name that mathematics has and prose has not. */
const MATHEMATICAL =
  /\\[a-z]|[\^=[{π√∛∞²³½⅓¼¾⁻±≠≤≥≈≮≯!¬‰<>]|[\w)]\s?[+*×·÷]|[\w)]\s?\/(?!\s?[a-z]{3})|[\w)]\(|^[a-z]$|^-?\d+[a-z]$|\d\s?:\s?\d|\d\s-\s|\b(?:mod|sqrt|log|ln|sin|cos|tan)\b/i;

/** Reads the rest of the sentence if it looks like mathematics: "the answer is \frac{1}{2}." */
function bareLatex(text: string, at: number): AnswerCandidate | undefined {
  const lead =
    /[\s:*"]{0,8}(?:(?:is|est|es|ist|è|é|是|为)(?![A-Za-z])[\s:*"]{0,8})?(?:(?:therefore|thus|hence|then|just|simply|exactly|equal to|given by)(?![A-Za-z])[\s:*"]{0,8}){0,2}/y;
  lead.lastIndex = at;
  lead.exec(text);
  const start = lead.lastIndex;
  const content = text
    .slice(start, start + 300)
    // Rows of a matrix may have lines of their own.
    .replace(/\\begin\s?\{(\w+)\*?\}[^]*?\\end\s?\{\1\*?\}/g, (rows) => rows.replaceAll('\n', ' '))
    .split(/\n|[.;]\s|\.$|\*\*|<\||\. |,\s(?=(?:as|since|because|which|so)\s)/, 1)[0]!
    .replace(/[\s*]+$/, '');
  if (!MATHEMATICAL.test(content) || /\$|\\\(|\\\[|\\boxed/.test(content)) return undefined;
  if (content === '' || isProse(content)) return undefined;
  // "5√2 (about 7.07)"
  const aside = content.search(/\s\((?:about|approx|≈|or\s)/);
  if (aside > 0 && saidAgainUntil(text, content.slice(0, aside), start + aside) > start + aside)
    return { content: content.slice(0, aside), rank: 0, start, end: start + content.length };
  return { content, rank: 0, start, end: start + content.length, isMore: /\d/.test(content) };
}
