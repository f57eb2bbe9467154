/** @file What a study compares, as its recipe describes it: arms, each a patch of one list of stages, crossed with settings and seeds. */
import { z } from 'zod';
import { Faults } from '../recipe/faults.js';
import { checkSettings } from '../recipe/parse.js';
import type { Recipe } from '../recipe/recipe.js';
import { nearestHint } from '../util/nearest.js';

const NAME = /^[a-z][a-z0-9-]{0,59}$/;
const name = (what: string) =>
  z
    .string()
    .refine(
      (given) => NAME.test(given),
      'must be a small letter, and then at most 59 more, digits or hyphens',
    )
    .describe(what);

const patchOf = (what: string) =>
  z.record(z.string(), z.union([z.record(z.string(), z.unknown()), z.null()])).describe(what);
/** Stages by name with the keys in which they differ; null leaves a stage out. */
export type Patch = z.output<ReturnType<typeof patchOf>>;

const stageHead = z.looseObject({
  name: name('by which later stages, `model` and patches refer to it'),
  stage: z.string().describe('its kind'),
});
export type StageEntry = z.output<typeof stageHead>;

const evaluations = z.record(z.string().regex(NAME), z.record(z.string(), z.unknown()));

/** What no arm may change of an evaluation: which model is asked, which problems, and who says what is right. */
const COMPARED: readonly string[] = [
  ...['model', 'data', 'problem_field', 'answer_field', 'shuffle', 'skip', 'count', 'grader'],
];

const arm = z.strictObject({
  name: name('by which tables call it'),
  patch: patchOf(
    'stages and evaluations by name, each with the keys in which this arm differs; null takes a key or a stage out, and a part with a `name` of its own replaces the other',
  ).default({}),
  tune: z
    .array(patchOf(''))
    .min(1)
    .optional()
    .describe('settings among which the development set decides, each a patch; instead of the common ones'),
  model: z.string().optional().describe('what is evaluated, where that is not the common `model`'),
});
export type Arm = z.output<typeof arm>;

const studySettings = z.strictObject({
  out: z.string().min(1).describe('the folder of the study'),
  seeds: z
    .array(z.int().min(0))
    .min(1)
    .default([1, 2, 3])
    .describe('every stage of an arm that takes a seed runs with each of them'),
  shared: z.array(stageHead).default([]).describe('stages that run once, for all arms'),
  stages: z.array(stageHead).min(1).describe('stages that run for every arm and seed'),
  model: z.string().min(1).describe('what an arm is judged by, such as `@student`, one of `stages`'),
  tune: z
    .array(patchOf(''))
    .min(1)
    .default([{}])
    .describe('settings that every arm is tried with, by the first seed; `development` decides among them'),
  development: evaluations
    .default({})
    .describe(
      'evaluations that settings are chosen by, by name; settings as those of `evaluate`, without model',
    ),
  tests: evaluations.describe(
    'evaluations that the arms are compared by, on problems that `development` has none of',
  ),
  arms: z.array(arm).min(2).describe('what is compared'),
  control: z.string().describe('the arm that the others are compared with'),
  grader: z
    .string()
    .optional()
    .describe('whose verdicts count; without it those of the first grader of each evaluation'),
});
export type Study = z.output<typeof studySettings>;

/** The keys of a study for help texts. */
export { studySettings };

/** Reads a study, but for what is in its stages. @throws UserError naming the file, the line and the field */
export function parseStudy({ value, name: where, ...source }: Recipe): Study {
  const faults = new Faults();
  if (!('arms' in value) && ('stages' in value || 'objective' in value)) {
    const command = 'stages' in value ? 'run' : 'train';
    faults.add({ place: [], message: `this is no study: \`redistill ${command} ${where}\` takes it` });
    faults.throwIfAny(where);
  }
  const options = { ...source, page: 'docs/studies.md' };
  const study = checkSettings(studySettings, value, faults, options);
  faults.throwIfAny(where);
  check(study!, (path, message) => {
    const place = source.placeOf(path);
    faults.add({ place: place === undefined ? [] : [place], message });
  });
  faults.throwIfAny(where);
  return study!;
}

type OnFault = (path: readonly PropertyKey[], message: string) => void;

function check(study: Study, onFault: OnFault): void {
  const { seeds, shared, stages, arms, control, development, tests, tune } = study;
  const repeated = (values: readonly (string | number)[]) =>
    values.findIndex((value, i) => values.indexOf(value) < i);
  const seed = repeated(seeds);
  if (seed >= 0) onFault(['seeds', seed], `the seed ${seeds[seed]} is there twice`);
  const checkSeed = (kind: string, stage: string, own: unknown, at: readonly PropertyKey[]) => {
    if (kind === 'train' && own != null && seeds.length > 1)
      onFault(
        [...at, 'seed'],
        `"${stage}" has a seed of its own, with which ${seeds.length} seeds would train the same ${seeds.length} times: leave it out`,
      );
  };
  for (const [i, { name: stage, stage: kind, seed: own }] of stages.entries())
    checkSeed(kind, stage, own, ['stages', i]);
  const names = arms.map((one) => one.name);
  const twice = repeated(names);
  if (twice >= 0) onFault(['arms', twice, 'name'], `there are two arms named "${names[twice]}"`);
  if (!names.includes(control))
    onFault(['control'], `there is no arm "${control}"${nearestHint(control, names)} to compare with`);
  if (Object.keys(tests).length === 0) onFault(['tests'], 'there is no evaluation to compare by');
  const evaluated = [...Object.keys(development), ...Object.keys(tests)];
  const parts = [...shared, ...stages].map((stage) => stage.name).concat(evaluated);
  const same = repeated(parts);
  if (same >= 0) onFault([], `two stages or evaluations are named "${parts[same]}"`);
  const own = [...stages.map((stage) => stage.name), ...evaluated];
  const checkPatch = (patch: Patch, at: readonly PropertyKey[]) => {
    for (const [part, changes] of Object.entries(patch)) {
      const stage = stages.find((one) => one.name === part);
      if (stage) checkSeed(stage.stage, part, changes?.seed, [...at, part]);
      else if (!own.includes(part))
        onFault([...at, part], `"${part}"${nearestHint(part, own)} is none of ${own.join(', ')}`);
      else if (changes === null)
        onFault([...at, part], `"${part}" is an evaluation, which every arm has: no arm can leave it out`);
      else
        for (const key of COMPARED.filter((one) => one in changes))
          onFault(
            [...at, part, key],
            `"${key}" of "${part}" is the same for all arms, or they could not be compared; decoding and prompts may differ`,
          );
    }
  };
  for (const [i, { name: one, patch, tune: ownTune = tune }] of arms.entries()) {
    checkPatch(patch, ['arms', i, 'patch']);
    if (ownTune !== tune) for (const [j, part] of ownTune.entries()) checkPatch(part, ['arms', i, 'tune', j]);
    if (ownTune.length > 1 && evaluated.length === Object.keys(tests).length)
      onFault(
        [ownTune === tune ? 'tune' : 'arms'],
        `"${one}" has ${ownTune.length} settings and there is no \`development\` to choose by`,
      );
  }
  for (const [j, part] of tune.entries()) checkPatch(part, ['tune', j]);
  for (const [kind, sets] of Object.entries({ development, tests }))
    for (const [set, settings] of Object.entries(sets))
      if ('model' in settings)
        onFault([kind, set, 'model'], `"${set}" has a model of its own: the arms' models are evaluated`);
}
