/** @file Defines an objective by its name, its parameters with their ranges, and a builder. */

import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';
import type { Objective } from './objective.js';

/** An objective before its parameters are known. */
export interface ObjectiveDefinition {
  readonly name: string;
  /** The parameters with their ranges and defaults, each described. */
  readonly parameters: z.ZodObject;
  /** Makes the objective. @throws UserError if a parameter is unknown or out of range */
  create(parameters: Record<string, unknown>): Objective;
}

/**
 * Defines an objective.
 * @param shape the parameters with their ranges and defaults
 * @param build makes the objective from checked parameters
 */
export function defineObjective<Shape extends z.ZodRawShape>(
  name: string,
  shape: Shape,
  build: (parameters: z.output<z.ZodObject<Shape>>) => Objective,
): ObjectiveDefinition {
  const schema = z.strictObject(shape);
  const allowed = Object.keys(shape);
  return {
    name,
    parameters: schema,
    create: (parameters) => {
      const { success, data, error } = schema.safeParse(parameters);
      if (success) return build(data);
      const unknown = Object.keys(parameters).find((key) => !allowed.includes(key));
      if (unknown !== undefined)
        throw new UserError(
          `objective ${name} has no parameter "${unknown}"${nearestHint(unknown, allowed)}; it takes ${allowed.length === 0 ? 'none' : allowed.join(', ')} (docs/recipes.md, section "Objectives").`,
        );
      const [issue] = error.issues;
      throw new UserError(`objective ${name}: ${issue!.path.join('.')} must be ${issue!.message}.`);
    },
  };
}

/** Declares a parameter with a range, which is also the end of the message "… must be …". */
export function numberFrom(minimum: number, maximum = Infinity): z.ZodNumber {
  const range =
    maximum === Infinity ? `a number from ${minimum} up` : `a number from ${minimum} to ${maximum}`;
  return z.number(range).min(minimum, range).max(maximum, range);
}

/** Declares the factor of a logistic loss's margin: what is outside leaves gradients of 0, or none that are finite. */
export const scaleNumber = (): z.ZodNumber => numberFrom(1e-9, 1e6);
