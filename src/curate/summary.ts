/** @file Says what summary.json holds and puts its numbers into sentences, which it checks to add up. */
import { dropReasons, type DropReason } from './usableSides.js';
import type { LengthLimits } from './lengths.js';
import type { RuleName } from './rules/index.js';
import type { CurationRule, RuleReport } from './rules/rule.js';
import type { Order, PairCount, Ranking } from './selection.js';
import type { VerdictSource } from './verdictSources.js';

/** What is counted whatever the rule. */
export interface Counts {
  rule: RuleName;
  verdicts: VerdictSource;
  chosen: Order;
  pairs_per_problem: PairCount;
  seed: number;
  files: readonly string[];
  normalize_answers: boolean;
  max_tokens: number | null;
  shortest_pairs: number | null;
  /** Rows of the files, those set aside included. */
  records: number;
  quarantined: number;
  /** Unpaired rows that joined the row of their prompt. */
  merged: number;
  /** Trace rows: records less those set aside and those merged. Each is in sft.jsonl or in dropped.jsonl. */
  rows: number;
  /** `cut_off` are those that count as wrong because they were cut off. */
  generations: { total: number; blank: number; cut_off: number };
  /** Traces that were measured against `max_tokens`, and those that are longer. */
  traces: { measured: number; too_long: number };
  sft: number;
  /** Pairs of pref.jsonl. */
  pref: number;
  dropped_rows: number;
  dropped: Record<DropReason, number>;
  /** Rows of sft.jsonl that have no pair, by the reason; a rule may have a reason of its own. */
  sft_only: { no_wrong_trace: number; pair_too_long: number; not_shortest: number } & Record<string, number>;
  /** Pairs that the rows of sft.jsonl have; those too long, by the part that is (some in several parts); and those longer than the shortest. */
  pairs: {
    formed: number;
    too_long: number;
    prompt: number;
    chosen: number;
    rejected: number;
    not_shortest: number;
  };
  lengths: { model: string; count: string; limits: LengthLimits; sft_limited: boolean } | null;
  selection: { min_cv: number | null; keep: number | null; by: Ranking | null };
  /** Rows that repeat the problem of an earlier one; with `drop` they are in `dropped`. */
  duplicates: { mode: 'report' | 'drop'; exact: number; near: number; search_cut_short: number };
  /** Rows that share eight words in a row with an evaluation set; with `dropped` they are in `dropped`. */
  contamination: { sets: { name: string; problems: number; rows: number }[]; rows: number; dropped: boolean };
}

/** What summary.json holds: every number, what the rule counts under its name, and in `account` how they add up. */
export type Summary = Counts &
  Partial<Record<RuleName, RuleReport['counts']>> & {
    account: string[];
    /** What may be wrong with the options rather than the rows. */
    hints: string[];
  };

/** What the rows that were written say about each other. */
export interface Written {
  /** How many rows each file has, by its name without the ending. */
  rows: Readonly<Record<string, number>>;
  /** Rows of sft.jsonl that have a pair. */
  paired: number;
  /** Pairs that the rule left out. */
  unused: number;
}

