/**
 * @file The verifier: finds the answer in a response (find/), reads it (parse/) and compares it with the gold
 * (compare/).
 */

import { print } from './algebra/print.js';
import { substitute, symbol, symbolsOf, type Node } from './algebra/tree.js';
import { BudgetExceeded, WorkBudget } from './algebra/workBudget.js';
import { namesAPlace } from './compare/equations.js';
import { compare } from './compare/compare.js';
import { isUnfinished } from './compare/finalForm.js';
import { extractChoice, LETTERS } from './find/choices.js';
import { conclusionOf } from './find/conclusion.js';
import type { AnswerCandidate } from './find/candidate.js';
import { announces, extract } from './find/extract.js';
import { isProse } from './find/formulas.js';
import { MAX_RESPONSE, responseOf, type Response } from './find/response.js';
import { withPlainSigns } from './parse/characters.js';
import { beforeConditions, normalize, trimAnswer } from './parse/normalize.js';
import { numberInWords } from './parse/numbersInWords.js';
import { MAX_ANSWER_LENGTH, parse } from './parse/parse.js';
import { optionsOf, type Preset, type VerifyOptions } from './presets.js';

export type { Preset, VerifyOptions } from './presets.js';

/** The reason of a verdict. Only 'equal' is correct; 'different' means that both answers were read and differ. */
export type Reason =
  | 'equal'
  | 'different'
  /** The gold is empty or cannot be read, and the texts differ. */
  | 'gold-unreadable'
  /** No answer was found in the response. */
  | 'no-answer'
  /** An answer was found but could not be read, and its text is not the gold's. */
  | 'unparsed'
  /** A limit on size, depth or work was reached first. */
  | 'budget';

/** What the verifier says about one response. */
export interface Verdict {
  correct: boolean;
  reason: Reason;
  /** The rung that decided: 'string', 'number', 'set', 'identity', … (`compare/compare.ts`, docs/verifier.md). */
  stage: string;
  /** The answer's text in the response; null where none was found. */
  extracted: string | null;
  /** The answers as they were read, printed; null where they could not be read. */
  goldParsed: string | null;
  predParsed: string | null;
}

/** Limits the candidates that are read; if none of them can be, the first is the answer as a text. */
const MAX_CANDIDATES = 12;
/** Limits the characters of a response that is an answer as a whole, without a phrase, box or formula. */
const SHORT = 2000;
/** Limits the characters of an answer that stands in a sentence with words around it. */
const SENTENCE = 100;

/** The targets where a whole text was meant as an answer: no number is taken out of it. */
const FORMULAS = ['latex'] as const;

/** The options of a verification, and whether the gold is in words. */
type Reading = VerifyOptions & { readonly words?: boolean };

/** An answer as a text, and as a tree if it could be read. */
interface Answer {
  text: string;
  /** The text as it is compared with another one: `normalize`d unless it is too long. */
  plain: string;
  node: Node | undefined;
}

/**
 * Decides whether the response `pred` gives the answer `gold`. `gold` may be a bare answer, one in dollar signs or a
 * box, or a whole solution; `pred` may be a response or a bare answer. Never throws on data and never hangs: work is
 * counted, not timed.
 */
export function verify(
  item: { gold: string; pred: string; preset?: Preset } & Partial<VerifyOptions>,
): Verdict {
  const options = optionsOf(item);
  const response = responseOf(item.pred, options.afterThinking);
  if (options.targets.includes('choice')) return verifyChoice(item.gold, response?.text, options);
  const verdict: Verdict = {
    correct: false,
    reason: 'budget',
    stage: 'budget',
    extracted: null,
    goldParsed: null,
    predParsed: null,
  };
  const decide = (reason: Reason, stage: string): Verdict => ({
    ...verdict,
    correct: reason === 'equal',
    reason,
    stage,
  });
  try {
    const budget = new WorkBudget();
    const gold = readGold(withPlainSigns(item.gold.trim().slice(-MAX_RESPONSE)), options, budget);
    verdict.goldParsed = gold?.node ? print(gold.node) : null;
    const words = gold?.node?.kind === 'text';
    const pred = response === undefined ? undefined : readResponse(response, { ...options, words }, budget);
    verdict.extracted = pred?.text ?? null;
    verdict.predParsed = pred?.node ? print(pred.node) : null;
    if (!gold) return decide('gold-unreadable', 'extraction');
    if (!pred) return decide('no-answer', 'extraction');
    if (gold.plain === pred.plain) return decide('equal', 'string');
    if (!gold.node || !pred.node) {
      if (looseText(gold.plain) === looseText(pred.plain)) return decide('equal', 'string');
      return decide(gold.node ? 'unparsed' : 'gold-unreadable', 'string');
    }
    if (options.finalForm && isUnfinished(pred.node, gold.node, budget)) return decide('different', 'form');
    const outcome = compare(gold.node, renamed(pred.node, gold.node, options), { ...options, budget });
    return decide(outcome.equal ? 'equal' : 'different', outcome.stage);
  } catch (error) {
    if (error instanceof BudgetExceeded) return decide('budget', 'budget');
    throw error;
  }
}

