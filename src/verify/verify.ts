import { Budget, BudgetExceeded } from './algebra/budget.js';
import { extractChoice, LETTERS } from './find/choices.js';
import { compare } from './compare/compare.js';
import { extract, type Candidate } from './find/extract.js';
import { isProse } from './find/formulas.js';
import { beforeConditions, normalize, trimAnswer } from './parse/normalize.js';
import { optionsOf, type Preset, type VerifyOptions } from './options.js';
import { MAX_ANSWER_LENGTH, parse } from './parse/parse.js';
import { print } from './algebra/print.js';
import { symbol, substitute, symbolsOf, type Node } from './algebra/tree.js';

export type { Preset, VerifyOptions } from './options.js';

/** Why a verdict is what it is. Only 'equal' is correct; 'different' alone means that both answers were read. */
export type Reason =
  | 'equal'
  | 'different'
  /** The gold answer is empty or no mathematics, and the texts differ. */
  | 'gold-unreadable'
  /** Nothing in the response looks like an answer. */
  | 'no-answer'
  /** An answer was found, but it could not be read, and its text is not the gold's. */
  | 'unparsed'
  /** A limit on size, depth or work was reached first. */
  | 'budget';

export interface Verdict {
  correct: boolean;
  reason: Reason;
  /** The rung of the comparison that decided: 'string', 'number', 'set', 'identity', … (docs/verifier.md). */
  stage: string;
  /** The answer text found in the response; null where none was. */
  extracted: string | null;
  /** The answers as they were read, printed; null where they could not be. */
  goldParsed: string | null;
  predParsed: string | null;
}

/** Candidates of one text that are parsed before the first stands as text. */
const MAX_CANDIDATES = 12;
/** Characters of a response, counted from its end, in which the answer is looked for. */
const MAX_RESPONSE = 400_000;
/** Characters that a response without a phrase, box or formula may have to be an answer as a whole. */
const SHORT = 2000;

/** Where a whole text was meant as an answer, no number is taken out of it. */
const FORMULAS = ['latex'] as const;

/** An answer as text, and as a tree where it could be read. */
interface Answer {
  text: string;
  node: Node | undefined;
}

/**
 * Whether the response `pred` gives the answer `gold`. `gold` may be a bare answer, one in dollar signs or a box, or a
 * whole solution; `pred` a response or a bare answer. Never throws on data and never hangs: work is counted, not timed.
 */
export function verify(
  item: { gold: string; pred: string; preset?: Preset } & Partial<VerifyOptions>,
): Verdict {
  const options = optionsOf(item);
  const response = responseText(item.pred, options);
  if (options.targets.includes('choice')) return verifyChoice(item.gold, response, options);
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
    const budget = new Budget();
    const gold = readGold(item.gold, options, budget);
    verdict.goldParsed = gold?.node ? print(gold.node) : null;
    const pred = response === undefined ? undefined : readResponse(response, options, budget);
    verdict.extracted = pred?.text ?? null;
    verdict.predParsed = pred?.node ? print(pred.node) : null;
    if (!gold) return decide('gold-unreadable', 'extraction');
    if (!pred) return decide('no-answer', 'extraction');
    if (plainText(gold.text) === plainText(pred.text)) return decide('equal', 'string');
    if (!gold.node || !pred.node) {
      if (looseText(gold.text) === looseText(pred.text)) return decide('equal', 'string');
      return decide(gold.node ? 'unparsed' : 'gold-unreadable', 'string');
    }
    const outcome = compare(gold.node, renamed(pred.node, gold.node, options), { ...options, budget });
    return decide(outcome.equal ? 'equal' : 'different', outcome.stage);
  } catch (error) {
    if (error instanceof BudgetExceeded) return decide('budget', 'budget');
    throw error;
  }
}

