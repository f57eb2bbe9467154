import { findBoxes, joined, lastGroup, type Box } from './boxes.js';
import { findFormulas, isProse, withNeighbours, type Formula } from './formulas.js';
import { plainAnswerAt, plainAnswers, type PlainAnswer } from './numbersInText.js';

export interface Extraction {
  /** What is looked for: formulas and boxes, or plain numbers in running text. */
  targets: readonly ('latex' | 'plain' | 'choice')[];
  /** Rank of a box among the phrases: 0 beside "final answer is", 50, 100; -1 where boxes do not count. */
  boxPriority: number;
  /** Whether an answer needs a box or a phrase such as "the answer is". */
  anchored: boolean;
  /** Whether an answer must stand in a box. */
  requireBox: boolean;
}

/** A piece of a response that may be its answer; `rank` orders kinds, `end` pieces of the same kind. */
export interface Candidate {
  readonly content: string;
  readonly rank: number;
  readonly start: number;
  readonly end: number;
}

/** Formulas that are looked at, counted from the end. */
const MAX_FORMULAS = 300;
/** Phrases that are looked at, counted from the end. */
const MAX_ANCHORS = 12;
/** How far behind its phrase an answer is looked for, in characters. */
const REACH = 50;
const IS_REACH = 100;
/** How far a formula that begins behind a phrase may go on. */
const WINDOW = 1500;

const ANCHORS =
  /(final answer)|(answer|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答|उत्तर|الجواب|الإجابة)|(####|^A:)/gimu;

/**
 * What a response may mean as its answer, most likely first: "final answer is …, I hope", the last box, "final answer
 * … is", "answer:", "answer", and unless `anchored` the last formula or number. Within a rank the piece that ends
 * last comes first.
 */
export function extract(text: string, options: Extraction): Candidate[] {
  const readsLatex = options.targets.includes('latex');
  const formulas = readsLatex ? findFormulas(text).slice(-MAX_FORMULAS) : [];
  const boxes = readsLatex ? findBoxes(text) : [];
  const candidates = options.boxPriority >= 0 ? boxed(text, boxes, formulas, options.boxPriority) : [];
  if (!options.requireBox) {
    for (const match of [...text.matchAll(ANCHORS)].slice(-MAX_ANCHORS)) {
      candidates.push(...anchored(text, match, boxes, options));
    }
    // Where a box was meant to hold the answer, no other piece of the text is guessed to be it.
    if (!options.anchored && candidates.every((candidate) => candidate.rank !== options.boxPriority)) {
      candidates.push(...unanchored(text, formulas, boxes, options));
    }
  }
  return candidates.sort((a, b) => a.rank - b.rank || b.end - a.end || a.start - b.start);
}

/** The last formulas, and the last numbers outside of formulas and boxes: theirs are no answers of their own. */
function unanchored(
  text: string,
  formulas: readonly Formula[],
  boxes: readonly Box[],
  options: Extraction,
): Candidate[] {
  const last = formulas.length - 1;
  const groups = formulas.slice(-8).map((_, index, some) => {
    const place = last - (some.length - 1 - index);
    return grouped(text, withNeighbours(text, formulas, place), 300);
  });
  if (!options.targets.includes('plain')) return groups;
  const spans = [...formulas, ...boxes];
  const isFree = (found: PlainAnswer) =>
    !spans.some((span) => found.start >= span.start && found.start < span.end);
  const plain = plainAnswers(text).filter(isFree).slice(0, 8);
  return [...groups, ...plain.map((found) => ({ ...found, rank: 300 }))];
}

/** The last formula that holds boxes, with its neighbours, and the last box by itself. */
function boxed(text: string, boxes: readonly Box[], formulas: readonly Formula[], rank: number): Candidate[] {
  if (boxes.length === 0) return [];
  const group = lastGroup(text, boxes);
  const alone: Candidate = {
    content: joined(group) + percentBehind(text, group.at(-1)!.end),
    rank,
    start: group[0]!.start,
    end: group.at(-1)!.end,
  };
  const inside = (formula: Formula) =>
    boxes.filter((box) => box.start >= formula.start && box.end <= formula.end);
  const last = formulas.findLastIndex((formula) => inside(formula).length > 0);
  if (last < 0) return [alone];
  const neighbours = withNeighbours(text, formulas, last).filter((formula) => inside(formula).length > 0);
  const end = neighbours.at(-1)!.end;
  const content = joined(neighbours.flatMap(inside)) + percentBehind(text, end);
  return [{ content, rank, start: neighbours[0]!.start, end }, alone];
}

function percentBehind(text: string, end: number): string {
  return /^(?:\$|\\\))?\s?(?:\\?%|percent\b|percentage\b|pct\b)/.test(text.slice(end, end + 16)) ? '\\%' : '';
}

