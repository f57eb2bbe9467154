/** @file Makes the sequences of an optimizer step of rows of the data, with the columns that objectives ask for. */
import { withReference, type SequenceInfo } from '../objectives/objective.js';
import { sliceTopK } from '../objectives/topK.js';
import { trainedWeights } from '../text/parts.js';
import type { TokenRow } from '../text/tokenRows.js';
import { type Example } from './examples.js';
import { scalarsOf } from './rowChecks.js';

/** One sequence of an optimizer step. */
export interface TrainSequence extends SequenceInfo {
  row: TokenRow;
  /** It is scored under the weights as they are, and not trained. */
  onlyScored?: boolean;
}

/** The sequences of a row of the data, as group number `group` of a step. */
export function sequencesOf({ id, parts }: Example, group: number): TrainSequence[] {
  return parts.map(({ role, row, reference, onlyScored }, i) => {
    const tokenWeights = trainedWeights(row);
    const scalars = scalarsOf(role, row);
    const sequence: TrainSequence = {
      role,
      group,
      id: `${id}/${i}`,
      length: row.ids.length - row.responseStart,
      row,
      ...(onlyScored && { onlyScored }),
      ...(tokenWeights && { tokenWeights, weight: tokenWeights.reduce((sum, w) => sum + Math.abs(w), 0) }),
      ...(row.segments && { segments: row.segments }),
      ...(scalars && { scalars }),
      ...(row.columns && { columns: row.columns }),
      ...(row.topK && { topK: row.topK }),
    };
    if (reference === undefined) return sequence;
    if (typeof reference === 'number') return { ...sequence, scalars: { ...scalars, reference } };
    return withReference(sequence, reference);
  });
}

/**
 * Cuts a sequence down to a part of its tokens, each of weight 1.
 * @param from the first of its tokens that is kept
 * @param end the one after the last
 * @param responseStart where its response is to begin, counted in all its tokens
 * @param responseAt the token of the response whose columns that one gets
 */
export function cutSequence(
  { role, group, id, row, scalars, columns, topK, segments, onlyScored, length }: TrainSequence,
  { from, end, responseStart, responseAt }: Record<'from' | 'end' | 'responseStart' | 'responseAt', number>,
): TrainSequence {
  const ids = row.ids.slice(from, end);
  const kept = ids.length - (responseStart - from);
  const cut = (values: Float64Array) =>
    values.length === length ? values.slice(responseAt, responseAt + kept) : values;
  const read = topK && {
    topK: Object.fromEntries(
      Object.entries(topK).map(([name, column]) => [name, sliceTopK(column, responseAt, responseAt + kept)]),
    ),
  };
  return {
    ...{ role, group, length: kept, row: { ids, responseStart: responseStart - from, ...read } },
    ...read,
    ...(id !== undefined && { id }),
    ...(onlyScored && { onlyScored }),
    ...(scalars && { scalars }),
    ...(segments && { segments: segments.slice(responseAt, responseAt + kept) }),
    ...(columns && {
      columns: Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, cut(values)])),
    }),
  };
}
