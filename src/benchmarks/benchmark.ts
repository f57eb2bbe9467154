/** @file Several tasks asked of one model, and one table of them. The tasks are stages of a pipeline, which skips what is done. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonLines } from '../data/jsonl.js';
import { readProblemRows } from '../data/problems.js';
import type { Counts } from '../evaluate/count.js';
import { describeDivided, type Divided, type Share } from '../evaluate/divisions.js';
import { disagreementsFile, type EvaluateSettings } from '../evaluate/evaluate.js';
import { readResults, readSummary, type EvaluationSummary } from '../evaluate/summary.js';
import { TASKS } from '../evaluate/taskFolders.js';
import { percent, shareInPoints } from '../evaluate/words.js';
import { parsePipeline, type Pipeline } from '../pipeline/pipeline.js';
import { runPipeline } from '../pipeline/run.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { writeFileAtomic } from '../util/files.js';
import { refuseFolderOverInputs } from '../util/overlap.js';
import { withOwnFolder } from '../util/ownFolder.js';
import { redactSettings } from '../util/redact.js';
import { formatTable } from '../util/table.js';
import { packageVersion } from '../util/version.js';
import { describeOverPrompts, overPrompts, type OverPrompts } from './prompts.js';
import { protocols, type ProtocolName, type Task } from './tasks.js';

export interface BenchmarkOptions {
  model: string;
  tasks: readonly Task[];
  /** Goes before what tasks say; without it each is asked greedily, unless it says otherwise. */
  protocol?: ProtocolName | undefined;
  /** Keys of the stage `evaluate` that go before those of the protocol and of the tasks. */
  given: Readonly<Record<string, unknown>>;
  out: string;
}

export interface BenchmarkContext {
  signal: AbortSignal;
  /** A line for the person who watches. */
  log: (line: string) => void;
}

/** What one task has shown, by the first grader. */
export interface TaskResult extends Counts {
  task: string;
  /** The task that it is one prompt of. */
  base?: string;
  about: string;
  grader: string;
  by: Divided;
  /** Responses about which the graders do not agree. */
  disagreements: number;
}

export interface BenchmarkResult {
  tasks: TaskResult[];
  /** Tasks that were asked with several prompts. */
  prompts?: OverPrompts[];
  /** The mean over tasks, each with the same weight, whatever its number of prompts; its error counts that of every task. */
  average: Share & { tasks: number };
}

const FILES = { table: 'benchmarks.txt', numbers: 'benchmarks.json', disagreements: 'disagreements.jsonl' };

/** The tasks as a pipeline. @throws UserError for settings that are not possible, and for two tasks of one name */
export function planBenchmark({ model, tasks, protocol, given, out }: BenchmarkOptions): Pipeline {
  const names = tasks.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new UserError(`there are two tasks named "${twice}".`);
  const drawnBy = (name: ProtocolName) => {
    const { sampling, ...own } = protocols[name];
    const { forced_prefix: prefix, ...plain } = { forced_prefix: undefined, ...sampling };
    // The template of an endpoint has to begin the thinking by itself.
    const isLocal = given.base_url === undefined && prefix !== undefined;
    return { ...own, sampling: { ...plain, ...(isLocal && { forced_prefix: prefix }) } };
  };
  const stages = tasks.map(({ name, settings, given: own = {}, protocol: usual = DEFAULT }) => ({
    ...{ name, stage: 'evaluate', model },
    ...asking(
      protocol === undefined ? asking(drawnBy(usual), settings) : asking(settings, drawnBy(protocol)),
      asking(own, given),
    ),
  }));
  return parsePipeline({ out: join(out, TASKS), stages }, 'the benchmark');
}

const DEFAULT: ProtocolName = 'greedy';

/** By which protocols tasks are asked, in words. */
export const protocolsOf = (tasks: readonly Task[], protocol?: ProtocolName): string =>
  [...new Set(tasks.map(({ protocol: usual = DEFAULT }) => protocol ?? usual))].join(', ');

type Keys = Readonly<Record<string, unknown>>;
const isKeys = (value: unknown): value is Keys =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Merges the keys of a stage. A prompt file takes the place of an instruction and a system message, and they that of one. */
function asking(below: Keys, above: Keys): Record<string, unknown> {
  const words = ['instruction', 'system'];
  const replaced =
    above.prompt !== undefined ? words : words.some((key) => above[key] !== undefined) ? ['prompt'] : [];
  return merged(Object.fromEntries(Object.entries(below).filter(([key]) => !replaced.includes(key))), above);
}

/** Keys under others that go before them, part by part. */
function merged(below: Keys, above: Keys): Record<string, unknown> {
  const all: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = all[key];
    all[key] = isKeys(value) && isKeys(under) && key !== 'module' ? merged(under, value) : value;
  }
  return all;
}

/**
 * Runs what is not done yet, counts, and writes table, numbers and disagreements into the folder.
 * @throws UserError for a folder that is not ours, and as `planBenchmark` does
 */
export function benchmark(options: BenchmarkOptions, context: BenchmarkContext): Promise<BenchmarkResult> {
  const { out, tasks, model, protocol, given } = options;
  const pipeline = planBenchmark(options);
  const writes = Object.values(FILES);
  refuseFolderOverInputs(
    out,
    [...writes, TASKS],
    [
      model,
      ...tasks.flatMap(({ settings: { data, prompt } }) =>
        [data, prompt].filter((path) => typeof path === 'string'),
      ),
    ],
  );
  const names = tasks.map(({ name }) => name);
  const record = {
    version: packageVersion(),
    model,
    protocol: protocolsOf(tasks, protocol),
    tasks: names,
    given: redactSettings(given),
  };
  return withOwnFolder(out, { command: 'benchmark', writes, record }, async () => {
    for (const { name, config } of pipeline.stages) await requireFields(name, config as EvaluateSettings);
    return walk(options, pipeline, context);
  });
}

