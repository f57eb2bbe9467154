/** @file What results that are neither trainings nor evaluations say to the six questions of a reader, as far as their kind can. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { counted, numbered } from '../../util/counted.js';
import { own } from '../../util/own.js';
import { shareInWords } from '../../evaluate/words.js';
import { recordOf } from '../../util/ownFolder.js';
import { resultOf } from './results.js';
import type { FoundFolder } from './folders.js';
import { readJson, settingsOf, shortened } from './json.js';
import { filesIn, listed, many, much, numberIn, textsIn } from './words.js';
import { isWithin } from './locate.js';
import type { Lineage } from './lineage.js';
import { linesOf } from './openRow.js';

/** Sentences to each question; to one that does not apply to the kind there are none. */
export interface Told {
  command: string;
  /** It is a stage of a pipeline, whose line of stages tells of it too. */
  isStage: boolean;
  done: string[];
  data: string[];
  gained: string[];
  sure: string[];
  cost: string[];
  wrong: string[];
  next: string[];
}

const NOTHING: Told = {
  ...{ command: '', isStage: false },
  ...{ done: [], data: [], gained: [], sure: [], cost: [], wrong: [], next: [] },
};

/** What a teller knows of a folder. */
interface Known {
  folder: FoundFolder;
  name: string;
  settings: Record<string, unknown>;
  /** Its numbers, where it has come to its end. */
  summary: Record<string, unknown> | undefined;
  /** The model as people call it, and who trained it. */
  model: string;
  /** Somebody works on it, as far as that was asked for. */
  isUnderWay: boolean;
}

const TELLERS: Readonly<Record<string, (known: Known) => Partial<Told> | undefined>> = {
  ...{ collect: collected, curate: curated, verify: verified, doctor: examined, columns, score },
  ...{ rewards, get: fetched, choose: chosen, table: tabled, compare: compared, benchmark: benchmarked },
};

/** Commands whose folders say something. */
export const TELLING = Object.keys(TELLERS);

/** What each does as long as its result is not there. */
const DOING: Readonly<Record<string, (known: Known) => string>> = {
  collect: ({ settings, model }) => `samples traces of ${model} for problems of ${filesIn(settings.data)}`,
  curate: ({ settings }) => `makes training rows of ${filesIn(settings.data)}`,
  verify: ({ settings }) => `verifies answers of ${filesIn(settings.data)}`,
  doctor: ({ settings, model }) => `examines ${filesIn(settings.data)} for ${model}`,
  columns: ({ settings }) => `writes a column into the rows of ${filesIn(settings.data)}`,
  score: ({ settings, model }) => `scores the responses of ${filesIn(settings.data)} under ${model}`,
  rewards: ({ settings }) => `gives the samples of ${filesIn(settings.data)} rewards and advantages`,
  get: ({ model }) => `gets the model ${model}`,
  choose: () => 'chooses a model',
  table: () => 'puts evaluations side by side',
  compare: ({ settings }) => `compares ${filesIn(settings.after)} with ${filesIn(settings.before)}`,
  benchmark: ({ folder }) => `asks ${shortened(folder.record.model)} the problems of several tasks`,
};
/** Stages of recipes that are no commands by themselves. */
const STAGES = ['get', 'choose'];

/**
 * What folders say, each in its order.
 * @param underWay results on which somebody works
 */
export const toldBy = (
  folders: readonly FoundFolder[],
  lineage: Lineage,
  underWay: readonly FoundFolder[] = [],
): Told[] =>
  folders.flatMap((folder) => {
    const { dir, name, record } = folder;
    const { command } = record;
    const tell = own(TELLERS, command);
    if (!tell) return [];
    const summary = readJson(join(dir, 'summary.json'), z.record(z.string(), z.unknown()));
    const known = {
      ...{ folder, name, settings: settingsOf(record), summary, model: modelOf(folder, lineage) },
      isUnderWay: underWay.some((one) => isWithin(one.dir, dir)),
    };
    const result = resultOf(command);
    const found = result !== undefined && existsSync(join(dir, result)) ? tell(known) : undefined;
    return [
      {
        ...{ ...NOTHING, command, isStage: recordOf(dirname(dir))?.command === 'run' },
        ...(found ?? unfinished(known)),
      },
    ];
  });

function modelOf(folder: FoundFolder, lineage: Lineage): string {
  const origin = lineage.of(folder);
  const last = origin?.trainings.at(-1);
  if (!origin) return 'a model';
  return last ? `${origin.base} as ${last.name} left it` : origin.base;
}

