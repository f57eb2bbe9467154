/** @file Evaluation in three steps, each of which can be run again alone: sample, grade, count. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines, rowError } from '../data/jsonl.js';
import type { ProblemRow } from '../data/problems.js';
import { journalHeader } from '../teacher/header.js';
import { withResponses, type ResponsesOptions } from '../teacher/responses.js';
import { writeFailures } from '../teacher/collect.js';
import type { RequestId } from '../teacher/requests.js';
import { answerKeys, evaluateDefaults, refuseInstruction } from '../teacher/settings.js';
import type { JournalEntry } from '../teacher/states.js';
import { earlierTurns, fieldNotCarried, traceRow } from '../teacher/makeTraceRow.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { FileReplacement, replaceTogether, type Replacing } from '../util/files.js';
import { amendedRecord, recordOf } from '../util/ownFolder.js';
import { redactUrl } from '../util/redact.js';
import { packageVersion } from '../util/version.js';
import { graderNames } from '../verify/graders/index.js';
import { gradersOfRow, openGraders, type GraderSetting, type NamedGrader } from '../verify/graders/open.js';
import { countEvaluation, type Counting } from './count.js';
import { describeDivided } from './divisions.js';
import { describeEstimates } from './estimates.js';
import { describeMeasured, openMeasures, type Named } from './measured.js';
import { measureNames, selectorNames } from './measures.js';
import { gradedTurns, gradesOf, NOT_ASKED, samplesFile, verdictLists, writeRegraded } from './samples.js';
import { evaluationRecord, type EvaluationRecord, type EvaluationSummary } from './summary.js';
import { percent, shareInWords } from './words.js';

const ownModule = z.strictObject({ module: z.string().min(1) });
const named = z.enum(graderNames);

/** Names of a list or modules, none by default. */
function namesOrModules<const Name extends string>(names: readonly [Name, ...Name[]]) {
  const named = z.enum(names);
  return z
    .union([named, ownModule, z.array(z.union([named, ownModule]))])
    .transform((given): Named<Name>[] => [given].flat() as Named<Name>[])
    .prefault([]);
}

export const graderSetting = z
  .union([named, ownModule, z.array(z.union([named, ownModule])).min(1)])
  .transform((given): GraderSetting[] =>
    Array.isArray(given) ? given.filter((grader, i) => given.indexOf(grader) === i) : [given],
  )
  .prefault(['verify'])
  .describe(
    `who says what is right, one or more: ${graderNames.join(', ')}, or a JavaScript file that exports a grader, whose code runs`,
  );

/** The file of responses about which graders do not agree. */
export const disagreementsFile = 'disagreements.jsonl';

/** What is counted of graded responses. */
const countingKeys = {
  by: z
    .array(z.string().min(1))
    .default([])
    .describe('fields of the rows by which pass@1 is divided, such as subject and level')
    .meta({ names: true }),
  selectors: namesOrModules(selectorNames).describe(
    `which of several responses is taken, for the share of problems that it solves: ${selectorNames.join(', ')}, or a JavaScript file that exports a selector, whose code runs`,
  ),
  measures: namesOrModules(measureNames).describe(
    `what else is measured: ${measureNames.join(', ')}, or a JavaScript file that exports a measure, whose code runs`,
  ),
};

export const evaluateSettings = z.strictObject({
  ...answerKeys(evaluateDefaults),
  grader: graderSetting,
  grader_field: z
    .string()
    .optional()
    .describe('the field of a row that names its grader, in place of the first; such grades are called row'),
  ...countingKeys,
});
export type EvaluateSettings = z.output<typeof evaluateSettings>;

/** Those of them that can change without sampling again. */
export const gradingSettings = evaluateSettings.pick({
  ...{ grader: true, grader_field: true, by: true, selectors: true, measures: true },
});

export interface EvaluateOptions extends Pick<ResponsesOptions, 'out' | 'model' | 'progress' | 'signal'> {
  settings: EvaluateSettings;
}

