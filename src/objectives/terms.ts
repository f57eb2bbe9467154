/** @file Adds objectives up: each is a term with a weight, for some roles and segments, normalised by its own counts. */

import {
  columnOf,
  readColumns,
  stepOf,
  tokenWeight,
  withReference,
  type Evaluation,
  type Objective,
  type Role,
  type ScoredBatch,
  type SequenceInfo,
  type Step,
} from './objective.js';
import type { ReadValues } from './topK.js';

/** An objective that is a part of a loss. */
export interface Term {
  objective: Objective;
  weight: number;
  /** The responses that it sees. Default: all. */
  roles?: readonly Role[] | undefined;
  /** The segments of them that count for it. Default: all. */
  segments?: readonly number[] | undefined;
  /** A column of shape `token`, by whose numbers the weights of their tokens are multiplied. */
  by?: string | undefined;
  /**
   * So many tokens of a response, those with the highest numbers of `by`, count for it as they did, and no others. Of equal numbers the
   * earlier token is taken.
   */
  highest?: number | undefined;
}

const DATA = ['messages', 'groups', 'pairs'] as const;
const COUPLINGS = ['token', 'sequence', 'group', 'step'] as const;
const last = <T>(order: readonly T[], values: readonly T[]): T =>
  order[Math.max(...values.map((value) => order.indexOf(value)))]!;

/**
 * Makes the objective that is Σ weight·term. What a term does not see has no part in its counts: a mean is over the tokens,
 * responses and pairs that are left to it. Of metrics with one name the first term's is shown; `loss/NAME` is a term's own loss.
 */
export function sumOfTerms(terms: readonly Term[]): Objective {
  const needs = (of: readonly Term[]): Objective['needs'] =>
    of.map(needsOf).reduce((all, own) => {
      const wider = Object.entries(own).filter(([name]) => all[name] !== 'token' && all[name] !== 'top-k');
      return { ...all, ...Object.fromEntries(wider) };
    }, {});
  const objectives = terms.map(({ objective }) => objective);
  const everyWeights = objectives.every((objective) => objective.weights !== undefined);
  return {
    name: objectives.map(({ name }) => name).join(' + '),
    formula: terms.map(inWords).join(' + '),
    data: last(
      DATA,
      terms.map(({ objective: { data }, roles }) => (roles && data === 'messages' ? 'groups' : data)),
    ),
    needs: needs(terms),
    needsOf: (role) => needs(terms.filter(({ roles }) => !roles || roles.includes(role))),
    couples: last(
      COUPLINGS,
      objectives.map((objective) => (objective.weights ? 'token' : (objective.couples ?? 'group'))),
    ),
    ...(objectives.some(({ mismatched }) => mismatched) && { mismatched: true }),
    terms: terms.map((term) => ({
      name: inWords(term),
      ofPairs: term.objective.data === 'pairs',
      sees: (sequence) => seenOf(term, sequence).length > 0,
    })),
    evaluate: (batch) => added(terms, batch),
    ...(everyWeights && {
      weights: (batch) => {
        const gradient: Float64Array[] = batch.sequences.map(({ length }) => new Float64Array(length));
        for (const term of terms) {
          const { places, sequences, step } = seenBy(term, batch.sequences, batch.step);
          add(gradient, term.weight, places, term.objective.weights!({ sequences, step }));
        }
        return gradient;
      },
    }),
  };
}

function needsOf({ objective: { needs }, segments, by }: Term): Objective['needs'] {
  return {
    ...needs,
    // A part of a response needs the reference of its tokens.
    ...((segments ?? by) && needs.reference && { reference: 'token' as const }),
    ...(by !== undefined && { [by]: 'token' as const }),
  };
}

function inWords({ objective: { formula }, weight, roles, segments, by, highest }: Term): string {
  const of = [
    ...(roles ? [roles.join(', ')] : []),
    ...(segments ? [`segment${segments.length === 1 ? '' : 's'} ${segments.join(', ')}`] : []),
    ...(by === undefined
      ? []
      : [highest === undefined ? `tokens by their ${by}` : `the ${highest} tokens of highest ${by}`]),
  ];
  return `${weight}·[${formula}${of.length > 0 ? `; of ${of.join(', ')}` : ''}]`;
}

