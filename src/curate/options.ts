import { UserError } from '../util/errors.js';
import type { VerdictRule } from './verdictRules.js';
import type { LengthLimits } from './lengths.js';
import type { Rule } from './rules.js';
import type { Order, Ranking } from './selection.js';

export interface CurateOptions {
  files: string[];
  /** The directory of the results. */
  out: string;
  rule: Rule;
  verdicts: VerdictRule;
  /** Absent: pairs of any length are written. */
  lengths?: { model: string; count: 'paper' | 'content'; limits: LengthLimits; sft: boolean };
  chosen: Order;
  pairs: number | 'balanced';
  minCv?: number;
  keep?: { count: number; by: Ranking };
  duplicates: 'report' | 'drop';
  /** Files of evaluation problems. */
  decontaminate: string[];
  dropContaminated: boolean;
  seed: number;
}

/** @throws UserError where options exclude each other */
export function checkOptions({ rule, verdicts, chosen, pairs, keep, minCv, lengths }: CurateOptions): void {
  if (rule !== 'ablation') return;
  const plain = verdicts === 'LandMV' && chosen === 'first' && pairs === 1 && !keep && minCv === undefined;
  if (!plain || lengths?.sft || lengths?.count === 'content')
    throw new UserError(
      'the rule "ablation" fixes verdicts, traces, pairs and how lengths are counted; leave those options out',
    );
}
