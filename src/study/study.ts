/** @file A study: settings chosen on a development set, then every arm with every seed, then the comparison. */
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { passAt1 } from '../statistics/estimators.js';
import { readResults } from '../evaluate/summary.js';
import { runPipeline } from '../pipeline/run.js';
import type { StageConfig } from '../pipeline/stages/index.js';
import type { Recipe } from '../recipe/recipe.js';
import { writeFileAtomic } from '../util/files.js';
import { refuseFolderOverInputs } from '../util/overlap.js';
import { withOwnFolder } from '../util/ownFolder.js';
import { redactSettings } from '../util/redact.js';
import { packageVersion } from '../util/version.js';
import { checkArms, planStudy, planTuning, settingsOf, type Plan } from './arms.js';
import { curvesAsCsv, curvesAsSvg, curvesOf } from './curves.js';
import { resultsOf, type StudyResults } from './results.js';
import { SeenProblems } from './seen.js';
import { parseStudy, type Study } from './settings.js';
import { describeStudy } from './words.js';

export interface StudyOptions {
  /** The file that the study was read from, which is not written over. */
  recipe?: string;
  /** In how many processes of this machine its stages train. Default: one. */
  nproc?: number;
  signal: AbortSignal;
  /** A line for the person who watches. */
  log: (line: string) => void;
}

const FILES = ['recipe.yaml', 'study.json', 'study.txt', 'curves.csv', 'curves.svg'];

/**
 * Runs a study. Its stages lie in `runs/` of its folder as those of a pipeline, so that a study that was stopped goes on where it was;
 * nothing is compared before every arm has been evaluated with every seed.
 * Problems that a stage `collect` asks do not count, nor in tests those that settings are chosen by. Writes into the folder:
 *
 *     study.json    all numbers
 *     study.txt     the tables
 *     curves.csv    every step of every run
 *     curves.svg    log-probs a token of both sides while they train
 *
 * @throws UserError for a recipe that cannot be run, before anything runs
 */
export async function study(recipe: Recipe, options: StudyOptions): Promise<StudyResults> {
  const { plan, tuning, settings } = planned(recipe);
  const { out } = settings;
  refuseFolderOverInputs(out, FILES, options.recipe === undefined ? [] : [options.recipe]);
  const seen = new SeenProblems();
  const collected = plan.pipeline.stages.filter(({ kind }) => kind === 'collect');
  await seen.add(collected);
  await requireProblems({ tuning, plan }, collected);
  const record = { version: packageVersion(), recipe: redactSettings(recipe.value) };
  const chosenBy = new Set(tuning.runs.flatMap(({ evaluations }) => [...evaluations.values()]));
  return withOwnFolder(out, { command: 'study', writes: FILES, record }, async () => {
    const chosen = new Map<string, number>();
    const development = new Map<string, number[]>();
    if (tuning.runs.length > 0) {
      const results = await runPipeline(tuning.pipeline, options);
      for (const arm of settings.arms.filter((one) => settingsOf(settings, one).length > 1)) {
        const shares = accuracies(tuning, arm.name, results, settings.grader, seen);
        const best = shares.indexOf(Math.max(...shares));
        chosen.set(arm.name, best);
        development.set(arm.name, shares);
        options.log(
          `${arm.name}: setting ${best + 1} of ${shares.length} is best on the development set (${shares.map((share) => `${(100 * share).toFixed(1)} %`).join(', ')})`,
        );
      }
    }
    await seen.add(tuning.pipeline.stages.filter(({ name }) => chosenBy.has(name)));
    const whole = chosen.size === 0 ? plan : planStudy(settings, recipe, chosen);
    const results = await runPipeline(whole.pipeline, options);
    const found = await resultsOf({ study: settings, plan: whole, results, development, seen });
    const write = (name: string, text: string) => {
      writeFileAtomic(join(out, name), text);
    };
    const curves = curvesOf(whole);
    write('recipe.yaml', toYaml(redactSettings(recipe.value)));
    write('curves.csv', curvesAsCsv(curves));
    write('curves.svg', curvesAsSvg(curves));
    write('study.txt', `${describeStudy(found)}\n`);
    write('study.json', `${JSON.stringify(found, null, 2)}\n`);
    return found;
  });
}

/** Refuses evaluations that would be left without problems, before anything runs. */
async function requireProblems({ tuning, plan }: Plans, collected: readonly StageConfig[]): Promise<void> {
  const seen = new SeenProblems();
  await seen.add(collected);
  for (const { pipeline, runs } of [tuning, plan]) {
    // All runs are evaluated on the same problems.
    const evaluations = Array.from(runs[0]?.evaluations ?? [], ([set, name]) => {
      return { set, stage: pipeline.stages.find((stage) => stage.name === name)! };
    });
    for (const { set, stage } of evaluations) await seen.requireOthers(stage, set);
    await seen.add(evaluations.map(({ stage }) => stage));
  }
}

/** Says what a study would run, without running it. @throws UserError as `study` does */
export function describePlan(recipe: Recipe): string {
  const { plan, tuning, settings } = planned(recipe);
  const { arms, seeds } = settings;
  const stages = [tuning, plan].flatMap(({ pipeline }) => pipeline.stages);
  const kinds = new Map(stages.map(({ name, kind }) => [name, kind]));
  const count = (kind: string) => [...kinds.values()].filter((one) => one === kind).length;
  const tuned = arms.filter((arm) => settingsOf(settings, arm).length > 1);
  return [
    `${arms.length} arms × ${seeds.length} seeds, compared with ${settings.control} on ${Object.keys(settings.tests).join(', ')}`,
    ...(tuned.length === 0
      ? []
      : [
          `settings of ${tuned.map(({ name }) => name).join(', ')} are chosen on ${Object.keys(settings.development).join(', ')}, by seed ${seeds[0]!}`,
        ]),
    `${kinds.size} stages at most, ${count('train')} of training and ${count('evaluate')} of evaluation:`,
    ...Array.from(kinds, ([name, kind]) => `  ${name}  ${kind}`),
  ].join('\n');
}

/** What settings are chosen by, and the whole study. */
interface Plans {
  tuning: Plan;
  plan: Plan;
}

/** A study and what it runs, where the first setting of every arm is the best. */
function planned(recipe: Recipe): Plans & { settings: Study } {
  const settings = parseStudy(recipe);
  checkArms(settings, recipe);
  return {
    settings,
    tuning: planTuning(settings, recipe),
    plan: planStudy(settings, recipe, new Map()),
  };
}

/** Accuracy of each setting of an arm on all development sets together. */
function accuracies(
  { runs }: Plan,
  arm: string,
  results: ReadonlyMap<string, string>,
  grader: string | undefined,
  seen: SeenProblems,
): number[] {
  return runs
    .filter((run) => run.arm === arm)
    .map(({ evaluations }) => {
      const all = [...evaluations].flatMap(([set, stage]) => {
        const evaluation = readResults(results.get(stage)!);
        const { graders } = evaluation;
        const found = grader === undefined ? [...graders.values()][0] : graders.get(grader);
        return seen.without(found!.results, evaluation, set);
      });
      return passAt1(all).mean;
    });
}
