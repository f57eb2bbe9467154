import type { Candidate, Pair, PairLengths } from './candidates.js';
import type { Decontaminator, Overlap } from './decontaminate.js';
import type { Duplicate, DuplicateFinder } from './duplicates.js';
import type { LengthLimits, LengthMeter, Measurable } from './lengths.js';
import type { DropReason } from './rules.js';
import { cvOf } from './selection.js';

export interface LengthFilter {
  meter: LengthMeter;
  limits: LengthLimits;
  /** D_SFT is limited too; REDI limits pairs only. */
  sft: boolean;
}

/** What decides about rows that have a right trace, in this order. */
export interface Filters {
  /** Keeps problems whose verdicts vary more than this (DeepDistill). */
  minCv: number | undefined;
  decontaminator: Decontaminator | undefined;
  dropContaminated: boolean;
  lengths: LengthFilter | undefined;
  duplicates: DuplicateFinder;
  dropDuplicates: boolean;
}

/** A candidate after the filters; its pairs know what of them is too long. */
export interface Filtered {
  candidate: Candidate;
  reason?: DropReason;
  overlaps: Overlap[];
  duplicate?: Duplicate;
}

/** Puts candidates through the filters, in their order; lengths are measured together, on all cores. */
export async function filterCandidates(
  candidates: readonly Candidate[],
  filters: Filters,
): Promise<Filtered[]> {
  const { minCv, decontaminator, lengths, duplicates } = filters;
  const judged = candidates.map((candidate): Filtered => {
    if (minCv !== undefined && !(cvOf(candidate.rightCount, candidate.total) > minCv))
      return { candidate, reason: 'not_selected', overlaps: [] };
    const overlaps = decontaminator?.find(problemText(candidate)) ?? [];
    if (overlaps.length > 0 && filters.dropContaminated)
      return { candidate, reason: 'contaminated', overlaps };
    return { candidate, overlaps };
  });
  if (lengths) await measure(judged, lengths);
  for (const row of judged) {
    if (row.reason) continue;
    const duplicate = duplicates.add(problemText(row.candidate), row.candidate.originalIndex);
    if (!duplicate) continue;
    row.duplicate = duplicate;
    if (filters.dropDuplicates) row.reason = 'duplicate';
  }
  return judged;
}

/** All that stands before the answer: the problem, as a rule. */
function problemText({ prompt }: Candidate): string {
  return prompt.map(({ content }) => content).join('\n');
}

async function measure(rows: readonly Filtered[], { meter, limits, sft }: LengthFilter): Promise<void> {
  const live = rows.filter(({ candidate, reason }) => !reason && (sft || candidate.pairs.length > 0));
  const texts = live.map(({ candidate }) => textsOf(candidate, sft));
  const counts = await meter.measure(
    live.map(({ candidate: { prompt } }, i): Measurable => ({ prompt, responses: [...texts[i]!.values()] })),
  );
  for (const [i, row] of live.entries()) {
    const { prompt, responses } = counts[i]!;
    const tokens = new Map([...texts[i]!.keys()].map((index, k) => [index, responses[k]!]));
    const { candidate } = row;
    candidate.pairs = candidate.pairs.map((pair): Pair => {
      const [chosen, rejected] = [tokens.get(pair.chosen.index)!, tokens.get(pair.rejected.index)!];
      const lengths = { prompt, chosen, rejected };
      return { ...pair, lengths, excess: excessOf(lengths, limits) };
    });
    const right = sft ? tokens.get(candidate.right.index)! : 0;
    if (sft && excessOf({ prompt, chosen: right, rejected: 0 }, limits).length > 0) row.reason = 'length';
  }
}

function excessOf({ prompt, chosen, rejected }: PairLengths, limits: LengthLimits): (keyof PairLengths)[] {
  return [
    ...(prompt > (limits.prompt ?? Infinity) ? (['prompt'] as const) : []),
    ...(chosen > limits.response ? (['chosen'] as const) : []),
    ...(rejected > limits.response ? (['rejected'] as const) : []),
  ];
}

/** The traces to measure, each once. */
function textsOf({ right, pairs }: Candidate, sft: boolean): Map<number, string> {
  const traces = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  return new Map([...(sft ? [right] : []), ...traces].map(({ index, text }) => [index, text]));
}
