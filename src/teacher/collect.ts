/** @file Collects traces: answers verified as they arrive, written as trace rows at the end. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCutOff } from '../data/finishReasons.js';
import { writeJsonLines } from '../data/jsonl.js';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { FileReplacement, replaceTogether } from '../util/files.js';
import { withResponses, type Responses, type ResponsesOptions } from './responses.js';
import type { Verifier } from './collector.js';
import { collectDefaults, refuseInstruction, type CollectSettings } from './settings.js';
import { isRight, nextSample, type ProblemState } from './states.js';
import { traceRow } from './makeTraceRow.js';

export interface CollectOptions extends Omit<
  ResponsesOptions,
  'settings' | 'wanted' | 'preset' | 'budget' | 'prices'
> {
  settings: CollectSettings;
  verify: Verifier;
}

export interface CollectSummary {
  /** The file with the traces. */
  traces: string;
  problems: number;
  /** Problems with a right trace. */
  solved: number;
  /** Problems that were given up in this run; `failed.jsonl` has them with the reason. */
  failed: number;
  /** Those of them that another run would give up as well: the prompt does not fit the model, or is refused. */
  unanswerable: number;
  /** Why the first of them was given up. */
  first_failure?: string;
  /** Rows of the problem file without a problem or an answer; `quarantine.jsonl` has them. */
  set_aside: number;
  generations: number;
  right: number;
  /** Traces that were cut off; they never count as right. */
  cut_off: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** In the unit of the prices; null without them. */
  cost: number | null;
  /** The budget ended the run before every problem had its traces. */
  budget_used_up: boolean;
}

/**
 * Has a model answer every problem, verifies each answer as it arrives and writes into the folder:
 *
 *     journal.jsonl      every answer, in the order of arrival, on disk before it counts
 *     traces.jsonl       one row a problem that has answers, in input order, made from the journal at the end
 *     failed.jsonl       problems whose requests failed for good, with the reason, if there are any
 *     quarantine.jsonl   rows of the problem file that cannot be used, if there are any
 *     summary.json       the counts
 *
 * Calling it again resumes an interrupted run: answers in the journal are never requested twice, and problems that were
 * given up are tried again.
 * @throws as `withResponses` does
 */
export async function collect(options: CollectOptions): Promise<CollectSummary> {
  const { settings } = options;
  checkCollectSettings(settings);
  const { max_tokens_total: tokens, max_cost: cost, price_in: input, price_out: output } = settings;
  const { samples, until_right: untilRight } = settings;
  return withResponses(
    {
      ...options,
      preset: settings.preset,
      wanted: { samples: untilRight ?? samples, untilRight: untilRight !== undefined },
      budget: { tokens, cost },
      ...(input !== undefined && output !== undefined && { prices: { input, output } }),
    },
    (answers) => write(options, answers),
  );
}

/** @throws UserError where settings do not go together */
function checkCollectSettings(settings: CollectSettings): void {
  refuseInstruction(settings, collectDefaults);
  const { base_url, samples, until_right, max_tokens_total, max_cost, price_in, price_out } = settings;
  if (until_right !== undefined && samples !== 1)
    throw new UserError('Give "samples" or "until_right", not both.');
  const costs = [max_cost, price_in, price_out];
  if (costs.some((value) => value !== undefined) && (price_in === undefined || price_out === undefined))
    throw new UserError('The cost needs both prices, "price_in" and "price_out", of a million tokens.');
  if (base_url === undefined && [max_tokens_total, ...costs].some((value) => value !== undefined))
    throw new UserError('Budgets and prices are for an endpoint: give "base_url", or leave them out.');
}

async function write(options: CollectOptions, answers: Responses): Promise<CollectSummary> {
  const { out, settings, model } = options;
  const { states, wanted, meter } = answers;
  const traces = join(out, 'traces.jsonl');
  let [generations, right, cutOff] = [0, 0, 0];
  using file = new FileReplacement(traces);
  for await (const answered of answers.rows()) {
    const { entries } = answered;
    generations += entries.length;
    right += entries.filter(isRight).length;
    cutOff += entries.filter((entry) => isCutOff(entry.finish_reason)).length;
    const correctness = {
      math_verify_answer: entries.map(({ verdict }) => verdict!.correct),
      math_verify_reparsed_answer: entries.map(({ reparsed }) => reparsed!),
    };
    const { sampling } = answers;
    const row = traceRow(answered, model.name, settings, sampling, correctness, ({ verdict }) => ({
      verdict,
    }));
    file.write(`${writeJson(row)}\n`);
  }
  const failures = states.flatMap(({ failure }) => failure ?? []);
  const summary: CollectSummary = {
    traces,
    problems: states.length,
    solved: states.filter(({ answers }) => answers.some((answer) => answer?.right)).length,
    failed: failures.length,
    unanswerable: failures.filter(({ permanent }) => permanent).length,
    ...(failures[0] && { first_failure: failures[0].reason }),
    set_aside: answers.setAside,
    generations,
    right,
    cut_off: cutOff,
    prompt_tokens: meter.promptTokens,
    completion_tokens: meter.completionTokens,
    cost: meter.cost,
    budget_used_up: states.some(
      (state) => state.failure === undefined && nextSample(state, wanted) !== undefined,
    ),
  };
  const [failed, summaryPath] = [join(out, 'failed.jsonl'), join(out, 'summary.json')];
  using givenUp = failures.length > 0 ? new JsonLinesFile(failed) : undefined;
  for (const row of failureRows(states)) givenUp?.write(row);
  using account = new FileReplacement(summaryPath);
  account.write(`${JSON.stringify(summary, null, 2)}\n`);
  // What an earlier run gave up may be there now.
  replaceTogether(
    [file, ...(givenUp ? [givenUp] : []), account],
    [summaryPath, ...(givenUp ? [] : [failed])],
  );
  return summary;
}

/** Replaces the list of problems that were given up; what an earlier run gave up may be there now. */
export function writeFailures(path: string, states: readonly ProblemState[]): void {
  const failures = failureRows(states);
  if (failures.length > 0) writeJsonLines(path, failures);
  else rmSync(path, { force: true });
}

function failureRows(states: readonly ProblemState[]): object[] {
  return states.flatMap(({ failure, originalIndex, problem }) =>
    failure === undefined ? [] : [{ original_index: originalIndex, problem, reason: failure.reason }],
  );
}