function unfinished(known: Known): Partial<Told> {
  const { folder, name, settings, isUnderWay } = known;
  const { command } = folder.record;
  const data = settings.data === undefined ? [] : [`${name} reads ${filesIn(settings.data)}.`];
  const done = `${name} ${own(DOING, command)?.(known) ?? 'is at work'}`;
  if (isUnderWay) return { done: [`${done}; it is under way.`], data };
  return {
    ...{ done: [`${done}; it is not finished.`], data },
    wrong: [`${name} has not come to its end.`],
    next: [
      `The same “redistill ${STAGES.includes(command) ? 'run' : command}” goes on where ${name} stopped.`,
    ],
  };
}

function collected({ name, settings, summary, model }: Known): Partial<Told> | undefined {
  const from = filesIn(settings.data);
  const [problems, traces] = [numberIn(summary, 'problems'), numberIn(summary, 'generations')];
  if (problems === undefined || traces === undefined) return undefined;
  const [right = 0, solved = 0] = [numberIn(summary, 'right'), numberIn(summary, 'solved')];
  const [cut = 0, failed = 0] = [numberIn(summary, 'cut_off'), numberIn(summary, 'failed')];
  const setAside = numberIn(summary, 'set_aside') ?? 0;
  const tokens = numberIn(summary, 'completion_tokens');
  const prompts = numberIn(summary, 'prompt_tokens');
  const price = numberIn(summary, 'cost');
  return {
    done: [`${name} sampled ${many(traces, 'trace')} of ${model}.`],
    data: [`${many(problems, 'problem')} of ${from}.`],
    gained: [
      `${name} has ${many(right, 'right trace')} and ${many(traces - right, 'wrong one')}; ${much(solved)} of ${many(problems, 'problem')} ${numbered(solved, 'is', 'are')} solved. A collection changes no model.`,
    ],
    sure: ['Which traces are right is what the verifier says; nothing is compared.'],
    cost:
      tokens === undefined
        ? []
        : [
            `${name} took ${many(tokens, 'token')} of responses${prompts === undefined ? '' : ` and ${much(prompts)} of prompts`}${price === undefined ? '' : `, at a cost of ${price.toFixed(2)}`}.`,
          ],
    wrong: [
      ...(cut >= 0.1 * traces && cut > 0
        ? [`${much(cut)} of ${many(traces, 'trace')} of ${name} ${numbered(cut, 'was', 'were')} cut off.`]
        : []),
      ...(failed > 0 ? [`${many(failed, 'problem')} of ${name} failed.`] : []),
      ...(setAside > 0 ? [`${many(setAside, 'row')} of ${from} could not be used.`] : []),
    ],
    next: [`Curate ${name} with “redistill curate”.`],
  };
}

function curated({ name, settings, summary }: Known): Partial<Told> | undefined {
  const from = filesIn(settings.data);
  const [rows, sft, pref] = ['rows', 'sft', 'pref'].map((key) => numberIn(summary, key));
  if (rows === undefined || sft === undefined || pref === undefined) return undefined;
  const rule = typeof summary?.rule === 'string' ? ` by the rule ${summary.rule}` : '';
  const dropped = Object.entries((summary?.dropped ?? {}) as Record<string, unknown>).flatMap(
    ([reason, count]) =>
      typeof count === 'number' && count > 0 ? [`${reason.replaceAll('_', ' ')} ${much(count)}`] : [],
  );
  const contaminated = numberIn(summary, 'contamination', 'rows') ?? 0;
  const total = numberIn(summary, 'generations', 'total');
  return {
    done: [`${name} made ${many(sft, 'row')} for SFT and ${many(pref, 'pair')} of ${from}${rule}.`],
    data: [`${many(rows, 'row')} of ${from}${total === undefined ? '' : ` with ${many(total, 'trace')}`}.`],
    gained: [`${name} keeps ${much(sft)} of ${many(rows, 'row')}. A curation changes no model.`],
    sure: [
      `Which traces count as right is what the verdicts${typeof summary?.verdicts === 'string' ? ` “${summary.verdicts}”` : ''} say; the counts are exact, and nothing is compared.`,
    ],
    wrong: [
      ...(dropped.length > 0 ? [`${name} dropped ${many(rows - sft, 'row')}: ${dropped.join(', ')}.`] : []),
      ...(contaminated > 0
        ? [
            `${many(contaminated, 'row')} of ${name} ${numbered(contaminated, 'shares', 'share')} words with problems of an evaluation.`,
          ]
        : []),
      ...textsIn(summary?.hints).map((hint) => sentence(hint)),
    ],
    next: [`Look at the rows of ${name} with “redistill doctor”, then train on them.`],
  };
}

