/** @file Defines what a curation rule is. Each rule is one file beside this one and one entry of index.ts. */
import type { Entry } from '../acrossRows.js';
import type { CandidateRow, Pair } from '../candidateRow.js';
import type { LengthRule } from '../lengths.js';
import type { PairCount } from '../selection.js';
import type { Sides, TwoVerdicts, VerdictSource } from '../verdictSources.js';

/** The settings that rules read. */
export interface RuleSettings {
  seed: number;
  pairs: PairCount;
  model?: string | undefined;
  match_length?: number | undefined;
}

/** The traces of one row that a rule chooses from; numbers are indices of its generations. */
export interface RowTraces {
  /** In the order in which they are taken. */
  right: readonly number[];
  /** In the row's order. */
  wrong: readonly number[];
  texts: readonly string[];
  /** Of each generation: characters, or with `comparesLengths` and a model tokens. */
  lengths: readonly number[];
}

/** What a rule takes of a row. */
export interface Choice {
  /** The right trace for D_SFT. */
  taught: number;
  pairs: readonly (readonly [chosen: number, rejected: number])[];
}

/** Rows for the output files, by the files' names without their ending: `sft`, `pref`, and those of `files`. */
export type Output = Readonly<Record<string, readonly object[]>>;

/** What a rule reports of itself in summary.json. */
export interface RuleReport {
  counts: Readonly<Record<string, number | string>>;
  /** Sentences for the end of the account. */
  account: string[];
}

/** A rule at work on the rows of one run, all of which it knows. */
export interface RuleRun {
  /** The rows to write for a candidate. `pairs` are those of its pairs that are neither too long nor left out. */
  write(row: CandidateRow, pairs: readonly Pair[]): Output;
  /** @param written how many rows each file has */
  report?(written: Readonly<Record<string, number>>): RuleReport;
}

/** What becomes of a row that has a right trace. */
export interface CurationRule {
  readonly name: string;
  /** One sentence for `--help` and the documentation. */
  readonly summary: string;
  /** Settings that belong to this rule alone; where no rule is named, giving one of them means this rule. */
  readonly settings?: readonly string[];
  /** Settings that the rule decides itself; changing one of them is refused. */
  readonly fixes?: readonly string[];
  /** Compares the lengths of responses, which are counted in tokens where there is a model. */
  readonly comparesLengths?: boolean;
  /** Files that it writes besides sft.jsonl and pref.jsonl, without their ending. Every row of them is a pair. */
  readonly files?: readonly string[];
  /**
   * Why a row that has right and wrong traces gets no pair, where `choose` may find none or `write` leave one out: a key
   * of `sft_only`, and words for the account.
   */
  readonly unpaired?: { readonly key: string; readonly text: string };
  /** Says which generations are right and which are wrong, and may be used as such. */
  sides(verdicts: readonly TwoVerdicts[], verdictRule: VerdictSource): Sides;
  /** Chooses among the traces of one row, which has a right one. */
  choose(traces: RowTraces, settings: RuleSettings): Choice;
  /** Changes how lengths are counted and limited, where the rule has a way of its own. */
  lengths?(asked: LengthRule): LengthRule;
  /** Begins to write, when the rows that will be written are known. */
  begin(rows: readonly Entry[], settings: RuleSettings): RuleRun;
}
