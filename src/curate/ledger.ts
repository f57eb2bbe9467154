/** @file Counts what becomes of every row while rows are read and written. */
import type { TraceRow } from '../data/traceRow.js';
import { isTooLong, type CandidateRow } from './candidateRow.js';
import type { Filtered, RowFilters } from './filters.js';
import { dropReasons, isBlank, type DropReason } from './usableSides.js';
import type { CurationRule, RuleReport } from './rules/rule.js';
import { dataFiles, ruleOf, type CurateSettings } from './settings.js';
import { accountOf, hintsOf, type Counts, type Lacking, type Summary } from './summary.js';
import { verdictsOf } from './verdictSources.js';

/** The books of one run: each row that is entered as read is entered once more, as dropped or as written. */
export class Ledger {
  readonly #rule: CurationRule;
  readonly #counts: Counts;
  readonly #lacking: Lacking = { validity: 0, judge: 0 };
  readonly #dropped: { ordinal: number; original_index: number; reason: DropReason }[] = [];
  #paired = 0;
  #unused = 0;

  constructor(settings: CurateSettings, rule: CurationRule, { lengths, evaluationSets }: RowFilters) {
    this.#rule = rule;
    this.#counts = {
      rule: ruleOf(settings),
      verdicts: settings.verdicts,
      chosen: settings.chosen,
      pairs_per_problem: settings.pairs,
      seed: settings.seed,
      files: dataFiles(settings),
      normalize_answers: settings.normalize_answers,
      max_tokens: settings.max_tokens ?? null,
      shortest_pairs: settings.shortest_pairs ?? null,
      records: 0,
      quarantined: 0,
      merged: 0,
      rows: 0,
      generations: { total: 0, blank: 0, cut_off: 0 },
      traces: { measured: 0, too_long: 0 },
      sft: 0,
      pref: 0,
      dropped_rows: 0,
      dropped: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Counts['dropped'],
      sft_only: {
        no_wrong_trace: 0,
        pair_too_long: 0,
        not_shortest: 0,
        ...(rule.unpaired && { [rule.unpaired.key]: 0 }),
      },
      pairs: { formed: 0, too_long: 0, prompt: 0, chosen: 0, rejected: 0, not_shortest: 0 },
      lengths: lengths
        ? {
            model: settings.model!,
            count: lengths.count.name,
            limits: lengths.limits,
            sft_limited: lengths.sft,
          }
        : null,
      selection: {
        min_cv: settings.min_cv ?? null,
        keep: settings.keep ?? null,
        by: settings.keep === undefined ? null : settings.by,
      },
      duplicates: { mode: settings.duplicates, exact: 0, near: 0, search_cut_short: 0 },
      contamination: {
        sets: evaluationSets.map(({ name, problems }) => ({ name, problems: problems.length, rows: 0 })),
        rows: 0,
        dropped: settings.drop_contaminated,
      },
    };
  }

  /** Rows of the files that were read so far. */
  get records(): number {
    return this.#counts.rows + this.#counts.merged;
  }

  /** Enters a row and returns its number, from 0. @param records how many rows of the files it was made of */
  enter(row: TraceRow, records: number): number {
    const counts = this.#counts;
    const { generations } = row;
    counts.generations.total += generations?.length ?? 0;
    counts.generations.blank += generations?.filter(isBlank).length ?? 0;
    counts.generations.cut_off += row.cutOff?.filter((cut) => cut).length ?? 0;
    counts.merged += records - 1;
    return counts.rows++;
  }

  /** Enters a row as dropped. */
  drop(
    { ordinal, originalIndex }: Pick<CandidateRow, 'ordinal' | 'originalIndex'>,
    reason: DropReason,
  ): void {
    this.#dropped.push({ ordinal, original_index: originalIndex, reason });
    this.#counts.dropped[reason]++;
    this.#counts.dropped_rows++;
  }

  /** Enters a row as dropped before the filters. */
  dropUnusable(row: TraceRow, ordinal: number, reason: DropReason): void {
    this.drop({ ordinal, originalIndex: row.originalIndex }, reason);
    if (reason === 'invalid_problem' && row.fields.problem_is_valid === undefined) this.#lacking.validity++;
    if (lacksJudge(row, reason)) this.#lacking.judge++;
  }

  /** Enters what the filters found. */
  find({ overlaps, duplicate, traces }: Filtered): void {
    const counts = this.#counts;
    counts.traces.measured += traces.measured;
    counts.traces.too_long += traces.tooLong;
    if (overlaps.length > 0) counts.contamination.rows++;
    for (const { set } of overlaps) counts.contamination.sets.find(({ name }) => name === set)!.rows++;
    if (duplicate) counts.duplicates[duplicate.kind]++;
  }

  /**
   * Enters a row as written.
   * @param offered the pairs that the rule was given, and `written` those of them that it wrote
   */
  write({ pairs, hasWrong }: CandidateRow, offered: number, written: number): void {
    const { sft_only: only, pairs: counts } = this.#counts;
    const fitting = pairs.filter((pair) => !isTooLong(pair)).length;
    counts.formed += pairs.length;
    counts.too_long += pairs.length - fitting;
    for (const { excess } of pairs) for (const part of excess) counts[part]++;
    counts.not_shortest += fitting - offered;
    this.#unused += offered - written;
    if (written > 0) this.#paired++;
    else if (!hasWrong) only.no_wrong_trace++;
    else if (pairs.length > 0 && fitting === 0) only.pair_too_long++;
    else if (pairs.length > 0 && offered === 0) only.not_shortest++;
    else only[this.#rule.unpaired!.key]!++;
  }

  /** The rows of dropped.jsonl, in input order. */
  *droppedRows(): Generator<{ original_index: number; reason: DropReason }> {
    this.#dropped.sort((a, b) => a.ordinal - b.ordinal);
    for (const { original_index, reason } of this.#dropped) yield { original_index, reason };
  }

  /** @param rows how many rows each file has, by its name without the ending */
  close(
    rows: Readonly<Record<string, number>>,
    quarantined: number,
    searchesCutShort: number,
    report: RuleReport | undefined,
  ): Summary {
    const counts = this.#counts;
    counts.sft = rows.sft!;
    counts.pref = rows.pref!;
    counts.quarantined = quarantined;
    counts.records = this.records + quarantined;
    counts.duplicates.search_cut_short = searchesCutShort;
    const written = { rows, paired: this.#paired, unused: this.#unused };
    return {
      ...counts,
      ...(report && { [counts.rule]: report.counts }),
      account: accountOf(counts, written, this.#rule, report),
      hints: hintsOf(this.#lacking),
    };
  }
}

/** Tells whether a row without the judge's verdicts was dropped for that, and the rules alone would have kept it. */
function lacksJudge(row: TraceRow, reason: DropReason): boolean {
  const { llm, mvReparsed } = row.correctness;
  if (llm?.some((verdict) => verdict !== null)) return false;
  if (reason === 'verdicts_missing') return verdictsOf(row, 'mv') !== null;
  const isRight = (verdict: boolean | null, i: number) => verdict === true && !row.cutOff?.[i];
  return reason === 'no_correct_trace' && (mvReparsed?.some(isRight) ?? false);
}