/** What is read of a response: up to the next speaker's turn, behind the thinking; undefined where that is required. */
function responseText(pred: string, options: VerifyOptions): string | undefined {
  const turn = pred.search(/<\|(?:im_start|im_end|endoftext|eot_id)\|>/);
  const own = (turn > 0 ? pred.slice(0, turn) : pred).slice(-MAX_RESPONSE).replace(/<<[^<>\n]{0,100}>>/g, '');
  const thought = own.lastIndexOf('</think>');
  const answer = thought < 0 ? '' : own.slice(thought + '</think>'.length);
  if (options.afterThinking) return thought < 0 ? undefined : answer;
  if (answer.trim() !== '') return answer;
  return own;
}

function readGold(gold: string, options: VerifyOptions, budget: Budget): Answer | undefined {
  if (gold.trim() === '') return undefined;
  const whole = bareAnswer(beforeConditions(gold), MAX_ANSWER_LENGTH, options, budget);
  if (whole?.node) return whole;
  const settings = {
    targets: whole ? FORMULAS : (options.goldTargets ?? options.targets),
    boxPriority: Math.max(0, options.boxPriority),
    // No part of an answer that cannot be read is taken for it.
    anchored: whole !== undefined && !hasFormula(gold),
    requireBox: false,
  };
  const found = firstReadable(extract(gold, settings), options, budget);
  return found?.node ? found : (whole ?? found ?? { text: gold.trim(), node: undefined });
}

function readResponse(response: string, options: VerifyOptions, budget: Budget): Answer | undefined {
  const isWhole = !options.anchored && !hasFormula(response);
  const bare = isWhole ? bareAnswer(response, SHORT, options, budget) : undefined;
  if (bare?.node) return bare;
  const settings = bare ? { ...options, targets: FORMULAS, anchored: true } : options;
  return firstReadable(extract(response, settings), options, budget) ?? bare;
}

/** Whether formulas between delimiters stand in the text. */
const hasFormula = (text: string): boolean => /(?<!\\)\$|\\[([]/.test(trimAnswer(text));

/** A short text without prose and boxes is an answer as a whole. */
function bareAnswer(text: string, limit: number, options: VerifyOptions, budget: Budget): Answer | undefined {
  const trimmed = text.trim();
  if (!options.targets.includes('latex') || trimmed === '' || trimmed.length > limit) return undefined;
  if (/\n|\\boxed|\\fbox/.test(trimmed) || isProse(trimmed)) return undefined;
  return read(trimmed, options, budget);
}

function firstReadable(
  candidates: readonly Candidate[],
  options: VerifyOptions,
  budget: Budget,
): Answer | undefined {
  let first: Answer | undefined;
  for (const { content } of candidates.slice(0, MAX_CANDIDATES)) {
    const answer = read(content, options, budget);
    if (answer.node) return answer;
    if (answer.text !== '') first ??= answer;
  }
  return first;
}

function read(content: string, options: VerifyOptions, budget: Budget): Answer {
  if (content.length > MAX_ANSWER_LENGTH) return { text: content.trim(), node: undefined };
  const text = normalize(content);
  const parsed = parse(text, budget, options.repair);
  return { text: content.trim(), node: 'node' in parsed ? parsed.node : undefined };
}

const plainText = (text: string) => (text.length > MAX_ANSWER_LENGTH ? text : normalize(text));

/** What is left of an answer's text when blanks, fonts, sizes of brackets and letter case do not count. */
function looseText(text: string): string {
  return plainText(text)
    .replace(/\\(?:left|right|displaystyle|text(?:bf|rm|it)?|mbox|mathrm)(?![a-z])|\s/g, '')
    .replace(/\\[dt]frac/g, '\\frac')
    .toLowerCase();
}

/** Where names of variables do not count, the answer's with those of the gold, in the order of the alphabet. */
function renamed(pred: Node, gold: Node, options: VerifyOptions): Node {
  const [ours, theirs] = [[...symbolsOf(pred)].sort(), [...symbolsOf(gold)].sort()];
  if (options.strictNames || ours.length !== theirs.length) return pred;
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
