/** @file Several tasks asked of one model, and one table of them. The tasks are stages of a pipeline, which skips what is done. */
import { join } from 'node:path';
import { readProblemRows } from '../data/problems.js';
import { readSamples } from '../evaluate/samples.js';
import { readResults, summarize, type EvaluationSummary } from '../evaluate/summary.js';
import { TASKS } from '../evaluate/taskFolders.js';
import { percent, shareInPoints } from '../evaluate/words.js';
import { parsePipeline, type Pipeline } from '../pipeline/pipeline.js';
import { runPipeline } from '../pipeline/run.js';
import { passAt1, type ProblemResult } from '../statistics/estimators.js';
import { UserError } from '../util/errors.js';
import { plainNumber, writeJson } from '../util/exactJson.js';
import { writeFileAtomic } from '../util/files.js';
import { refuseFolderOverInputs } from '../util/overlap.js';
import { withOwnFolder } from '../util/ownFolder.js';
import { redactSettings } from '../util/redact.js';
import { formatTable } from '../util/table.js';
import { packageVersion } from '../util/version.js';
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

/** A share of right responses and its error; null where it cannot be known. */
interface Share {
  problems: number;
  pass_at_1: number;
  standard_error: number | null;
}

/** What one task has shown, by the first grader. */
export interface TaskResult extends Omit<EvaluationSummary, 'evaluation' | 'set_aside'> {
  task: string;
  about: string;
  grader: string;
  /** By field, then by value. */
  by: Record<string, Record<string, Share>>;
  /** Responses about which the graders do not agree. */
  disagreements: number;
}

export interface BenchmarkResult {
  tasks: TaskResult[];
  /** The mean over tasks, each with the same weight; its error counts that of every task. */
  average: { pass_at_1: number; standard_error: number | null };
}

const FILES = { table: 'benchmarks.txt', numbers: 'benchmarks.json', disagreements: 'disagreements.jsonl' };

/** The tasks as a pipeline. @throws UserError for settings that are not possible, and for two tasks of one name */
export function planBenchmark({ model, tasks, protocol, given, out }: BenchmarkOptions): Pipeline {
  const names = tasks.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new UserError(`there are two tasks named "${twice}".`);
  // The template of an endpoint has to begin the thinking by itself.
  const { sampling, ...own } = protocols[protocol ?? DEFAULT];
  const { forced_prefix: prefix, ...plain } = { forced_prefix: undefined, ...sampling };
  const isLocal = given.base_url === undefined && prefix !== undefined;
  const drawn = { ...own, sampling: { ...plain, ...(isLocal && { forced_prefix: prefix }) } };
  const stages = tasks.map(({ name, settings }) => ({
    ...{ name, stage: 'evaluate', model },
    ...asking(protocol === undefined ? asking(drawn, settings) : asking(settings, drawn), given),
  }));
  return parsePipeline({ out: join(out, TASKS), stages }, 'the benchmark');
}

const DEFAULT: ProtocolName = 'greedy';

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
    [model, ...tasks.map(({ settings }) => String(settings.data))],
  );
  const names = tasks.map(({ name }) => name);
  const record = {
    version: packageVersion(),
    model,
    protocol: protocol ?? DEFAULT,
    tasks: names,
    given: redactSettings(given),
  };
  return withOwnFolder(out, { command: 'benchmark', writes, record }, async () => {
    for (const task of tasks) await requireFields(task);
    return walk(options, pipeline, context);
  });
}