/**
 * Has a model answer every problem, grades the responses and counts. Writes into the folder:
 *
 *     journal.jsonl      every response, in the order of arrival, on disk before it counts
 *     samples.jsonl      one row a problem: a trace row whose `generation_details` have the grades
 *     disagreements.jsonl   with several graders: the responses about which they do not agree
 *     summary.json       pass@1 with its standard error by each grader, what was cut off, and further estimates; it is put in place last
 *     failed.jsonl, quarantine.jsonl   as `collect` writes them
 *
 * Calling it again resumes an interrupted evaluation, and with other graders it samples nothing: it only grades again.
 * A response that was cut off is graded too; `verify` then needs it to say what its answer is.
 * @throws as `withResponses` does, and Error where problems were given up
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationSummary> {
  const { out, settings, model } = options;
  refuseInstruction(settings, evaluateDefaults);
  checkSelectors(settings);
  const graders = await openGraders(settings.grader);
  const counting = await openCounting(settings);
  const gradersOf = ({ fields, line }: ProblemRow) =>
    gradersOfRow(graders, settings.grader_field, fields, (problem) => rowError(settings.data, line, problem));
  const neededFields = [
    ...(settings.grader_field === undefined ? [] : [settings.grader_field]),
    ...settings.by,
  ];
  const checkRow = (row: ProblemRow) => {
    requireCarried(neededFields, row.fields, settings);
    if (settings.grader_field !== undefined) gradersOf(row);
  };
  const grade = atOnce(settings, graders);
  const checked = {
    ...{ ...options, neededFields },
    ...(neededFields.length > 0 && { checkRow }),
    ...(grade && { grade }),
  };
  return withResponses(checked, async (answers) => {
    const { states, setAside, sampling } = answers;
    const failed = states.filter(({ failure }) => failure !== undefined);
    writeFailures(join(out, 'failed.jsonl'), states);
    const retried = failed.filter(({ failure }) => !failure!.permanent);
    if (retried.length > 0 || failed.length === states.length)
      throw new Error(
        `${failed.length} of ${states.length} problems have no responses (the first: ${failed[0]!.failure!.reason}), ${out}/failed.jsonl has all: nothing was graded`,
      );
    if (failed.length > 0)
      options.progress.log(
        `${failed.length} of ${states.length} problems cannot be asked and count as wrong, ${out}/failed.jsonl says why (the first: ${failed[0]!.failure!.reason})`,
      );
    using file = new FileReplacement(join(out, samplesFile));
    for await (const answered of answers.rows(unanswered)) {
      const { entries, row } = answered;
      const own = gradersOf(row);
      const grades = entries.map((entry) => gradesOf(own, row.rawGolds, entry.text, entry.finish_reason));
      const lists = verdictLists(grades);
      const detail = (entry: JournalEntry, i: number) => ({
        ...(entry.earlier_turns && { earlier_turns: gradedTurns(own, row.rawGolds, earlierTurns(entry)) }),
        grades: grades[i],
      });
      const traces = traceRow(answered, model.name, settings, sampling, lists, detail);
      file.write(`${writeJson({ ...traces, golds: row.rawGolds })}\n`);
    }
    const evaluation = evaluationOf(out, settings, packageVersion());
    return replaceResult(out, file, { set_aside: setAside, evaluation }, counting);
  });
}

/**
 * What the first grader says of each response when it comes, for whoever looks on. Graders of modules are asked when all responses are there
 * alone, since they may take long or throw; so are all where each row names its own.
 */
function atOnce(
  { grader: [first], grader_field: field }: EvaluateSettings,
  [opened]: readonly NamedGrader[],
): ResponsesOptions['grade'] {
  if (!opened || typeof first !== 'string' || field !== undefined) return undefined;
  return ({ rawGolds }, { text, finishReason }) => {
    const { correct, extracted, reason } = gradesOf([opened], rawGolds, text, finishReason)[opened.name]!;
    return { by: opened.name, correct, extracted, ...(reason !== undefined && { reason }) };
  };
}

