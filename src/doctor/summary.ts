import type { SetOverlap } from './acrossRows.js';
import type { Context } from './check.js';
import {
  finding,
  findingKinds,
  severityOf,
  type Finding,
  type FindingCode,
  type Severity,
} from './findings.js';
import type { Verification } from './labelChecks.js';
import type { Specimen } from './specimen.js';
import type { RowVerdict } from './verdict.js';

/** One kind of problem, over all rows. */
export interface Problem {
  code: FindingCode;
  severity: Severity;
  /** Rows that have it; 0 where it is the file as a whole. */
  rows: number;
  /** The first of their lines. */
  lines: number[];
  /** What is wrong in the first of them. */
  detail: string;
  meaning: string;
  advice: string;
}

export interface DoctorSummary {
  file: string;
  model: string;
  layout: string;
  /** Every so manieth line was looked at. */
  every: number;
  rows: number;
  ok: number;
  warnings: number;
  errors: number;
  /** Errors first, then by rows. */
  problems: Problem[];
  messages: number;
  preference: number;
  /** Of the rows that could be tokenised, all their answers counted with their prompts. */
  tokens: { total: number; trained: number };
  /** Answers by the share of their tokens that is trained: under 10 %, under 20 %, … */
  trainedShare: number[];
  /** Of rows; of a pair the longer side. */
  lengths: { shortest: number; median: number; p95: number; longest: number } | null;
  limits: { limit: number; fits: number; dropped: number }[];
  endTrained: number;
  /** Tokens trained of each side. */
  pairs: { chosenLonger: number; rejectedLonger: number; chosenMean: number; rejectedMean: number } | null;
  template: { generationPrompt: string | null; injected: string | null; rowsWithSystem: number };
  labels: { agree: number; disagree: number; undecided: number };
  evaluation: SetOverlap[];
}

const MOST_LINES = 10;
/** Less than this of all tokens trained is worth a word. */
const LEAST_TRAINED = 0.05;
/** Pairs in which one side is longer, of all, and how many pairs it takes to say so. */
const BIAS = 0.9;
const BIAS_PAIRS = 20;

/** Adds up what is found, a row at a time. */
export class Tally {
  private readonly problems = new Map<FindingCode, Problem>();
  private readonly counts = { rows: 0, ok: 0, warnings: 0, errors: 0, messages: 0, preference: 0 };
  private readonly tokens = { total: 0, trained: 0 };
  private readonly trainedShare = new Array<number>(10).fill(0);
  private readonly lengths: number[] = [];
  private readonly sides = { chosenLonger: 0, rejectedLonger: 0, chosen: 0, rejected: 0 };
  private readonly labels = { agree: 0, disagree: 0, undecided: 0 };
  private rowsWithSystem = 0;
  private endNotTrained = 0;

  add(verdict: RowVerdict, specimen: Specimen | undefined, verified: readonly Verification[]): void {
    const { counts } = this;
    counts.rows++;
    counts[({ ok: 'ok', warning: 'warnings', error: 'errors' } as const)[verdict.verdict]]++;
    const codes = new Set<FindingCode>();
    for (const { code, detail, side } of verdict.problems) {
      if (codes.has(code)) continue;
      codes.add(code);
      const problem = this.problem(code, side === undefined ? detail : `${side}: ${detail}`);
      problem.rows++;
      if (problem.lines.length < MOST_LINES) problem.lines.push(verdict.line);
    }
    for (const { claimed, verified: found } of verified)
      this.labels[found === undefined ? 'undecided' : found === claimed ? 'agree' : 'disagree']++;
    if (specimen) this.addTokens(specimen, codes);
  }