const n = (count: number): string => count.toLocaleString('en-US');
const counted = (count: number, one: string): string => `${n(count)} ${one}${count === 1 ? '' : 's'}`;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** The parts of a sum, without those that are 0. */
const parts = (list: readonly [count: number, what: string][]): string =>
  list
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${n(count)} ${what}`)
    .join(' + ') || 'none';

/** Says how the numbers come about, a sentence each. @throws Error where they do not add up, which would be a bug */
export function accountOf(
  counts: Counts,
  written: Written,
  { unpaired }: CurationRule,
  report: RuleReport | undefined,
): string[] {
  const { rows, sft, sft_only: only, pairs, dropped, generations, traces } = counts;
  const dropSum = sum(Object.values(dropped));
  const pairFiles = Object.entries(written.rows).filter(([name]) => name !== 'sft');
  const inPairFiles = sum(pairFiles.map(([, count]) => count));
  const sums = [
    counts.records === rows + counts.quarantined + counts.merged,
    rows === sft + dropSum,
    sft === written.paired + sum(Object.values(only)),
    pairs.formed === pairs.too_long + pairs.not_shortest + written.unused + inPairFiles,
  ];
  if (sums.includes(false)) throw new Error(`the counts do not add up: ${JSON.stringify(counts)}`);
  const lines = [
    `${counted(counts.records, 'row')} of ${counted(counts.files.length, 'file')} = ${parts([
      [rows, 'read'],
      [counts.quarantined, 'set aside in quarantine.jsonl'],
      [counts.merged, 'joined to the row of their prompt'],
    ])}`,
    `${n(rows)} read = ${n(sft)} in sft.jsonl + ${n(dropSum)} dropped`,
    `${n(dropSum)} dropped = ${parts(dropReasons.map((reason) => [dropped[reason], reason]))}`,
    `${n(sft)} in sft.jsonl = ${parts([
      [written.paired, 'with a pair'],
      [only.no_wrong_trace, 'without a wrong trace'],
      [only.pair_too_long, 'whose pairs are too long'],
      [only.not_shortest, 'whose pairs are not among the shortest'],
      ...(unpaired ? [[only[unpaired.key]!, unpaired.text] satisfies [number, string]] : []),
    ])}`,
  ];
  if (generations.cut_off > 0)
    lines.push(
      `${n(generations.cut_off)} of ${counted(generations.total, 'generation')} cut off, which count as wrong`,
    );
  if (counts.max_tokens !== null)
    lines.push(
      `${counted(traces.measured, 'trace')} measured = ${n(traces.measured - traces.too_long)} of at most ${n(counts.max_tokens)} tokens with the prompt + ${n(traces.too_long)} longer and left out`,
    );
  const left = counts.shortest_pairs === null ? '' : ` − ${n(pairs.not_shortest)} not among the shortest`;
  const unused = written.unused > 0 ? ` − ${n(written.unused)} ${unpaired!.text}` : '';
  const inFiles = pairFiles.map(([name]) => `${name}.jsonl`).join(' and ');
  lines.push(
    `${counted(inPairFiles, 'pair')} in ${inFiles} = ${n(pairs.formed)} formed − ${n(pairs.too_long)} too long${left}${unused}`,
  );
  return [...lines, ...(report?.account ?? [])];
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
      `${n(judge)} of the dropped rows have the rules' verdicts but not the judge's; --verdicts mv goes by the rules alone`,
    );
  return hints;
}

/** What helps where a reason has dropped all rows. */
const REMEDIES: Readonly<Record<DropReason, string>> = {
  invalid_problem: 'put "problem_is_valid": "Yes" into rows whose problems are sound',
  cn_k12: 'rows of this source are left out; give others',
  empty_problem: 'give the rows a "problem"',
  no_generations: 'give the rows "generations"; redistill collect makes them',
  verdicts_missing: 'redistill verify adds the verdicts of the rules, and --verdicts mv goes by them',
  no_correct_trace: 'ask the teacher for more answers to a problem, or look at what --verdicts goes by',
  length: 'set a larger --max-tokens, or leave out --limit-sft',
  duplicate: 'leave out --duplicates drop',
  contaminated: 'leave out --drop-contaminated',
  not_selected: 'set a lower --min-cv',
};

/**
 * One sentence for a run that would write no row at all: what became of the rows, and what helps.
 * @param aside the first row that was set aside, and why
 */
export function nothingToWrite(
  { files, records, quarantined, dropped, hints }: Summary,
  aside: string | undefined,
): string {
  if (records === 0) return `${files.join(', ')} ${files.length === 1 ? 'has' : 'have'} no rows.`;
  const [most] = dropReasons.toSorted((a, b) => dropped[b] - dropped[a]);
  const remedy = hints[0] ?? (dropped[most!] > 0 ? REMEDIES[most!] : 'mend them, or give another file');
  const became = parts([
    [quarantined, `set aside (the first: ${aside ?? ''})`],
    ...dropReasons.map((reason) => [dropped[reason], reason] satisfies [number, string]),
  ]);
  return `Nothing can be written, and what is there stays: ${counted(records, 'row')} = ${became}; ${remedy}.`;
}
