/** @file Opens the objective that a recipe names: one of the list, or one that a module of the user's defines. */

import { UserError } from '../util/errors.js';
import { thrownBy, importFrom } from '../util/modules.js';
import type { ObjectiveDefinition } from './definition.js';
import type { ColumnShape, Evaluation, Objective, ScoredBatch, SequenceInfo } from './objective.js';
import type { ReadValues } from './topK.js';
import { createObjective, createTerms, type ObjectiveSetting, type ObjectiveSpec } from './registry.js';

/**
 * Makes the objective of a recipe. That of a module is checked whenever it is used: what it returns must have the
 * lengths of the responses, and be finite if the log-probs are.
 * @throws UserError naming the objective or the module
 */
export async function openObjective({ module, terms, ...setting }: ObjectiveSetting): Promise<Objective> {
  if (terms !== undefined) return createTerms(terms);
  if (module === undefined) return createObjective(setting as ObjectiveSpec);
  const where = `objective ${module}`;
  const definition = await importFrom(module, 'objective', 'objective');
  if (!isDefinition(definition))
    throw new UserError(
      `${where} exports something that is not an objective: export what defineObjective of redistill/objectives makes`,
    );
  let objective: unknown;
  try {
    objective = definition.create(setting);
  } catch (error) {
    throw new UserError(`${where}: ${thrownBy(error, module)}`);
  }
  const wrong = wrongMember(objective as Partial<Record<keyof Objective, unknown>> | undefined);
  if (wrong !== undefined) throw new UserError(`${where}: what its builder returns must have ${wrong}`);
  return checked(objective as Objective, module);
}

function isDefinition(value: unknown): value is Pick<ObjectiveDefinition, 'create'> {
  return typeof (value as Partial<ObjectiveDefinition> | null)?.create === 'function';
}

const DATA = new Set<unknown>(['messages', 'pairs', 'groups'] satisfies Objective['data'][]);
const SHAPES = new Set<unknown>(['sequence', 'token', 'segment', 'top-k', 'named'] satisfies ColumnShape[]);
const COUPLINGS = new Set<unknown>(['token', 'sequence', 'group', 'step'] satisfies Objective['couples'][]);
const inWords = (values: ReadonlySet<unknown>): string =>
  [...values].join(', ').replace(/, (?=[^,]*$)/, ' or ');

/** Names the first member that an objective lacks, if any. */
function wrongMember(objective: Partial<Record<keyof Objective, unknown>> | undefined): string | undefined {
  const { name, formula, data, needs, couples, weights, evaluate } = objective ?? {};
  if (typeof name !== 'string') return '"name", a text';
  if (typeof formula !== 'string') return '"formula", a text';
  if (!DATA.has(data)) return `"data", which is ${inWords(DATA)}`;
  if (typeof needs !== 'object' || needs === null) return '"needs", an object';
  const shapeless = Object.entries(needs).find(([, shape]) => !SHAPES.has(shape));
  if (shapeless) return `"needs.${shapeless[0]}", which is ${inWords(SHAPES)}`;
  if (couples !== undefined && !COUPLINGS.has(couples))
    return `"couples", which is ${inWords(COUPLINGS)}, or none`;
  if (typeof evaluate !== 'function') return '"evaluate", a function';
  if (weights !== undefined && typeof weights !== 'function') return '"weights" as a function, or none';
  return undefined;
}

/** Wraps an objective of a module so that its faults are told at once, and not as a training run that goes wrong. */
function checked(objective: Objective, module: string): Objective {
  const call = <T>(name: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw new UserError(`objective ${module}: ${name} threw: ${thrownBy(error, module)}`);
    }
  };
  const require = (complaint: string | undefined, name: string) => {
    if (complaint !== undefined) throw new UserError(`objective ${module}: ${name} returned ${complaint}`);
  };
  return {
    ...objective,
    evaluate: (batch) => {
      const evaluation = call('evaluate', () => objective.evaluate(batch));
      require(faultOfEvaluation(evaluation, batch), 'evaluate');
      return evaluation;
    },
    ...(objective.weights && {
      weights: (batch) => {
        const gradient = call('weights', () => objective.weights!(batch));
        require(faultOfRows(gradient, batch.sequences, true), 'weights');
        return gradient;
      },
    }),
  };
}

function faultOfEvaluation(
  evaluation: Partial<Evaluation> | undefined,
  { sequences, logps, reads = [] }: ScoredBatch,
): string | undefined {
  const { loss, gradient, metrics, remember, readGradient } = evaluation ?? {};
  // A log-prob that is not finite is the model's fault, and the trainer says so.
  const scores = [...logps, ...reads.flatMap((columns) => Object.values(columns))];
  const finite = scores.every((row) => row.every(Number.isFinite));
  if (typeof loss !== 'number') return 'no "loss" that is a number';
  if (finite && !Number.isFinite(loss)) return `a loss of ${loss}`;
  if (typeof metrics !== 'object' || (metrics as unknown) === null)
    return 'no "metrics"; give {} if there are none';
  for (const [name, value] of Object.entries(metrics))
    if (typeof value !== 'number' || (finite && !Number.isFinite(value)))
      return `${String(value)} as the metric "${name}"`;
  if (remember !== undefined && remember.length !== sequences.length)
    return `${remember.length} numbers to remember, for ${sequences.length} responses`;
  return (
    faultOfRows(gradient, sequences, finite) ?? (readGradient && faultOfReads(readGradient, reads, finite))
  );
}

/** Says what is wrong with a gradient of columns of token ids, which has a number for each of their entries. */
function faultOfReads(
  gradient: readonly ReadValues[],
  reads: readonly ReadValues[],
  finite: boolean,
): string | undefined {
  const list: unknown = gradient;
  if (!Array.isArray(list) || list.length !== reads.length)
    return `a "readGradient" that is not a list with columns for each of ${reads.length} responses`;
  for (const [i, columns] of gradient.entries())
    for (const [name, values] of Object.entries<unknown>(columns)) {
      const entries = reads[i]![name]?.length;
      const place = `"${name}" of response ${i + 1} of ${reads.length}`;
      if (entries === undefined) return `a gradient of ${place}, which the objective does not need`;
      if (!(values instanceof Float64Array) || values.length !== entries)
        return `a gradient of ${place} that is no Float64Array of its ${entries} entries`;
      const bad = finite ? values.findIndex((value) => !Number.isFinite(value)) : -1;
      if (bad !== -1) return `${values[bad]!} as the gradient of entry ${bad + 1} of ${place}`;
    }
  return undefined;
}

/** Says what is wrong with a gradient, which has a number for each token of each response. */
function faultOfRows(
  rows: readonly Float64Array[] | undefined,
  sequences: readonly SequenceInfo[],
  finite: boolean,
): string | undefined {
  if (!Array.isArray(rows)) return 'no gradient that is a list with a Float64Array for each response';
  if (rows.length !== sequences.length)
    return `a gradient for ${rows.length} responses, of ${sequences.length}`;
  for (const [i, { length }] of sequences.entries()) {
    const row: unknown = rows[i];
    const place = `response ${i + 1} of ${sequences.length}`;
    if (!(row instanceof Float64Array)) return `a gradient that is no Float64Array for ${place}`;
    if (row.length !== length)
      return `a gradient of ${row.length} numbers for ${place}, which has ${length} tokens`;
    const bad = finite ? row.findIndex((value) => !Number.isFinite(value)) : -1;
    if (bad !== -1) return `${row[bad]!} as the gradient of token ${bad + 1} of ${place}`;
  }
  return undefined;
}