/** A line of a file as a sentence. */
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Verdicts of a file that are counted for a report, in bytes. */
const MOST_BYTES = 1 << 26;

function verified({ name, folder, settings }: Known): Partial<Told> | undefined {
  const from = filesIn(settings.data);
  const path = join(folder.dir, 'verified.jsonl');
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  const judge = typeof settings.judge_model === 'string' ? ` and the judge ${settings.judge_model}` : '';
  const counts = size > MOST_BYTES ? undefined : verdictsIn(path);
  return {
    done: [
      `${name} verified ${counts ? many(counts.answers, 'answer') : 'answers'} of ${from} by the rules${typeof settings.preset === 'string' ? ` of ${settings.preset}` : ''}${judge}.`,
    ],
    data: [`${counts ? many(counts.rows, 'row') : 'Rows'} of ${from}.`],
    gained: [
      ...(counts
        ? [`${name} found ${much(counts.right)} of ${many(counts.answers, 'answer')} right.`]
        : ['How many answers are right was not counted, for the file is large.']),
      'Verifying changes no model.',
    ],
    sure: ['Verdicts are those of rules, which docs/verifier.md measures; nothing is compared.'],
    next: [`Curate ${name} with “redistill curate”.`],
  };
}

/** Rows, and their answers and how many of them are right, by the rules. */
function verdictsIn(path: string): { rows: number; answers: number; right: number } {
  const counts = { rows: 0, answers: 0, right: 0 };
  for (const { correct, correctness } of linesOf(path)) {
    const lists = correctness as { math_verify_answer?: unknown } | null | undefined;
    const verdicts = typeof correct === 'boolean' ? [correct] : lists?.math_verify_answer;
    counts.rows++;
    if (!Array.isArray(verdicts)) continue;
    counts.answers += verdicts.length;
    counts.right += verdicts.filter((verdict) => verdict === true).length;
  }
  return counts;
}

const finding = z.looseObject({
  code: z.string(),
  severity: z.string(),
  rows: z.number(),
  advice: z.string(),
});

function examined({ name, settings, summary, model }: Known): Partial<Told> | undefined {
  const from = filesIn(summary?.file ?? settings.data);
  const rows = numberIn(summary, 'rows');
  if (rows === undefined) return undefined;
  const [ok = 0, errors = 0, warnings = 0] = ['ok', 'errors', 'warnings'].map((key) =>
    numberIn(summary, key),
  );
  const every = numberIn(summary, 'every') ?? 1;
  const problems = z.array(finding).safeParse(summary?.problems).data ?? [];
  const tokens = numberIn(summary, 'tokens', 'trained');
  const all = numberIn(summary, 'tokens', 'total');
  const worst = problems.find(({ severity }) => severity === 'error') ?? problems[0];
  return {
    done: [`${name} examined the rows of ${from} as ${model} will be trained on them.`],
    data: [
      `${many(rows, 'row')} of ${from}${tokens === undefined || all === undefined ? '' : `, with ${much(all)} tokens of which ${much(tokens)} are trained`}.`,
    ],
    gained: [
      `${much(ok)} of ${many(rows, 'row')} ${numbered(ok, 'is', 'are')} without a finding. An examination changes no model.`,
    ],
    sure: [every === 1 ? 'Every row was looked at.' : `One row in ${much(every)} was looked at.`],
    wrong: [
      ...(errors + warnings > 0
        ? [`${name}: ${many(errors, 'row')} with errors, ${much(warnings)} with warnings.`]
        : []),
      ...problems.map(
        ({ code, severity, rows: where }) =>
          `${name}: ${severity} ${code} in ${where === 0 ? 'the file as a whole' : many(where, 'row')}.`,
      ),
    ],
    next: [worst ? sentence(worst.advice) : `Train on ${from}.`],
  };
}

function columns({ name, settings, model }: Known): Partial<Told> {
  const from = filesIn(settings.data);
  const column = typeof settings.as === 'string' ? ` “${settings.as}”` : '';
  return {
    done: [
      `${name} wrote the column${column} into the rows of ${from}: numbers of each token under ${model}.`,
    ],
    data: [`The rows of ${from}.`],
    sure: ['That does not apply: the numbers are those of one model, and nothing is compared.'],
    next: ['Look at the tokens under Traces, or train with an objective that reads the column.'],
  };
}

