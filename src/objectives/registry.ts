/** @file Lists the objectives by name; recipes, help texts and docs/recipes.md take them from here. */

import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';
import type { ObjectiveDefinition } from './definition.js';
import { dpo } from './dpo.js';
import type { Objective } from './objective.js';
import { redi } from './redi.js';
import { sft } from './sft.js';
import { simpo } from './simpo.js';
import { symmetric } from './symmetric.js';

/** What there is, by name. */
export const objectiveDefinitions: ReadonlyMap<string, ObjectiveDefinition> = new Map(
  [sft, redi, symmetric, simpo, dpo].map((definition) => [definition.name, definition]),
);

/** The names that recipes may use, in the order in which help and documents list them. */
export const objectiveNames: readonly string[] = [...objectiveDefinitions.keys()];

/** An objective of the list: its name, and the parameters that differ from the defaults. */
export type ObjectiveSpec = { name: string } & Record<string, unknown>;

/** An objective in a recipe: the name of one of the list or the path of a module, and its parameters. */
export type ObjectiveSetting = { name?: string | undefined; module?: string | undefined } & Record<
  string,
  unknown
>;

/** Makes an objective. @throws UserError for an unknown name, an unknown parameter or a value out of range */
export function createObjective({ name, ...parameters }: ObjectiveSpec): Objective {
  const definition = objectiveDefinitions.get(name);
  if (!definition)
    throw new UserError(
      `there is no objective "${name}"${nearestHint(name, objectiveNames)}; choose one of ${objectiveNames.join(', ')} (docs/recipes.md, section "Objectives").`,
    );
  return definition.create(parameters);
}
