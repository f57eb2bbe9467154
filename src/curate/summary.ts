import type { VerdictRule } from './verdictRules.js';
import type { LengthCount, LengthLimits } from './lengths.js';
import { dropReasons, type DropReason, type Rule } from './rules.js';
import type { Order, Ranking } from './selection.js';

/** What summary.json holds: every number, and in `account` how they add up. */
export interface Summary {
  rule: Rule;
  verdicts: VerdictRule;
  chosen: Order;
  pairs_per_problem: number | 'balanced';
  seed: number;
  files: string[];
  /** Rows of the files, those set aside included. */
  records: number;
  quarantined: number;
  /** Unpaired rows that joined the row of their prompt. */
  merged: number;
  /** Trace rows: records less those set aside and those merged. Each is in sft.jsonl or in dropped.jsonl. */
  rows: number;
  generations: { total: number; blank: number };
  sft: number;
  /** Pairs written. */
  pref: number;
  dropped_rows: number;
  dropped: Record<DropReason, number>;
  /** Rows of sft.jsonl that have no pair, by why. */
  sft_only: { no_wrong_trace: number; pair_too_long: number; not_paired: number };
  /** Pairs that the rows of sft.jsonl have, those too long, and the part that is too long (some in several parts). */
  pairs: { formed: number; too_long: number; prompt: number; chosen: number; rejected: number };
  lengths: { model: string; count: LengthCount; limits: LengthLimits; sft_limited: boolean } | null;
  selection: { min_cv: number | null; keep: number | null; by: Ranking | null };
  /** Rows that repeat the problem of an earlier one; with `drop` they are in `dropped`. */
  duplicates: { mode: 'report' | 'drop'; exact: number; near: number; search_cut_short: number };
  /** Rows that share eight words in a row with an evaluation set; with `dropped` they are in `dropped`. */
  contamination: { sets: { name: string; problems: number; rows: number }[]; rows: number; dropped: boolean };
  ablation?: {
    type_a: number;
    type_b: number;
    group_1: number;
    group_2: number;
    main: number;
    inverted: number;
  };
  account: string[];
  /** What may be wrong with the options rather than the rows. */
  hints: string[];
}

/** The summary while rows are counted. */
export type Counts = Omit<Summary, 'account' | 'hints'>;

export function noneDropped(): Record<DropReason, number> {
  return Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;
}

const n = (count: number): string => count.toLocaleString('en-US');
const counted = (count: number, one: string): string => `${n(count)} ${one}${count === 1 ? '' : 's'}`;

/** The parts of a sum, those of nothing left out. */
const parts = (list: readonly [count: number, what: string][]): string =>
  list
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${n(count)} ${what}`)
    .join(' + ') || 'none';

/** How the numbers come about, a sentence each. @throws Error where they do not add up, which would be a bug */
export function accountOf(summary: Counts): string[] {
  const { records, quarantined, merged, rows, sft, pref, sft_only: only, pairs, dropped } = summary;
  const dropSum = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const alone = only.no_wrong_trace + only.pair_too_long + only.not_paired;
  const sums = [records === rows + quarantined + merged, rows === sft + dropSum];
  if (sums.includes(false)) throw new Error(`the counts do not add up: ${JSON.stringify(summary)}`);
  const lines = [
    `${counted(records, 'row')} of ${counted(summary.files.length, 'file')} = ${parts([
      [rows, 'read'],
      [quarantined, 'set aside in quarantine.jsonl'],
      [merged, 'joined to the row of their prompt'],
    ])}`,
    `${n(rows)} read = ${n(sft)} in sft.jsonl + ${n(dropSum)} dropped`,
    `${n(dropSum)} dropped = ${parts(dropReasons.map((reason) => [dropped[reason], reason]))}`,
    `${n(sft)} in sft.jsonl = ${parts([
      [sft - alone, 'with a pair'],
      [only.no_wrong_trace, 'without a wrong trace'],
      [only.pair_too_long, 'whose pairs are too long'],
      [only.not_paired, 'left out to make the arms equal'],
    ])}`,
  ];
  if (summary.ablation) {
    const { type_a, type_b, group_1, group_2, main, inverted } = summary.ablation;
    lines.push(
      `${n(sft)} in sft.jsonl = ${n(group_1)} of group 1 (right trace) + ${n(group_2)} of group 2 (wrong trace) + ${n(type_b)} without a trace that both verdicts reject`,
      `${n(type_a)} problems in groups: ${counted(main, 'pair')} in pref.jsonl, ${n(inverted)} in pref_inverted.jsonl`,
    );
  } else {
    lines.push(
      `${counted(pref, 'pair')} in pref.jsonl = ${n(pairs.formed)} formed − ${n(pairs.too_long)} too long`,
    );
  }
  return lines;
}

/** Rows that were dropped for what a file lacks as a whole. */
export interface Lacking {
  /** invalid_problem, and the row has no field `problem_is_valid`. */
  validity: number;
  /** verdicts_missing, and the row has the rules' verdicts. */
  judge: number;
}

export function hintsOf({ validity, judge }: Lacking): string[] {
  const hints: string[] = [];
  if (validity > 0)
    hints.push(
      `${n(validity)} of the invalid_problem rows have no field "problem_is_valid"; where nobody has judged the problems, put "Yes" there`,
    );
  if (judge > 0)
    hints.push(
      `${n(judge)} of the verdicts_missing rows have the rules' verdicts but not the judge's; --verdicts mv goes by the rules alone`,
    );
  return hints;
}