/** @throws UserError for a field that rows of samples have with another content than problems, or not at all */
function requireCarried(
  names: readonly string[],
  fields: Readonly<Record<string, unknown>>,
  settings: Pick<EvaluateSettings, 'problem_field'>,
): void {
  const lost = names.find((name) => name === 'golds') ?? fieldNotCarried(names, fields, settings);
  if (lost !== undefined)
    throw new UserError(
      `The field "${lost}" does not stay what it is in ${samplesFile}, whose rows have one of that name or of another for it: copy it in the data to a field of another name.`,
    );
}

/** By what an evaluation is graded, and what is counted of it. */
export type Grading = Pick<EvaluateSettings, 'grader'> & Partial<z.output<typeof gradingSettings>>;

/** What a result is made of besides its rows. */
interface Made extends Counting {
  /** How many graders there are. */
  graders: number;
}

const openCounting = async ({ grader, by = [], selectors = [], measures = [] }: Grading): Promise<Made> => ({
  ...{ graders: grader.length, by },
  ...(await openMeasures({ selectors, measures })),
});

/** @throws UserError where responses will not have what a selector needs */
function checkSelectors({ selectors, sampling, base_url }: EvaluateSettings): void {
  if (selectors.includes('likeliest') && !(base_url === undefined && sampling.keep_tokens))
    throw new UserError(
      'The selector likeliest goes by log-probs, which are kept with "keep_tokens" of a model that runs here.',
    );
}

/**
 * Grades a finished evaluation again by other graders, and counts it again. Nothing is sampled. A process that is killed leaves the result
 * of before, the new one, or none that has a summary; then the same call makes it.
 * @throws UserError where it is not finished
 */
export async function regrade(dir: string, grading: Grading): Promise<EvaluationSummary> {
  const { grader: graders, grader_field: graderField, by = [], selectors = [], measures = [] } = grading;
  const opened = await openGraders(graders);
  const counting = await openCounting(grading);
  using file = new FileReplacement(join(dir, samplesFile));
  const fields = [...(graderField === undefined ? [] : [graderField]), ...by];
  requireCarried(fields, {}, { problem_field: 'problem' });
  const found = writeRegraded(file, dir, opened, graderField, fields);
  // The part of the problems that was evaluated may lack a field that the others have.
  const { data: before } = recordedFields.safeParse(recordOf(dir)?.settings);
  const known = new Set([before?.grader_field, ...(before?.by ?? []), ...found]);
  const missing = fields.find((field) => !known.has(field));
  if (missing !== undefined)
    throw new UserError(
      `no row of ${join(dir, samplesFile)} has the field "${missing}", ${missing === graderField ? 'which is to name its grader' : 'by which the result is to be divided'}.`,
    );
  using record = amendedRecord(dir, { grader: graders, grader_field: graderField, by, selectors, measures });
  const { set_aside, evaluation } = knownBefore(dir);
  const result = {
    set_aside,
    ...(evaluation && { evaluation: { ...evaluation, version: packageVersion() } }),
  };
  return replaceResult(dir, file, result, counting, record && [record]);
}

const recordedFields = z.object({
  grader_field: z.string().optional(),
  by: z.array(z.string()).default([]),
});

/** What stands for the response to a problem that cannot be asked; nothing is right about it. */
const unanswered = (id: RequestId): JournalEntry => ({
  ...{ id, text: '', finish_reason: NOT_ASKED, prompt_tokens: null, completion_tokens: null },
});

/** What the summary before says that grading again does not find out. */
const kept = z.object({
  set_aside: z.int().nonnegative(),
  evaluation: evaluationRecord.optional(),
});

/** Puts rows, what else is made with them, and what is counted of them in place together. */
function replaceResult(
  dir: string,
  samples: FileReplacement,
  { evaluation, set_aside }: z.output<typeof kept>,
  { graders, ...counting }: Made,
  others: readonly Replacing[] = [],
): EvaluationSummary {
  const path = join(dir, 'summary.json');
  const disputed = join(dir, disagreementsFile);
  using disagreements = graders > 1 ? new FileReplacement(disputed) : undefined;
  const counts = countEvaluation(samples.temporary, dir, counting, (one) => {
    disagreements?.write(`${writeJson(one)}\n`);
  });
  const summary = { ...(evaluation && { evaluation }), ...counts, set_aside };
  using file = new FileReplacement(path);
  file.write(`${JSON.stringify(summary, null, 2)}\n`);
  const files = [samples, ...(disagreements ? [disagreements] : []), ...others, file];
  replaceTogether(files, [path, ...(existsSync(disputed) ? [disputed] : [])]);
  return summary;
}