function added(terms: readonly Term[], batch: ScoredBatch): Evaluation {
  const total: Evaluation = {
    loss: 0,
    gradient: batch.sequences.map(({ length }) => new Float64Array(length)),
    metrics: {},
  };
  const { reads } = batch;
  const readGradient = reads?.map((of) => mapValues(of, ({ length }) => new Float64Array(length)));
  if (readGradient) total.readGradient = readGradient;
  for (const term of terms) {
    const { places, sequences, step } = seenBy(term, batch.sequences, batch.step);
    const { loss, gradient, metrics, remember, ...read } = term.objective.evaluate({
      ...batch,
      ...{ sequences, step, logps: places.map((i) => batch.logps[i]!) },
      ...(reads && { reads: places.map((i) => reads[i]!) }),
    });
    total.loss += term.weight * loss;
    add(total.gradient, term.weight, places, gradient);
    for (const name of readColumns(term.objective))
      if (read.readGradient)
        add(
          readGradient!.map((of) => of[name]!),
          term.weight,
          places,
          read.readGradient.map((of) => of[name]!),
        );
    total.metrics = { ...metrics, [`loss/${term.objective.name}`]: loss, ...total.metrics };
    if (remember && places.length === batch.sequences.length) total.remember = remember;
  }
  return total;
}

const mapValues = (of: ReadValues, change: (values: Float64Array) => Float64Array): ReadValues =>
  Object.fromEntries(Object.entries(of).map(([name, values]) => [name, change(values)]));

function add(
  into: readonly Float64Array[],
  weight: number,
  places: readonly number[],
  gradient: readonly Float64Array[],
): void {
  places.forEach((place, i) => {
    gradient[i]!.forEach((value, t) => {
      into[place]![t]! += weight * value;
    });
  });
}

/** What a term sees of a step and of a part of it. */
function seenBy(
  term: Term,
  batch: readonly SequenceInfo[],
  { sequences, clock, memory }: Step,
): { places: number[]; sequences: SequenceInfo[]; step: Step } {
  const found = batch.flatMap((sequence, place) => seenOf(term, sequence).map((part) => ({ place, part })));
  return {
    places: found.map(({ place }) => place),
    sequences: found.map(({ part }) => part),
    step: stepOf(
      sequences.flatMap((sequence) => seenOf(term, sequence)),
      { clock, memory },
    ),
  };
}

/** A response as a term sees it, or nothing. What learns one response a row learns those of the roles that are named. */
function seenOf(term: Term, sequence: SequenceInfo): SequenceInfo[] {
  const { roles, segments, by, objective } = term;
  if (roles && !roles.includes(sequence.role)) return [];
  const part = (segments ?? by) ? partOf(sequence, term) : sequence;
  if (part.weight === 0) return [];
  return [roles && objective.data === 'messages' ? { ...part, role: 'demonstration' } : part];
}

/** A response of which only some tokens count for a term, or some more than others. */
function partOf(sequence: SequenceInfo, { segments, by, highest }: Term): SequenceInfo {
  const numbers = by === undefined ? undefined : columnOf(sequence, by);
  const tokenWeights = Float64Array.from({ length: sequence.length }, (_, t) => {
    if (segments && !segments.includes(sequence.segments?.[t] ?? 0)) return 0;
    return tokenWeight(sequence, t) * (highest === undefined ? (numbers?.[t] ?? 1) : 1);
  });
  if (highest !== undefined && numbers) {
    const places = [...tokenWeights.keys()].filter((t) => tokenWeights[t] !== 0);
    places.sort((a, b) => numbers[b]! - numbers[a]!);
    for (const t of places.slice(highest)) tokenWeights[t] = 0;
  }
  const weight = tokenWeights.reduce((sum, own) => sum + Math.abs(own), 0);
  const part = { ...sequence, tokenWeights, weight };
  const reference = sequence.columns?.reference;
  return reference ? withReference(part, reference) : part;
}
