/** @file The stages of a study's arms: for each arm, setting and seed its own, under names of their own, in one pipeline. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { EvaluateSettings } from '../evaluate/evaluate.js';
import { parsePipeline, type Pipeline } from '../pipeline/pipeline.js';
import { stageKinds } from '../pipeline/stages/index.js';
import { describeKeys } from '../recipe/describe.js';
import { Faults } from '../recipe/faults.js';
import type { Recipe, RecipeSource } from '../recipe/recipe.js';
import { UserError } from '../util/errors.js';
import { graderName } from '../verify/graders/open.js';
import type { Arm, Patch, StageEntry, Study } from './settings.js';

/** One arm with one of its settings and one seed, and what its stages are called in the pipeline. */
export interface Run {
  arm: string;
  /** The place of the setting among those of the arm, from 0. */
  setting: number;
  seed: number;
  /** The stages that train, in their order. */
  trained: string[];
  /** The stages that evaluate, by the evaluation's name in the study. */
  evaluations: ReadonlyMap<string, string>;
}

/** What of a study runs: a pipeline, and what its stages are to the study. */
export interface Plan {
  pipeline: Pipeline;
  runs: Run[];
}

/** A stage as the recipe of a pipeline has it, and where its parts stand in the recipe of the study. */
interface Planned {
  entry: StageEntry;
  /** From the ground up: a key comes from the last that has it. */
  layers: readonly Layer[];
}

interface Layer {
  path: readonly PropertyKey[];
  value: unknown;
}

interface PlannedRun {
  run: Run;
  stages: Planned[];
}

/** The settings that an arm is tried with. */
export const settingsOf = ({ tune }: Study, arm: Arm): readonly Patch[] => arm.tune ?? tune;

/** Plans what settings are chosen by: every setting of each arm that has several, by the first seed. */
export const planTuning = (study: Study, recipe: Recipe): Plan => planOf(study, recipe, tuningRuns(study));

/**
 * Plans the whole study, all arms by the first seed first. The runs that settings were chosen by stay in the pipeline.
 * @param chosen the place of each arm's setting by the arm's name
 */
export function planStudy(study: Study, recipe: Recipe, chosen: ReadonlyMap<string, number>): Plan {
  const runs = study.seeds.flatMap((seed) =>
    study.arms.map((_, i) => planRun(study, i, chosen.get(study.arms[i]!.name) ?? 0, seed, ['tests'])),
  );
  const { pipeline } = planOf(study, recipe, [...tuningRuns(study), ...runs]);
  return { pipeline, runs: runs.map(({ run }) => run) };
}

/**
 * Checks each arm by itself, so that what is wrong in one is said once, and then that none has stages of another's names.
 * @throws UserError naming file, line, stage and field
 */
export function checkArms(study: Study, recipe: Recipe): void {
  for (const [i, arm] of study.arms.entries())
    for (const setting of settingsOf(study, arm).keys())
      checkGrader(
        study,
        recipe,
        planOf(study, recipe, [planRun(study, i, setting, study.seeds[0]!, ['development', 'tests'])]),
      );
  checkNames(study, recipe);
}

/** Refuses a grader whose verdicts an evaluation has not. */
function checkGrader({ grader }: Study, recipe: Recipe, { pipeline, runs }: Plan): void {
  const faults = new Faults();
  const place = recipe.placeOf(['grader']);
  for (const [set, name] of runs.flatMap(({ evaluations }) => [...evaluations])) {
    const { config } = pipeline.stages.find((stage) => stage.name === name)!;
    const graders = (config as EvaluateSettings).grader.map(graderName);
    if (grader !== undefined && !graders.includes(grader))
      faults.add({
        place: place === undefined ? [] : [place],
        message: `"${set}" is not graded by "${grader}", only by ${graders.join(', ')}`,
      });
  }
  faults.throwIfAny(recipe.name);
}

/** Refuses an arm whose stage would have the name of another one, and so would be taken for it. */
function checkNames(study: Study, recipe: Recipe): void {
  const faults = new Faults();
  const entries = new Map(study.shared.map((entry) => [entry.name, entry]));
  for (const [i, arm] of study.arms.entries()) {
    const stages = settingsOf(study, arm).flatMap((_, setting) =>
      study.seeds.flatMap((seed) => planRun(study, i, setting, seed, ['development', 'tests']).stages),
    );
    const taken = stages.find(({ entry }) => !isDeepStrictEqual(entries.get(entry.name) ?? entry, entry));
    if (taken) {
      const place = recipe.placeOf(['arms', i, 'name']);
      const message = `arm "${arm.name}" has a stage "${taken.entry.name}", and so has another part of the study: call the arm otherwise`;
      faults.add({ place: place === undefined ? [] : [place], message });
    }
    for (const { entry } of stages) entries.set(entry.name, entry);
  }
  faults.throwIfAny(recipe.name);
}

function tuningRuns(study: Study): PlannedRun[] {
  return study.arms.flatMap((arm, i) => {
    const settings = settingsOf(study, arm);
    if (settings.length === 1) return [];
    return settings.map((_, setting) => planRun(study, i, setting, study.seeds[0]!, ['development']));
  });
}

