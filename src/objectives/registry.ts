/** @file Lists the objectives by name; recipes, help texts and docs/recipes.md take them from here. */

import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';
import { a2po } from './a2po.js';
import { asymre } from './asymre.js';
import { cdpo } from './cdpo.js';
import type { ObjectiveAbout, ObjectiveDefinition } from './definition.js';
import { dft } from './dft.js';
import { dpo } from './dpo.js';
import { dro } from './dro.js';
import { gkd, ssb } from './gkd.js';
import { glow } from './glow.js';
import { grpo } from './grpo.js';
import { iwSft } from './iwSft.js';
import { kl } from './kl.js';
import { kto } from './kto.js';
import { nft } from './nft.js';
import type { Objective, Role } from './objective.js';
import { hindsight, opd, renio } from './opd.js';
import { oreal } from './oreal.js';
import { orpo } from './orpo.js';
import { qcrd } from './qcrd.js';
import { redi } from './redi.js';
import { nsr, psr, wReinforce } from './reinforce.js';
import { s2r } from './s2r.js';
import { sft } from './sft.js';
import { shaped } from './shaped.js';
import { simpo } from './simpo.js';
import { symmetric } from './symmetric.js';
import { sumOfTerms } from './terms.js';
import { topr } from './topr.js';
import { unlikelihood } from './unlikelihood.js';
import { epicar, revise } from './verdicts.js';
import { weightedSft } from './weightedSft.js';

/** Those whose weights are known beforehand, those of single responses, those of pairs and steps, and those of token ids. */
const definitions: readonly ObjectiveDefinition<ObjectiveAbout>[] = [
  ...[sft, redi, symmetric, simpo, dpo],
  ...[weightedSft, unlikelihood, asymre, glow],
  ...[
    dft,
    iwSft,
    topr,
    nft,
    psr,
    nsr,
    wReinforce,
    grpo,
    opd,
    hindsight,
    renio,
    dro,
    a2po,
    oreal,
    s2r,
    shaped,
  ],
  ...[orpo, kto, cdpo, qcrd, kl],
  ...[gkd, ssb, epicar, revise],
];

/** What there is, by name. */
export const objectiveDefinitions: ReadonlyMap<string, ObjectiveDefinition<ObjectiveAbout>> = new Map(
  definitions.map((definition) => [definition.name, definition]),
);

/** The names that recipes may use, in the order in which help and documents list them. */
export const objectiveNames: readonly string[] = [...objectiveDefinitions.keys()];

/** An objective of the list: its name, and the parameters that differ from the defaults. */
export type ObjectiveSpec = { name: string } & Record<string, unknown>;

/** An objective in a recipe: the name of one of the list or the path of a module, and its parameters; or a list of terms. */
export type ObjectiveSetting = {
  name?: string | undefined;
  module?: string | undefined;
  terms?: TermSetting[] | undefined;
} & Record<string, unknown>;

/** A term of a list, by the name of one of the list above: its weight, what it sees, and its parameters. */
export type TermSetting = {
  name: string;
  weight?: number;
  roles?: string[] | undefined;
  segments?: number[] | undefined;
  by?: string | undefined;
  highest?: number | undefined;
} & Record<string, unknown>;

/** Makes the objective that is a sum of terms. @throws UserError as `createObjective` does */
export const createTerms = (settings: readonly TermSetting[]): Objective =>
  sumOfTerms(
    settings.map(({ weight = 1, roles, segments, by, highest, ...spec }) => {
      const objective = createObjective(spec);
      if (objective.data === 'pairs' && roles && !SIDES.every((side) => roles.includes(side)))
        throw new UserError(
          `objective ${spec.name} compares a chosen with a rejected response: its "roles" name both, or are left out.`,
        );
      return { ...{ weight, roles, segments, by, highest }, objective };
    }),
  );

const SIDES: readonly Role[] = ['chosen', 'rejected'];

/** Makes an objective. @throws UserError for an unknown name, an unknown parameter or a value out of range */
export function createObjective({ name, ...parameters }: ObjectiveSpec): Objective {
  const definition = objectiveDefinitions.get(name);
  if (!definition)
    throw new UserError(
      `there is no objective "${name}"${nearestHint(name, objectiveNames)}; choose one of ${objectiveNames.join(', ')} (docs/recipes.md, section "Objectives").`,
    );
  return definition.create(parameters);
}