/** @throws UserError where rows are to be divided by a field that none of them has */
async function requireFields({ name, by, settings }: Task): Promise<void> {
  const missing = new Set(by);
  if (missing.size === 0) return;
  const { data, problem_field: problem, answer_field: answer } = settings as Record<string, string>;
  let fields: string[] = [];
  for await (const row of readProblemRows(data!, () => undefined, { problem, answer })) {
    fields = Object.keys(row.fields);
    for (const field of fields) missing.delete(field);
    if (missing.size === 0) return;
  }
  const [field] = missing;
  if (fields.length > 0)
    throw new UserError(
      `task ${name}: "by" names "${field!}", and no row of ${data!} has such a field (the last one has ${fields.join(', ')}).`,
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
  const errors = tasks.map(({ graders, grader }) => graders[grader]!.standard_error);
  const known = errors.every((error) => error !== null);
  const result: BenchmarkResult = {
    tasks,
    average: {
      pass_at_1: mean(tasks.map(({ graders, grader }) => graders[grader]!.pass_at_1)),
      standard_error: known ? Math.hypot(...errors) / tasks.length : null,
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

function resultOf({ name, about, by }: Task, dir: string, disagreements: object[]): TaskResult {
  const results = readResults(dir);
  const [grader] = results.graders.keys();
  const divided = new Map(by.map((field) => [field, new Map<string, ProblemResult[]>()]));
  let count = 0;
  for (const row of readSamples(dir)) {
    const grades = row.generation_details.map((detail) => detail.grades);
    const right = grades.filter((all) => all[grader!]!.correct).length;
    for (const [field, values] of divided) {
      const value = wordOf((row as Record<string, unknown>)[field]);
      const list = values.get(value) ?? [];
      values.set(value, list);
      list.push({ id: row.id, correct: right, samples: grades.length });
    }
    grades.forEach((all, sample) => {
      const verdicts = Object.fromEntries(Object.entries(all).map(([of, { correct }]) => [of, correct]));
      if (new Set(Object.values(verdicts)).size < 2) return;
      count++;
      const extracted = Object.fromEntries(Object.entries(all).map(([of, grade]) => [of, grade.extracted]));
      disagreements.push({
        task: name,
        id: row.id,
        sample,
        golds: row.golds ?? [row.answer],
        verdicts,
        extracted,
      });
    });
  }
  return {
    ...{ task: name, about, grader: grader!, ...summarize(results) },
    by: Object.fromEntries(
      Array.from(divided, ([field, values]) => [
        field,
        Object.fromEntries([...values].sort(inOrder).map(([value, list]) => [value, shareOf(list)] as const)),
      ]),
    ),
    disagreements: count,
  };
}

/** A value of a field as a word: numbers as they are written elsewhere, so that 2.0 is 2. */
function wordOf(value: unknown): string {
  const number = plainNumber(value);
  if (number !== undefined) return String(number);
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : writeJson(value);
}

const inOrder = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a.localeCompare(b, 'en', { numeric: true });

function shareOf(list: readonly ProblemResult[]): Share {
  const { mean, standardError, problems } = passAt1(list);
  return { problems, pass_at_1: mean, standard_error: Number.isNaN(standardError) ? null : standardError };
}

/** Of how many problems a share varies as the mean of the tasks' shares does, were they alike: m² / Σ 1/n. */
export const problemsOfAverage = (tasks: readonly { problems: number }[]): number =>
  tasks.length ** 2 / tasks.reduce((sum, { problems }) => sum + 1 / problems, 0);

/** The table, and below it what fields of the rows divide. */
export function describeBenchmark({ tasks, average }: BenchmarkResult): string {
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
  const [several] = tasks.length > 1 ? [average] : [];
  const last = several
    ? [
        [
          'average',
          '',
          '',
          '',
          shareInPoints(several.pass_at_1, several.standard_error, problemsOfAverage(tasks)),
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
  const parts = tasks.flatMap(({ task, by }) =>
    Object.entries(by).map(
      ([field, values]) =>
        `${task} by ${field}: ` +
        Object.entries(values)
          .map(
            ([value, { pass_at_1, standard_error, problems }]) =>
              `${value} ${shareInPoints(pass_at_1, standard_error, problems)} (${problems})`,
          )
          .join(', '),
    ),
  );
  const disagreements = tasks.reduce((sum, task) => sum + task.disagreements, 0);
  const about =
    disagreements === 0 ? [] : [`graders disagree about ${disagreements} responses: ${FILES.disagreements}`];
  return [formatTable(head, [...rows, ...last]), ...parts, ...about].join('\n');
}
