import { equals } from '../util/rational.js';
import { parseNumber } from '../evaluate/answers.js';

/** What the answers are and how strictly they are read; docs/verifier.md has the table. */
export type Preset = 'mathVerify' | 'reward' | 'lenient' | 'choice';

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
  /** The rung of the comparison that decided: 'string', 'number', 'set', 'identity', … */
  stage: string;
  /** The answer text found in the response; null where none was. */
  extracted: string | null;
  /** The answers as they were read, printed; null where they could not be. */
  goldParsed: string | null;
  predParsed: string | null;
}

export interface VerifyOptions {
  /** Decimal places at which a number written as a decimal is compared. */
  decimals: number;
}

/**
 * Whether the response `pred` gives the answer `gold`. Never throws on data and never hangs: work is counted, not
 * timed.
 */
export function verify(
  item: { gold: string; pred: string; preset?: Preset } & Partial<VerifyOptions>,
): Verdict {
  const box = /\\boxed\{([^{}]*)\}/.exec(item.pred);
  const extracted = box?.[1] ?? item.pred.trim();
  const plain = (text: string) => parseNumber(text.replace(/\\frac\{(\d+)\}\{(\d+)\}/, '$1/$2'));
  const [gold, pred] = [plain(item.gold), plain(extracted)];
  const printed = { extracted, goldParsed: gold?.text ?? null, predParsed: pred?.text ?? null };
  if (!gold || !pred) {
    const correct = item.gold.trim() === extracted;
    const reason = correct ? 'equal' : gold ? 'unparsed' : 'gold-unreadable';
    return { correct, reason, stage: 'string', ...printed };
  }
  const correct = equals(gold.value, pred.value);
  return { correct, reason: correct ? 'equal' : 'different', stage: 'number', ...printed };
}
