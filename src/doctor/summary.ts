/** @file Adds up verdicts into the summary of a file, and finds what only the whole file shows. */

import type { SetOverlap } from './acrossRows.js';
import type { CheckContext, PreparedRow } from './check.js';
import {
  finding,
  findingKinds,
  severityOf,
  type Finding,
  type FindingCode,
  type Severity,
} from './findings.js';
import type { Verification } from './labelChecks.js';
import type { RowVerdict } from './verdict.js';

/** The findings of one kind, over all rows. */
export interface FindingGroup {
  code: FindingCode;
  severity: Severity;
  /** Rows that have one; 0 if it concerns the file as a whole. */
  rows: number;
  /** The first of these rows' lines. */
  lines: number[];
  /** The fault in the first of them. */
  detail: string;
  meaning: string;
  advice: string;
}

export interface DoctorSummary {
  file: string;
  model: string;
  layout: string;
  /** One line in `every` was examined. */
  every: number;
  rows: number;
  ok: number;
  warnings: number;
  errors: number;
  /** Errors first, then by rows. */
  problems: FindingGroup[];
  messages: number;
  preference: number;
  /** Over all responses that could be tokenised, each counted with its prompt. */
  tokens: { total: number; trained: number };
  /** Responses by the share of their tokens that is trained: under 10 %, under 20 %, … */
  trained_share: number[];
  /** Tokens of rows; a pair counts as its longer side. */
  lengths: { shortest: number; median: number; p95: number; longest: number } | null;
  limits: { limit: number; fits: number; dropped: number }[];
  end_trained: number;
  /** How the sides of pairs compare in trained tokens. */
  pairs: {
    chosen_longer: number;
    rejected_longer: number;
    chosen_mean: number;
    rejected_mean: number;
  } | null;
  template: { generation_prompt: string | null; injected: string | null; rows_with_system: number };
  labels: { agree: number; disagree: number; undecided: number };
  evaluation: SetOverlap[];
}

const MOST_LINES = 10;
/** The least share of trained tokens that goes without a finding. */
const LEAST_TRAINED = 0.05;
/** The share of pairs with the same side longer that makes a finding, and the least number of pairs for it. */
const BIAS = 0.9;
const BIAS_PAIRS = 20;

/** Adds up verdicts, a row at a time. */
export class SummaryBuilder {
  readonly #groups = new Map<FindingCode, FindingGroup>();
  readonly #counts = { rows: 0, ok: 0, warnings: 0, errors: 0, messages: 0, preference: 0 };
  readonly #tokens = { total: 0, trained: 0 };
  readonly #trainedShare = new Array<number>(10).fill(0);
  readonly #lengths: number[] = [];
  readonly #sides = { chosen_longer: 0, rejected_longer: 0, chosen: 0, rejected: 0 };
  readonly #labels = { agree: 0, disagree: 0, undecided: 0 };
  #rowsWithSystem = 0;
  #endNotTrained = 0;
  /** Rows whose texts are too long for the tokenizer. */
  #untokenised = 0;

  add(verdict: RowVerdict, row: PreparedRow | undefined, verified: readonly Verification[]): void {
    const counts = this.#counts;
    counts.rows++;
    counts[({ ok: 'ok', warning: 'warnings', error: 'errors' } as const)[verdict.verdict]]++;
    const codes = new Set<FindingCode>();
    for (const { code, detail, side } of verdict.problems) {
      if (codes.has(code)) continue;
      codes.add(code);
      const group = this.#group(code, side === undefined ? detail : `${side}: ${detail}`);
      group.rows++;
      if (group.lines.length < MOST_LINES) group.lines.push(verdict.line);
    }
    for (const { claimed, verified: found } of verified)
      this.#labels[found === undefined ? 'undecided' : found === claimed ? 'agree' : 'disagree']++;
    if (row) this.#addTokens(row, codes);
    else if (verdict.fate === 'dropped') this.#untokenised++;
  }