function score({ name, settings, model }: Known): Partial<Told> {
  const from = filesIn(settings.data);
  return {
    done: [`${name} scored the responses of ${from}: their log-probs under ${model}.`],
    data: [`The rows of ${from}.`],
    sure: ['That does not apply: the numbers are those of one model, and nothing is compared.'],
    next: [`Score the same rows with another model, and compare.`],
  };
}

function rewards({ name, settings }: Known): Partial<Told> {
  const from = filesIn(settings.data);
  return {
    done: [`${name} gave the samples of ${from} rewards and advantages.`],
    data: [`The rows of ${from}.`],
    sure: ['Which samples are right is what their verdicts say; nothing is compared.'],
    next: [`Train on ${name} with an objective that learns from groups.`],
  };
}

function fetched({ name, model }: Known): Partial<Told> {
  return {
    done: [`${name} got the model ${model}.`],
    data: ['That does not apply: a model was got, and nothing was asked of it.'],
    next: ['Evaluate it with “redistill evaluate”.'],
  };
}

const choice = z.object({
  chosen: z.string(),
  candidates: z.array(z.object({ name: z.string(), pass_at_1: z.number().min(0).max(1) })),
});

function chosen({ name, folder }: Known): Partial<Told> | undefined {
  const found = readJson(join(folder.dir, 'choice.json'), choice);
  if (!found) return undefined;
  const told = found.candidates.map((one) => `${one.name} ${(100 * one.pass_at_1).toFixed(1)} %`);
  return {
    done: [`${name} chose ${found.chosen} of ${counted(found.candidates.length, 'candidate')}.`],
    gained: [`pass@1 of the candidates of ${name} on the development set: ${listed(told)}.`],
    sure: ['The best of several is flattered by its own set: other problems say how good it is.'],
  };
}

function tabled({ name, settings }: Known): Partial<Told> {
  const rows = z.array(z.looseObject({ label: z.string() })).safeParse(settings.rows).data ?? [];
  return {
    done: [
      `${name} put ${counted(rows.length, 'evaluation')} side by side: ${listed(rows.map(({ label }) => label))}.`,
    ],
  };
}

const comparedRows = z.looseObject({
  rows: z.array(
    z.looseObject({
      ...{ name: z.string(), grader: z.string(), problems: z.int().positive() },
      ...{ before: z.number(), after: z.number() },
    }),
  ),
});

function compared({ name, folder, settings }: Known): Partial<Told> | undefined {
  const [before, after] = [settings.before, settings.after].map(filesIn);
  const rows = readJson(join(folder.dir, 'compare.json'), comparedRows)?.rows;
  if (!rows) return undefined;
  const points = (share: number) => `${(100 * share).toFixed(1)} %`;
  return {
    done: [`${name} compared ${after} with ${before}.`],
    data: rows.map((row) => `${many(row.problems, 'problem')} of ${row.name}.`),
    gained: rows.map(
      (row) =>
        `pass@1 on ${row.name}, graded by ${row.grader}: ${before} ${points(row.before)}; ${after} ${points(row.after)}.`,
    ),
  };
}

const benchmark = z.looseObject({
  tasks: z.array(
    z.looseObject({ task: z.string(), problems: z.number(), disagreements: z.number().default(0) }),
  ),
  average: z.looseObject({
    ...{ pass_at_1: z.number().min(0).max(1), standard_error: z.number().nullable() },
    problems: z.number().positive().optional(),
  }),
});

function benchmarked({ name, folder: { dir, record } }: Known): Partial<Told> | undefined {
  const found = readJson(join(dir, 'benchmarks.json'), benchmark);
  const model = shortened(record.model);
  if (!found) return undefined;
  const { tasks, average } = found;
  const protocol = typeof record.protocol === 'string' ? ` by the protocol ${record.protocol}` : '';
  const disputed = tasks.reduce((sum, task) => sum + task.disagreements, 0);
  return {
    done: [
      `${name} asked ${model} ${counted(tasks.length, 'task')}${protocol}: ${listed(tasks.map(({ task }) => task))}.`,
    ],
    data: tasks.map(({ task, problems }) => `${task}: ${many(problems, 'problem')}.`),
    gained:
      average.problems === undefined
        ? []
        : [
            `pass@1 of ${model}, the mean of the tasks of ${name}: ${shareInWords(average.pass_at_1, average.standard_error, average.problems)}.`,
          ],
    wrong: disputed > 0 ? [`Graders disagree about ${many(disputed, 'response')} of ${name}.`] : [],
  };
}