  private addTokens({ record, sides }: Specimen, codes: ReadonlySet<FindingCode>): void {
    this.counts[record.kind]++;
    const { prompt } = record;
    if (typeof prompt !== 'string' && prompt[0]!.role === 'system') this.rowsWithSystem++;
    if (codes.has('end-not-trained')) this.endNotTrained++;
    let longest = 0;
    const trained = sides.map(({ row: { ids, responseStart } }) => {
      const own = ids.length - responseStart;
      this.tokens.total += ids.length;
      this.tokens.trained += own;
      this.trainedShare[Math.min(9, Math.floor((10 * own) / ids.length))]!++;
      longest = Math.max(longest, ids.length);
      return own;
    });
    this.lengths.push(longest);
    const [chosen, rejected] = trained;
    if (chosen === undefined || rejected === undefined) return;
    this.sides.chosen += chosen;
    this.sides.rejected += rejected;
    if (chosen > rejected) this.sides.chosenLonger++;
    if (chosen < rejected) this.sides.rejectedLonger++;
  }

  private problem(code: FindingCode, detail: string): Problem {
    let problem = this.problems.get(code);
    if (!problem) {
      const { meaning, advice } = findingKinds[code];
      problem = { code, severity: severityOf(code), rows: 0, lines: [], detail, meaning, advice };
      this.problems.set(code, problem);
    }
    return problem;
  }

  /** What shows only when all rows are there. */
  private fileFindings(limit: number): Finding[] {
    const { counts, tokens, lengths, sides } = this;
    const found: Finding[] = [];
    if (lengths.length > 0 && lengths.every((length) => length > limit))
      found.push(
        finding('nothing-fits', `the shortest has ${least(lengths)} tokens, and the limit is ${limit}`),
      );
    if (tokens.trained < LEAST_TRAINED * tokens.total)
      found.push(finding('little-trained', `${tokens.trained} of ${tokens.total} tokens are trained`));
    if (counts.messages > 0 && counts.preference > 0)
      found.push(
        finding('mixed-kinds', `${counts.preference} pairs and ${counts.messages} rows of one answer`),
      );
    for (const [side, longer] of [
      ['chosen', sides.chosenLonger],
      ['rejected', sides.rejectedLonger],
    ] as const) {
      if (counts.preference >= BIAS_PAIRS && longer >= BIAS * counts.preference)
        found.push(
          finding('length-bias', `${side} is the longer side of ${longer} of ${counts.preference} pairs`),
        );
    }
    return found;
  }

  summarize(
    file: string,
    { student, habits, limit }: Context,
    limits: readonly number[],
    every: number,
    evaluation: SetOverlap[],
  ): DoctorSummary {
    for (const { code, detail } of this.fileFindings(limit)) this.problem(code, detail);
    const lengths = this.lengths.sort((a, b) => a - b);
    const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))]!;
    const { chosen, rejected, ...longer } = this.sides;
    const pairs = this.counts.preference;
    return {
      file,
      model: student.model,
      layout: student.layout,
      every,
      ...this.counts,
      problems: [...this.problems.values()].sort(
        (a, b) => Number(b.severity === 'error') - Number(a.severity === 'error') || b.rows - a.rows,
      ),
      tokens: this.tokens,
      trainedShare: this.trainedShare,
      lengths:
        lengths.length === 0
          ? null
          : { shortest: lengths[0]!, median: at(0.5), p95: at(0.95), longest: lengths.at(-1)! },
      limits: limits.map((most) => {
        const fits = lengths.filter((length) => length <= most).length;
        return { limit: most, fits, dropped: lengths.length - fits };
      }),
      endTrained: lengths.length - this.endNotTrained,
      pairs: pairs === 0 ? null : { ...longer, chosenMean: chosen / pairs, rejectedMean: rejected / pairs },
      template: {
        generationPrompt: habits.generationPrompt ?? null,
        injected: habits.injected ?? null,
        rowsWithSystem: this.rowsWithSystem,
      },
      labels: this.labels,
      evaluation,
    };
  }
}

const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b), Infinity);

/** Whether training would be spoilt. */
export const isSick = ({ problems }: DoctorSummary): boolean =>
  problems.some(({ severity }) => severity === 'error');