function grouped(text: string, formulas: readonly Formula[], rank: number): Candidate {
  const [start, end] = [formulas[0]!.start, formulas.at(-1)!.end];
  return {
    content: formulas.map((formula) => formula.content).join(', ') + percentBehind(text, end),
    rank,
    start,
    end,
  };
}

function anchored(
  text: string,
  match: RegExpMatchArray,
  boxes: readonly Box[],
  options: Extraction,
): Candidate[] {
  const behind = match.index! + match[0].length;
  const found: Candidate[] = [];
  const add = (at: number, reach: number, rank: number) => {
    const candidate = answerNear(text, at, reach, boxes, options);
    if (candidate) found.push({ ...candidate, rank });
  };
  if (match[3] !== undefined) {
    add(behind, 8, match[3] === '####' ? 50 : 100);
    return found;
  }
  if (match[1] !== undefined) {
    const window = text.slice(behind, behind + IS_REACH);
    for (const is of window.matchAll(/ is\b:?/g)) {
      const at = behind + is.index + is[0].length;
      const candidate = answerNear(text, at, 6, boxes, options);
      if (!candidate) continue;
      const isHoped =
        is.index === 0 && /^[\s."\\*]{0,8}I hope/.test(text.slice(candidate.end, candidate.end + 16));
      found.push({ ...candidate, rank: isHoped ? 0 : 50 });
      break;
    }
  }
  add(behind, REACH, /^\s?\**:/.test(text.slice(behind, behind + 5)) ? 100 : 200);
  return found;
}

/** The first answer within `reach` characters: a formula, a number, or at the very place LaTeX without delimiters. */
function answerNear(
  text: string,
  at: number,
  reach: number,
  boxes: readonly Box[],
  options: Extraction,
): Candidate | undefined {
  // Formulas are looked for anew from here: a currency sign somewhere before would shift all that follow.
  const shifted = options.targets.includes('latex') ? findFormulas(text.slice(at, at + WINDOW)) : [];
  const formulas = shifted
    .map((found) => ({ ...found, start: found.start + at, end: found.end + at }))
    // A piece of what a box holds is no answer of its own.
    .filter(({ start }) => !boxes.some((box) => start > box.start && start < box.end));
  const [formula] = formulas;
  const box = boxes.find((found) => found.end > at);
  const free = Math.min(reach, (box?.start ?? Infinity) - at);
  const numbers = options.targets.includes('plain') ? firstPlain(text, at, free) : undefined;
  const bare = options.targets.includes('latex') ? bareLatex(text, at) : undefined;
  const isNear = formula !== undefined && formula.start <= at + reach;
  if (bare && (!isNear || formula.start > bare.start) && (!numbers || numbers.start >= bare.start))
    return bare;
  if (isNear && (!numbers || formula.start <= numbers.start)) return following(text, formulas);
  return numbers && { ...numbers, rank: 0 };
}

/** A formula with those that commas, "and" or "or" join to it. */
function following(text: string, formulas: readonly Formula[]): Candidate {
  let last = 0;
  while (last < 5 && last + 1 < formulas.length) {
    if (withNeighbours(text, formulas.slice(last, last + 2), 1).length === 1) break;
    last++;
  }
  return grouped(text, formulas.slice(0, last + 1), 0);
}

function firstPlain(text: string, at: number, reach: number): PlainAnswer | undefined {
  const window = text.slice(at, Math.max(at, at + reach));
  for (const match of window.matchAll(/(?<![A-Za-z0-9_.\\^])(?:[-+−]\s?)?[$€£]?\(?\.?\d/g)) {
    const found = plainAnswerAt(text, at + match.index);
    if (found) return found;
  }
  return undefined;
}

/** The rest of the sentence where it looks like mathematics: "the answer is \frac{1}{2}." */
function bareLatex(text: string, at: number): Candidate | undefined {
  const lead = /[\s:*"]{0,8}(?:(?:is|est|es|ist|è|é|是|为)(?![A-Za-z])[\s:*"]{0,8})?/y;
  lead.lastIndex = at;
  lead.exec(text);
  const start = lead.lastIndex;
  const content = text
    .slice(start, start + 300)
    .split(/\n|[.;]\s|\.$|\*\*|<\||\. /, 1)[0]!
    .trimEnd();
  if (!/\\[a-z]|[\^=[{]|[\w)][+*/(<>]|^\w$/i.test(content) || /\$|\\\(|\\\[|\\boxed/.test(content))
    return undefined;
  if (content === '' || isProse(content)) return undefined;
  return { content, rank: 0, start, end: start + content.length };
}