/** What the summary says, or what it would say where a killed process has left none. */
function knownBefore(dir: string): z.output<typeof kept> {
  try {
    return kept.parse(JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')));
  } catch {
    const setAside = join(dir, 'quarantine.jsonl');
    const set_aside = existsSync(setAside) ? [...readJsonLines(setAside)].length : 0;
    const { data: record } = recorded.safeParse(recordOf(dir));
    if (!record || !existsSync(join(dir, 'journal.jsonl'))) return { set_aside };
    return { set_aside, evaluation: evaluationOf(dir, record.settings, record.version) };
  }
}

/** What the folder's record says of what was evaluated. */
const recorded = z.object({
  version: z.string(),
  settings: z.object({
    ...{ model: z.string(), base_url: z.string().optional(), data: z.string() },
    ...{ shuffle: z.number().optional(), skip: z.number(), count: z.number().optional() },
  }),
});

function evaluationOf(
  dir: string,
  settings: z.output<typeof recorded>['settings'],
  version: string,
): EvaluationRecord {
  const { model, base_url: baseUrl, data, shuffle, skip, count } = settings;
  const [first] = readJsonLines(join(dir, 'journal.jsonl'));
  const { problems, settings: own } = journalHeader.parse(first?.row);
  return {
    ...{ version, model },
    ...(baseUrl !== undefined && { base_url: redactUrl(baseUrl) }),
    data: { file: data, ...problems },
    ...{ ...(shuffle !== undefined && { shuffle }), skip, ...(count !== undefined && { count }) },
    settings: own,
  };
}

/** A larger share of cut-off responses than this makes the result one of the limit. */
const MANY_CUT_OFF = 0.1;

/** "pass@1 48.7 % ± 2.2 (500 problems, …)", a line a grader. */
export function describeEvaluation(summary: EvaluationSummary): string {
  const { problems, samples, set_aside, responses, cut_off, mean_tokens, format_failures } = summary;
  const lines = Object.entries(summary.graders).map(
    ([name, { pass_at_1, standard_error, pass_at_k, unreadable }]) =>
      `${name}: pass@1 ${shareInWords(pass_at_1, standard_error, problems)}` +
      (pass_at_k === undefined ? '' : `, pass@${samples} ${percent(pass_at_k)}`) +
      `, ${percent(unreadable)} without an answer`,
  );
  lines.push(
    `${counted(problems, 'problem')}${set_aside === 0 ? '' : ` (${counted(set_aside, 'row')} set aside)`}, ${counted(responses, 'response')}, ${percent(cut_off)} cut off, ` +
      (format_failures === undefined ? '' : `${percent(format_failures)} without the form of an answer, `) +
      `${mean_tokens.toFixed(0)} tokens on average`,
  );
  lines.push(...describeDivided(summary.by ?? {}), ...describeMeasured(summary));
  if ((summary.disagreements ?? 0) > 0)
    lines.push(
      `the graders disagree about ${counted(summary.disagreements!, 'response')}: ${disagreementsFile}`,
    );
  for (const [name, shares] of Object.entries(summary.pass_at_1_by_turn ?? {}))
    lines.push(`${name}: pass@1 by turn ${shares.map(percent).join(', ')}`);
  for (const [name, estimates] of Object.entries(summary.estimates ?? {}))
    lines.push(...describeEstimates(name, estimates));
  const limit = summary.evaluation?.settings.max_tokens;
  if (cut_off > MANY_CUT_OFF)
    lines.push(
      `${percent(cut_off)} of the responses were cut off${typeof limit === 'number' ? ` at ${limit} tokens` : ''} and are wrong unless they had said their answer before: give them more (sampling.max_tokens in a recipe, --max-tokens)`,
    );
  return lines.join('\n');
}