/** @throws UserError where rows are to be divided by a field that none of them has */
async function requireFields(
  name: string,
  { data, problem_field: problem, answer_field: answer, by }: EvaluateSettings,
): Promise<void> {
  const missing = new Set(by);
  if (missing.size === 0) return;
  let fields: string[] = [];
  for await (const row of readProblemRows(data, () => undefined, { problem, answer })) {
    fields = Object.keys(row.fields);
    for (const field of fields) missing.delete(field);
    if (missing.size === 0) return;
  }
  const [field] = missing;
  if (fields.length > 0)
    throw new UserError(
      `task ${name}: "by" names "${field!}", and no row of ${data} has such a field (the last one has ${fields.join(', ')}).`,
    );
}

async function walk(
  options: BenchmarkOptions,
  pipeline: Pipeline,
  context: BenchmarkContext,
): Promise<BenchmarkResult> {
  const folders = await runPipeline(pipeline, { ...context, keepsOthers: true });
  const disagreements: object[] = [];
  const tasks = options.tasks.map((task) => resultOf(task, folders.get(task.name)!, disagreements));
  const bases = new Map(options.tasks.map(({ name, base = name }) => [base, [] as string[]]));
  for (const { name, base = name } of options.tasks) bases.get(base)!.push(name);
  const several = [...bases].filter(([, names]) => names.length > 1);
  const prompts = several.map(([base, names]) =>
    overPrompts(
      base,
      names.map((name) => readResults(folders.get(name)!)),
    ),
  );
  const shares = Array.from(
    bases,
    ([base, [name]]) =>
      prompts.find(({ task }) => task === base) ?? shareOf(tasks.find(({ task }) => task === name)!),
  );
  const errors = shares.map(({ standard_error }) => standard_error);
  const known = errors.every((error) => error !== null);
  const result: BenchmarkResult = {
    tasks,
    ...(prompts.length > 0 && { prompts }),
    average: {
      tasks: shares.length,
      problems: problemsOfAverage(shares),
      pass_at_1: mean(shares.map(({ pass_at_1 }) => pass_at_1)),
      standard_error: known ? Math.hypot(...errors) / shares.length : null,
    },
  };
  const write = (name: string, content: string) => {
    writeFileAtomic(join(options.out, name), content);
  };
  write(FILES.numbers, `${JSON.stringify(result, null, 2)}\n`);
  write(FILES.disagreements, disagreements.map((row) => `${writeJson(row)}\n`).join(''));
  write(FILES.table, `${describeBenchmark(result)}\n`);
  return result;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** pass@1 of a task by its first grader. */
const shareOf = ({ graders, grader, problems }: TaskResult): Share => {
  const { pass_at_1, standard_error } = graders[grader]!;
  return { problems, pass_at_1, standard_error };
};

function resultOf({ name, about, base }: Task, dir: string, disagreements: object[]): TaskResult {
  const counts: Partial<EvaluationSummary> & Counts = readSummary(dir);
  delete counts.evaluation;
  delete counts.set_aside;
  const disputed = join(dir, disagreementsFile);
  if (existsSync(disputed))
    for (const { row } of readJsonLines(disputed)) disagreements.push({ task: name, ...(row as object) });
  const [grader] = Object.keys(counts.graders);
  if (grader === undefined)
    throw new UserError(
      `${dir}/summary.json has no grades: \`redistill evaluate --regrade ${dir}\` makes it anew.`,
    );
  return {
    ...{ task: name, about, ...(base !== undefined && { base }), grader, by: {}, disagreements: 0 },
    ...counts,
  };
}

/** Of how many problems a share varies as the mean of the tasks' shares does, were they alike: m² / Σ 1/n. */
export const problemsOfAverage = (tasks: readonly { problems: number }[]): number =>
  tasks.length ** 2 / tasks.reduce((sum, { problems }) => sum + 1 / problems, 0);

/** The table, and below it what fields of the rows divide. */
export function describeBenchmark({ tasks, average, prompts = [] }: BenchmarkResult): string {
  const rows = tasks.map((result) => {
    const { task, grader, graders, problems, samples, cut_off, mean_tokens } = result;
    const { pass_at_1, standard_error, pass_at_k, unreadable } = graders[grader]!;
    return [
      ...[task, grader, `${problems}`, `${samples}`],
      shareInPoints(pass_at_1, standard_error, problems),
      pass_at_k === undefined ? '–' : percent(pass_at_k),
      ...[percent(cut_off), percent(unreadable), mean_tokens.toFixed(0)],
    ];
  });
  const [several] = average.tasks > 1 ? [average] : [];
  const last = several
    ? [
        [
          'average',
          '',
          '',
          '',
          shareInPoints(several.pass_at_1, several.standard_error, several.problems),
          '',
          '',
          '',
          '',
        ],
      ]
    : [];
  const head = [
    'task',
    'grader',
    'problems',
    'samples',
    'pass@1',
    'pass@k',
    'cut off',
    'no answer',
    'tokens',
  ];
  const parts = tasks.flatMap(({ task, by }) => describeDivided(by).map((line) => `${task} ${line}`));
  const disagreements = tasks.reduce((sum, task) => sum + task.disagreements, 0);
  const about =
    disagreements === 0 ? [] : [`graders disagree about ${disagreements} responses: ${FILES.disagreements}`];
  return [
    formatTable(head, [...rows, ...last]),
    ...prompts.map(describeOverPrompts),
    ...parts,
    ...about,
  ].join('\n');
}