/** Reads the gold: the text as a whole, or the answer in it. */
function readGold(gold: string, given: VerifyOptions, budget: WorkBudget): Answer | undefined {
  if (gold.trim() === '') return undefined;
  // The gold is what was meant, however it was typed.
  const options = { ...given, repair: true };
  const whole = bareAnswer(beforeConditions(inOneLine(gold)), MAX_ANSWER_LENGTH, options, budget);
  if (whole?.node) return whole;
  const settings = {
    targets: whole ? FORMULAS : (options.goldTargets ?? options.targets),
    boxPriority: Math.max(0, options.boxPriority),
    // No part of an answer that cannot be read is taken for the whole, nor of a few words: "5 with remainder 2".
    anchored: !hasFormula(gold) && (whole !== undefined || hasSeveralNumbers(gold)),
    requireBox: false,
  };
  const found = firstReadable(extract(gold, settings), options, budget);
  return found?.node ? found : (whole ?? found ?? unread(gold));
}

/** Reads the answer of a response: the text as a whole if it is short and bare or a plain sentence, or the answer in it. */
function readResponse(response: Response, given: Reading, budget: WorkBudget): Answer | undefined {
  const { text, marked, isCut } = response;
  if (marked !== undefined && !given.requireBox) return readMarked(marked, given, budget);
  const options = isCut ? { ...given, anchored: true } : given;
  // One formula over several lines, and nothing else.
  const isFormula =
    !options.anchored && (/^\$+[^$]*\n[^$]*\$+$/.test(text.trim()) || EQUATIONS.test(text.trim()));
  const formula = isFormula ? bareAnswer(inOneLine(text), MAX_ANSWER_LENGTH, options, budget) : undefined;
  if (formula?.node) return formula;
  const isWhole = !options.anchored && !hasFormula(text) && !text.includes('####');
  const concluded = isWhole && text.length <= SHORT ? conclusionOf(text) : undefined;
  const conclusion = concluded === undefined ? undefined : bareAnswer(concluded, SENTENCE, options, budget);
  if (conclusion?.node) return conclusion;
  const bare = isWhole ? bareAnswer(text, SHORT, options, budget) : undefined;
  if (bare?.node) return bare;
  const settings = bare && !announces(text) ? { ...options, targets: FORMULAS, anchored: true } : options;
  return firstReadable(extract(text, settings), options, budget) ?? bare;
}

/** Reads a text that was marked as the answer: as a whole, or else as a response of its own. */
function readMarked(marked: string, options: Reading, budget: WorkBudget): Answer | undefined {
  if (marked === '') return undefined;
  const bare = bareAnswer(beforeConditions(inOneLine(marked)), MAX_ANSWER_LENGTH, options, budget);
  // "50 miles / 25 mpg = 2 gallons" is a sentence, not an equation.
  const isSaid =
    bare?.node?.kind === 'relation' && /\d[^=]*(?:\p{L}{3}|\$)[^=]*=/u.test(marked) && !/\\|_/.test(marked);
  if (bare?.node && !isSaid) return bare;
  const found = isSaid ? undefined : firstReadable(extract(marked, options), options, budget);
  // A sentence between the marks is read as one behind "Answer:".
  const said = found ?? firstReadable(extract(`Answer: ${marked}`, options), options, budget);
  return said ?? bare ?? unread(marked);
}

/**
 * Writes a short text in one line: within brackets and environments, and beside a sign, a line's end is a blank; elsewhere it
 * separates answers.
 */