function planOf(study: Study, recipe: Recipe, planned: readonly PlannedRun[]): Plan {
  const shared = study.shared.map((entry, i): Planned => {
    return { entry, layers: [{ path: ['shared', i], value: entry }] };
  });
  const byName = new Map<string, Planned>();
  for (const stage of [...shared, ...planned.flatMap(({ stages }) => stages)])
    if (!byName.has(stage.entry.name)) byName.set(stage.entry.name, stage);
  const stages = [...byName.values()];
  const value = { out: join(study.out, 'runs'), stages: stages.map(({ entry }) => entry) };
  // A study of one setting without shared stages chooses nothing.
  const pipeline =
    stages.length === 0
      ? { out: value.out, stages: [] }
      : parsePipeline(value, recipe.name, sourceOf(stages, recipe));
  return { pipeline, runs: planned.map(({ run }) => run) };
}

/** Where the keys of the pipeline stand in the study's recipe. */
function sourceOf(stages: readonly Planned[], recipe: Recipe): RecipeSource {
  return {
    folder: recipe.folder,
    placeOf: ([, place, ...key]) => {
      const { layers } = stages[Number(place)]!;
      const layer = layers.findLast(({ value }) => has(value, key)) ?? layers[0]!;
      return recipe.placeOf([...layer.path, ...key]);
    },
    removalOf: () => undefined,
  };
}

const has = (value: unknown, [first, ...others]: readonly PropertyKey[]): boolean =>
  first === undefined ||
  (typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, first) &&
    has((value as Record<PropertyKey, unknown>)[first], others));

/** One arm with one setting and seed: its stages, and its evaluations in the sets that are named. */
function planRun(
  study: Study,
  place: number,
  setting: number,
  givenSeed: number,
  sets: readonly ('development' | 'tests')[],
): PlannedRun {
  const arm = study.arms[place]!;
  const settings = settingsOf(study, arm);
  const layers: { path: readonly PropertyKey[]; patch: Patch }[] = [
    { path: ['arms', place, 'patch'], patch: arm.patch },
    { path: arm.tune ? ['arms', place, 'tune', setting] : ['tune', setting], patch: settings[setting]! },
  ];
  const kept = study.stages.filter(({ name }) => layers.every(({ patch }) => patch[name] !== null));
  const seed = kept.length === 0 ? study.seeds[0]! : givenSeed; // what is not trained is the same with every seed
  const prefix = `${arm.name}${settings.length > 1 ? `-c${setting + 1}` : ''}-s${seed}-`;
  const names = new Map(kept.map(({ name }) => [name, `${prefix}${name}`]));
  const plan = (own: StageEntry, path: readonly PropertyKey[]): Planned => {
    const applied = layers.flatMap(({ path: at, patch }): Layer[] => {
      const changes = patch[own.name];
      return changes ? [{ path: [...at, own.name], value: changes }] : [];
    });
    const merged = applied.reduce<unknown>((entry, { value }) => merge(entry, value), own) as StageEntry;
    const named = { ...(renamed(merged, names) as StageEntry), name: `${prefix}${own.name}` };
    return { entry: withSeed(named, seed), layers: [{ path, value: own }, ...applied] };
  };
  const trained = kept.map((entry) => plan(entry, ['stages', study.stages.indexOf(entry)]));
  const model = arm.model ?? study.model;
  const [, judged] = /^@([^/]*)/.exec(model) ?? [];
  const left = study.stages.find(({ name }) => name === judged && !names.has(name));
  if (left)
    throw new UserError(
      `arm "${arm.name}" leaves out the stage "${left.name}", whose result is evaluated: give the arm a \`model\`.`,
    );
  const evaluations = sets.flatMap((kind) =>
    Object.entries(study[kind]).map(([name, settings]) => {
      const entry = { name, stage: 'evaluate', model, ...settings };
      return { name, ...plan(entry, [kind, name]) };
    }),
  );
  const isTraining = ({ entry }: Planned) => entry.stage === 'train';
  const run: Run = {
    arm: arm.name,
    setting,
    seed: givenSeed,
    trained: trained.filter(isTraining).map(({ entry }) => entry.name),
    evaluations: new Map(evaluations.map(({ name, entry }) => [name, entry.name])),
  };
  return { run, stages: [...trained, ...evaluations] };
}

/** Settings with changes: null takes a key out, and a part with a name of its own replaces the other. */
function merge(settings: unknown, changes: unknown): unknown {
  if (!isPart(settings) || !isPart(changes) || 'name' in changes) return changes;
  const result = { ...settings };
  for (const [key, change] of Object.entries(changes))
    if (change === null) Reflect.deleteProperty(result, key);
    else result[key] = merge(settings[key], change);
  return result;
}

const isPart = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `@name` becomes the arm's own stage of that name, where it has one. */
function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    const [, name, rest] = /^@([^@/][^/]*)([^]*)$/.exec(value) ?? [];
    const own = name === undefined ? undefined : names.get(name);
    return own === undefined ? value : `@${own}${rest!}`;
  }
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (!isPart(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renamed(one, names)]));
}

/** The stage with the seed, where it takes one and has none of its own. */
function withSeed(entry: StageEntry, seed: number): StageEntry {
  if (!Object.hasOwn(stageKinds, entry.stage)) return entry; // which the pipeline refuses
  const { schema } = stageKinds[entry.stage as keyof typeof stageKinds] as { schema: z.ZodType };
  const keys = describeKeys(schema).map(({ path }) => path.join('.'));
  const sampling = entry.sampling ?? {};
  if (keys.includes('seed')) return { seed, ...entry };
  if (keys.includes('sampling.seed') && isPart(sampling))
    return { ...entry, sampling: { seed, ...sampling } };
  return entry;
}
