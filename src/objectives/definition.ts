/** @file Defines an objective by its name, its parameters with their ranges, and a builder. */

import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';
import type { Objective } from './objective.js';

/** What people are told of an objective besides its formula; docs/objectives.md is made of it. */
export interface ObjectiveAbout {
  /** The derivative of what a response adds, by the log-prob ℓ of one of its tokens, before weights and the mean. */
  readonly gradient: string;
  /** The paper or the code, with the equation. */
  readonly source: string;
  /** When to use it, as a sentence. */
  readonly use: string;
  /** How it fails, as a sentence. */
  readonly fails: string;
}

/** An objective before its parameters are known. */
export interface ObjectiveDefinition<About extends ObjectiveAbout | undefined = ObjectiveAbout | undefined> {
  readonly name: string;
  readonly about: About;
  /** The parameters with their ranges and defaults, each described. */
  readonly parameters: z.ZodObject;
  /** Makes the objective. @throws UserError if a parameter is unknown or out of range */
  create(parameters: Record<string, unknown>): Objective;
}

/**
 * Defines an objective.
 * @param shape the parameters with their ranges and defaults
 * @param build makes the objective from checked parameters
 * @param about what documents say of it
 */
export function defineObjective<
  Shape extends z.ZodRawShape,
  About extends ObjectiveAbout | undefined = undefined,
>(
  name: string,
  shape: Shape,
  build: (parameters: z.output<z.ZodObject<Shape>>) => Objective,
  about?: About,
): ObjectiveDefinition<About> {
  const schema = z.strictObject(shape);
  const allowed = Object.keys(shape);
  return {
    name,
    about: about as About,
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
      const value = parameters[String(issue!.path[0])];
      if (issue!.code === 'unrecognized_keys')
        throw new UserError(`objective ${name}: ${issue.path.join('.')} has no "${issue.keys[0]!}".`);
      const isQuoted = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
      const found = isQuoted ? `, not the text "${value}": leave out the quotes` : '';
      throw new UserError(`objective ${name}: ${issue!.path.join('.')} must be ${issue!.message}${found}.`);
    },
  };
}

/** Declares a parameter with a range, which is also the end of the message "… must be …". */
export function numberFrom(minimum: number, maximum = Infinity): z.ZodNumber {
  const range =
    maximum === Infinity ? `a number from ${minimum} up` : `a number from ${minimum} to ${maximum}`;
  return z.number(range).min(minimum, range).max(maximum, range);
}

/** Declares a parameter that is one of some words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, `one of ${words.join(', ')}`);
}

/** Declares what a mean over responses gives the same weight: each token of the step, or each response. */
export const meanOver = () =>
  oneOf(['token', 'sequence']).describe(
    'what counts the same: each token of the step, or each response, whose own tokens are averaged first',
  );

/** Declares the factor of a logistic loss's margin: what is outside leaves gradients of 0, or none that are finite. */
export const scaleNumber = (): z.ZodNumber => numberFrom(1e-9, 1e6);
