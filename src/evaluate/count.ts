/** @file Counts an evaluation's rows: its statistics, what divides it, what is measured of it, and where graders do not agree. */
import { UserError } from '../util/errors.js';
import { isInForm } from '../verify/find/response.js';
import { isCutOff } from '../data/finishReasons.js';
import { Divisions } from './divisions.js';
import { MeasureTally, type OpenedMeasures } from './measured.js';
import type { MeasuredSample } from './measures.js';
import { NOT_ASKED, type GradedRow } from './samples.js';
import { resultsIn, summarize, type EvaluationSummary } from './summary.js';

/** What is counted besides what always is. */
export interface Counting extends OpenedMeasures {
  /** Fields of the rows by which pass@1 is divided. */
  by: readonly string[];
}

/** A response about which the graders do not agree. */
export interface Disagreement {
  id: string;
  /** Counted from 0. */
  sample: number;
  golds: readonly (string | number)[];
  /** By the grader's name. */
  verdicts: Record<string, boolean>;
  extracted: Record<string, string | null>;
}

export type Counts = Omit<EvaluationSummary, 'set_aside' | 'evaluation'>;

/**
 * Reads the rows of an evaluation in `dir` once, and counts.
 * @param onDisagreement takes each response about which the graders do not agree
 * @throws UserError where rows are missing or damaged, and for a module that returns what it must not
 */
export function countEvaluation(
  path: string,
  dir: string,
  { by, ...named }: Counting,
  onDisagreement: (disagreement: Disagreement) => void,
): Counts {
  const divisions = new Divisions(by);
  const tally = new MeasureTally(named);
  const isMeasured = named.selectors.length + named.measures.length > 0;
  let disagreements = 0;
  let formFailures = 0;
  let withLogps = 0;
  const results = resultsIn(path, dir, (row) => {
    const details = row.generation_details;
    const [grader] = Object.keys(details[0]!.grades);
    const right = details.filter(({ grades }) => grades[grader!]!.correct).length;
    divisions.add(row, { id: row.id, correct: right, samples: details.length });
    withLogps += details.filter(({ logps }) => Array.isArray(logps)).length;
    if (isMeasured) tally.add({ id: row.id, row, samples: samplesOfRow(row, grader!) });
    for (const [i, { finish_reason }] of details.entries())
      if (finish_reason !== NOT_ASKED && !isCutOff(finish_reason) && !isInForm(row.generations[i]!))
        formFailures++;
    for (const disagreement of disagreementsOf(row)) {
      disagreements++;
      onDisagreement(disagreement);
    }
  });
  if (withLogps === 0 && named.selectors.some(({ name }) => name === 'likeliest'))
    throw new UserError(
      `No response of ${dir} has log-probs, by which the selector likeliest goes: they are kept when it is evaluated with "keep_tokens".`,
    );
  const counts = summarize(results);
  const { selected, measured } = tally;
  return {
    ...counts,
    format_failures: formFailures / counts.responses,
    ...(by.length > 0 && { by: divisions.shares }),
    ...(named.selectors.length > 0 && { selected }),
    ...(named.measures.length > 0 && { measured }),
    ...(results.graders.size > 1 && { disagreements }),
  };
}

function samplesOfRow(
  { generations, generation_details: details }: GradedRow,
  grader: string,
): MeasuredSample[] {
  return details.map(
    ({ grades, finish_reason, completion_tokens, earlier_turns: earlier = [], ...rest }, i) => ({
      text: generations[i]!,
      right: grades[grader]!.correct,
      answer: grades[grader]!.extracted,
      tokens: completion_tokens,
      cutOff: isCutOff(finish_reason),
      logp: meanLogp(rest as { logps?: unknown; forced?: unknown }),
      turns: [...earlier.map((turn) => turn.grades[grader]?.correct ?? false), grades[grader]!.correct],
    }),
  );
}

/** The mean log-prob of tokens that were drawn; null where there are none, or none were kept. */
function meanLogp({ logps, forced }: { logps?: unknown; forced?: unknown }): number | null {
  if (!Array.isArray(logps)) return null;
  const drawn = logps.filter(
    (logp, i): logp is number => typeof logp === 'number' && !(Array.isArray(forced) && forced[i] === 1),
  );
  return drawn.length === 0 ? null : drawn.reduce((sum, logp) => sum + logp, 0) / drawn.length;
}

function* disagreementsOf({
  id,
  golds,
  answer,
  generation_details: details,
}: GradedRow): Generator<Disagreement> {
  for (const [sample, { grades }] of details.entries()) {
    const all = Object.entries(grades);
    if (new Set(all.map(([, { correct }]) => correct)).size < 2) continue;
    yield {
      ...{ id, sample, golds: golds ?? [answer] },
      verdicts: Object.fromEntries(all.map(([name, { correct }]) => [name, correct])),
      extracted: Object.fromEntries(all.map(([name, { extracted }]) => [name, extracted])),
    };
  }
}