  #addTokens({ prompt, sides }: PreparedRow, codes: ReadonlySet<FindingCode>): void {
    this.#counts[sides.length === 2 ? 'preference' : 'messages']++;
    if (typeof prompt !== 'string' && prompt[0]!.role === 'system') this.#rowsWithSystem++;
    if (codes.has('end-not-trained')) this.#endNotTrained++;
    let longest = 0;
    const trained = sides.map(({ row: { ids, responseStart } }) => {
      const own = ids.length - responseStart;
      this.#tokens.total += ids.length;
      this.#tokens.trained += own;
      this.#trainedShare[Math.min(9, Math.floor((10 * own) / ids.length))]!++;
      longest = Math.max(longest, ids.length);
      return own;
    });
    this.#lengths.push(longest);
    const [chosen, rejected] = trained;
    if (chosen === undefined || rejected === undefined) return;
    this.#sides.chosen += chosen;
    this.#sides.rejected += rejected;
    if (chosen > rejected) this.#sides.chosen_longer++;
    if (chosen < rejected) this.#sides.rejected_longer++;
  }

  #group(code: FindingCode, detail: string): FindingGroup {
    let group = this.#groups.get(code);
    if (!group) {
      const { meaning, advice } = findingKinds[code];
      group = { code, severity: severityOf(code), rows: 0, lines: [], detail, meaning, advice };
      this.#groups.set(code, group);
    }
    return group;
  }

  /** Finds what shows only when all rows have been added. */
  #fileFindings(limit: number): Finding[] {
    const [counts, tokens, lengths, sides] = [this.#counts, this.#tokens, this.#lengths, this.#sides];
    const found: Finding[] = [];
    if (lengths.length + this.#untokenised > 0 && lengths.every((length) => length > limit)) {
      const shortest = lengths.length > 0 ? `the shortest has ${least(lengths)} tokens` : 'no row is shorter';
      found.push(finding('nothing-fits', `${shortest}, and the limit is ${limit}`));
    }
    if (tokens.trained < LEAST_TRAINED * tokens.total)
      found.push(finding('little-trained', `${tokens.trained} of ${tokens.total} tokens are trained`));
    if (counts.messages > 0 && counts.preference > 0)
      found.push(
        finding('mixed-kinds', `${counts.preference} pairs and ${counts.messages} rows with one response`),
      );
    for (const [side, longer] of [
      ['chosen', sides.chosen_longer],
      ['rejected', sides.rejected_longer],
    ] as const) {
      if (counts.preference >= BIAS_PAIRS && longer >= BIAS * counts.preference)
        found.push(
          finding('length-bias', `${side} is the longer side of ${longer} of ${counts.preference} pairs`),
        );
    }
    return found;
  }

  finish(
    file: string,
    { student, traits, limit }: CheckContext,
    limits: readonly number[],
    every: number,
    evaluation: SetOverlap[],
  ): DoctorSummary {
    for (const { code, detail } of this.#fileFindings(limit)) this.#group(code, detail);
    const lengths = this.#lengths.sort((a, b) => a - b);
    const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))]!;
    const { chosen, rejected, ...longer } = this.#sides;
    const pairs = this.#counts.preference;
    return {
      file,
      model: student.model,
      layout: student.layout,
      every,
      ...this.#counts,
      problems: [...this.#groups.values()].sort(
        (a, b) => Number(b.severity === 'error') - Number(a.severity === 'error') || b.rows - a.rows,
      ),
      tokens: this.#tokens,
      trained_share: this.#trainedShare,
      lengths:
        lengths.length === 0
          ? null
          : { shortest: lengths[0]!, median: at(0.5), p95: at(0.95), longest: lengths.at(-1)! },
      limits: limits.map((most) => {
        const fits = lengths.filter((length) => length <= most).length;
        return { limit: most, fits, dropped: lengths.length + this.#untokenised - fits };
      }),
      end_trained: lengths.length - this.#endNotTrained,
      pairs: pairs === 0 ? null : { ...longer, chosen_mean: chosen / pairs, rejected_mean: rejected / pairs },
      template: {
        generation_prompt: traits.generationPrompt ?? null,
        injected: traits.injected ?? null,
        rows_with_system: this.#rowsWithSystem,
      },
      labels: this.#labels,
      evaluation,
    };
  }
}

const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b), Infinity);

/** Tells whether training on the file would be spoilt. */
export const hasErrors = ({ problems }: DoctorSummary): boolean =>
  problems.some(({ severity }) => severity === 'error');
