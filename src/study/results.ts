/** @file What a study found, as numbers: accuracies, differences from the control by seed and over seeds, and what each arm took. */
import { join } from 'node:path';
import { readProblemRows } from '../data/problems.js';
import type { EvaluateSettings } from '../evaluate/evaluate.js';
import { readResults, type EvaluationResults } from '../evaluate/summary.js';
import { passAt1, type ProblemResult } from '../statistics/estimators.js';
import { compareOverSeeds, holm, pool, type SeedComparison } from '../statistics/seeds.js';
import { stepLines } from '../train/metricsFiles.js';
import type { Plan, Run } from './arms.js';
import { operationsOf } from './operations.js';
import type { SeenProblems } from './seen.js';
import type { Study } from './settings.js';

export interface StudyResults {
  control: string;
  seeds: readonly number[];
  arms: ArmResult[];
  tests: TestResult[];
}

export interface ArmResult {
  name: string;
  /** Its setting, from 1, and the accuracy of each on the development set, in [0, 1]. */
  setting: number;
  development: number[];
  /** Optimizer steps and tokens of all its training stages, on average over seeds. */
  steps: number;
  tokens: number;
  /** Tokens over those of the control; where that trains nothing, no finite number, which is null in study.json. */
  compute: number;
}

export interface TestResult {
  name: string;
  grader: string;
  problems: number;
  /** Further problems that had been seen before, and do not count. */
  seen: number;
  rows: TestRow[];
}

export interface TestRow {
  arm: string;
  /** Over all seeds, in [0, 1], with the error of the problems as a sample. */
  passAt1: number;
  standardError: number;
  /** Of each seed. */
  seeds: number[];
  /** Tokens a response, and the share that was cut off. */
  tokens: number;
  cutOff: number;
  /** Against the control; the control has none. `adjusted` is the p-value by Holm, over all arms of this test. */
  against?: SeedComparison & { adjusted: number };
  /** By the number of operations, where rows tell it. */
  operations: { operations: string; problems: number; passAt1: number }[];
}

/** The seeds' results of a run's evaluations, by the grader that counts. */
interface Graded {
  grader: string;
  seeds: ProblemResult[][];
  all: EvaluationResults[];
}

export interface Finished {
  study: Study;
  plan: Plan;
  /** Each stage's result by its name. */
  results: ReadonlyMap<string, string>;
  /** Accuracies of each arm's settings by the arm's name. */
  development: ReadonlyMap<string, number[]>;
  /** What does not count in tests. */
  seen: SeenProblems;
}

/** Reads what the stages of a study have left. */
export async function resultsOf({
  study,
  plan: { pipeline, runs },
  results,
  development,
  seen,
}: Finished): Promise<StudyResults> {
  const runsOf = (arm: string) => runs.filter((run) => run.arm === arm);
  const taken = new Map(study.arms.map(({ name }) => [name, takenBy(runsOf(name), pipeline.out)]));
  const control = taken.get(study.control)!;
  const arms = study.arms.map(({ name }): ArmResult => {
    const { steps, tokens } = taken.get(name)!;
    const [{ setting }] = runsOf(name) as [Run];
    return {
      ...{ name, setting: setting + 1, development: development.get(name) ?? [] },
      ...{ steps, tokens, compute: tokens / control.tokens },
    };
  });
  const tests: TestResult[] = [];
  for (const name of Object.keys(study.tests)) {
    const graded = new Map(
      study.arms.map((arm) => [arm.name, gradedBy(study, name, runsOf(arm.name), results, seen)]),
    );
    const stage = runs[0]!.evaluations.get(name)!;
    const settings = pipeline.stages.find((one) => one.name === stage)!.config as EvaluateSettings;
    tests.push(testResult(study, name, graded, await operationsIn(settings)));
  }
  return { control: study.control, seeds: study.seeds, arms, tests };
}

/** Steps and tokens that training took, on average over the runs. */
function takenBy(runs: readonly Run[], out: string): { steps: number; tokens: number } {
  const lines = runs.map(({ trained }) => trained.map((stage) => stepLines(join(out, stage))));
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / runs.length;
  return {
    steps: mean(lines.flatMap((stages) => stages.map((steps) => steps.length))),
    tokens: mean(
      lines.flatMap((stages) =>
        stages.map((steps) => (JSON.parse(steps.at(-1) ?? '{}') as { num_tokens?: number }).num_tokens ?? 0),
      ),
    ),
  };
}

function gradedBy(
  { grader }: Study,
  test: string,
  runs: readonly Run[],
  results: ReadonlyMap<string, string>,
  seen: SeenProblems,
): Graded {
  const all = runs.map(({ evaluations }) => readResults(results.get(evaluations.get(test)!)!));
  const judge = grader ?? [...all[0]!.graders.keys()][0]!;
  const seeds = all.map((evaluation) => {
    const { results: given } = evaluation.graders.get(judge)!;
    return seen.without(given, evaluation, test);
  });
  return { grader: judge, seeds, all };
}

function testResult(
  study: Study,
  name: string,
  graded: ReadonlyMap<string, Graded>,
  operations: ReadonlyMap<string, string>,
): TestResult {
  const control = graded.get(study.control)!;
  const others = study.arms.filter((arm) => arm.name !== study.control);
  const comparisons = others.map((arm) => compareOverSeeds(control.seeds, graded.get(arm.name)!.seeds));
  const adjusted = holm(comparisons.map(({ pValue }) => pValue));
  const rows = study.arms.map((arm): TestRow => {
    const { seeds, all } = graded.get(arm.name)!;
    const pooled = pool(seeds);
    const { mean, standardError } = passAt1(pooled);
    const responses = all.reduce((sum, one) => sum + one.responses, 0);
    const place = others.indexOf(arm);
    return {
      ...{ arm: arm.name, passAt1: mean, standardError },
      seeds: seeds.map((results) => passAt1(results).mean),
      tokens: all.reduce((sum, one) => sum + one.tokens, 0) / responses,
      cutOff: all.reduce((sum, one) => sum + one.cutOff, 0) / responses,
      ...(place >= 0 && { against: { ...comparisons[place]!, adjusted: adjusted[place]! } }),
      operations: byOperations(pooled, all[0]!.problems, operations),
    };
  });
  const problems = control.seeds[0]!.length;
  const seen = control.all[0]!.problems.size - problems;
  return { name, grader: control.grader, problems, seen, rows };
}

function byOperations(
  results: readonly ProblemResult[],
  problems: ReadonlyMap<string, string>,
  operations: ReadonlyMap<string, string>,
): TestRow['operations'] {
  const names = [...new Set(operations.values())].sort();
  return names.flatMap((name) => {
    const members = results.filter(({ id }) => operations.get(problems.get(id)!) === name);
    if (members.length === 0) return [];
    return [{ operations: name, problems: members.length, passAt1: passAt1(members).mean }];
  });
}

/** "1", "2" or "3 or more" by the text of the problem. */
async function operationsIn(settings: EvaluateSettings): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const names = { problem: settings.problem_field, answer: settings.answer_field };
  for await (const { problem, fields } of readProblemRows(settings.data, () => undefined, names)) {
    const operations = operationsOf(fields);
    if (operations !== undefined) found.set(problem, operations < 3 ? String(operations) : '3 or more');
  }
  return found;
}