function inOneLine(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.includes('\n') || trimmed.length > MAX_ANSWER_LENGTH) return text;
  let whole = '';
  let open = 0;
  for (const line of trimmed.split('\n').map((part) => part.trim())) {
    const goesOn =
      whole === '' || open > 0 || /[-+*/=<>,;&\\]$/.test(whole.slice(-1)) || /^[-+*/=<>,;&]/.test(line);
    whole += goesOn ? ` ${line}` : `, ${line}`;
    const count = (sign: RegExp) => (line.match(sign) ?? []).length;
    open += count(/\\begin(?=\s?\{)|[([{]/g) - count(/\\end(?=\s?\{)|[)\]}]/g);
  }
  return whole.trim();
}

/** Tells whether the text has formulas between delimiters. */
const hasFormula = (text: string): boolean => /(?<!\\)\$|\\[([]/.test(trimAnswer(text));

/** A value for each of several names, on lines of their own. */
const EQUATIONS =
  /^(?:[A-Za-z]_?\w?\s?=\s?[^\s=][^\n=]{0,60}\n\s*){1,5}[A-Za-z]_?\w?\s?=\s?[^\s=][^\n=]{0,60}$/;

/** Tells whether a short text of one line has more than one number. */
const hasSeveralNumbers = (text: string): boolean =>
  text.length <= SENTENCE && /^[^\n]*\d[\d.,]*[^\d\n.,][^\n]*\d[^\n]*$/.test(text.trim());

/** Reads a short text without prose and boxes as an answer as a whole; undefined for any other text. */
function bareAnswer(
  text: string,
  limit: number,
  options: VerifyOptions,
  budget: WorkBudget,
): Answer | undefined {
  const trimmed = text.trim();
  if (!options.targets.includes('latex') || trimmed === '' || trimmed.length > limit) return undefined;
  const number = trimmed.length <= SENTENCE ? numberInWords(trimmed.replace(/\.$/, '')) : undefined;
  if (number && !/(?:^| )(?:and|an?)$/.test(trimmed))
    return read(`\\frac{${number.n}}{${number.d}}`, options, budget);
  if (/\n|boxed\s?\{|\\boxed|\\f(?:rame)?box/.test(trimmed) || isProse(trimmed)) return undefined;
  return read(trimmed, options, budget);
}

/**
 * Gives the first candidate that can be read, or that is too long or too much to be read; else the first that is not empty,
 * as a text.
 */
function firstReadable(
  candidates: readonly AnswerCandidate[],
  options: VerifyOptions,
  budget: WorkBudget,
): Answer | undefined {
  let first: Answer | undefined;
  for (const { content, isMore } of candidates.slice(0, MAX_CANDIDATES)) {
    const answer = read(content, options, budget);
    if (answer.node || isMore || content.length > MAX_ANSWER_LENGTH) return answer;
    if (answer.text !== '') first ??= answer;
  }
  return first;
}

function read(content: string, options: VerifyOptions, budget: WorkBudget): Answer {
  if (content.length > MAX_ANSWER_LENGTH) return unread(content);
  const plain = normalize(content);
  const parsed = parse(plain, budget, options.repair);
  return { text: content.trim(), plain, node: 'node' in parsed ? parsed.node : undefined };
}

/** Gives a text that is not read. */
function unread(content: string): Answer {
  const text = content.trim();
  return { text, plain: text.length > MAX_ANSWER_LENGTH ? text : normalize(text), node: undefined };
}

/** Drops blanks, fonts, sizes of brackets and letter case from an answer's text. */
function looseText(plain: string): string {
  return (
    plain
      .replace(/\\(?:left|right|displaystyle|text(?:bf|rm|it)?|mbox|mathrm)(?![a-z])/g, '')
      // 1 7 is not 17.
      .replace(/(\d)\s+(?=\d)|\s/g, (_, digit?: string) => (digit === undefined ? '' : `${digit} `))
      .replace(/\\[dt]frac/g, '\\frac')
      .toLowerCase()
  );
}

/** Unless `strictNames`, renames the prediction's variables to the gold's, matched in alphabetical order. */
function renamed(pred: Node, gold: Node, options: VerifyOptions): Node {
  const [ours, theirs] = [[...symbolsOf(pred)].sort(), [...symbolsOf(gold)].sort()];
  if (options.strictNames || ours.length !== theirs.length || namesAPlace(pred)) return pred;
  return substitute(pred, new Map(ours.map((name, index) => [name, symbol(theirs[index]!)])));
}

function verifyChoice(gold: string, response: string | undefined, options: VerifyOptions): Verdict {
  const letters = options.choices ?? LETTERS;
  const known = extractChoice(gold, letters);
  const found = response === undefined ? null : extractChoice(response, letters);
  const parsed = { extracted: found, goldParsed: known, predParsed: found };
  const reason =
    known === null
      ? 'gold-unreadable'
      : found === null
        ? 'no-answer'
        : known === found
          ? 'equal'
          : 'different';
  return { correct: reason === 'equal', reason, stage: 'choice', ...parsed };
}
