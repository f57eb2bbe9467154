/** @file Lays a token row out in bytes, and reads it from them. Knows nothing of files. */
import { z } from 'zod';
import type { TopK } from '../objectives/topK.js';
import type { TokenRow } from './tokenRows.js';

/** The names of a row's scalars and columns. */
export const rowNames = z.object({
  scalars: z.array(z.string()),
  columns: z.array(z.string()),
  topK: z.array(z.object({ name: z.string(), hasLogps: z.boolean() })),
});
export type RowNames = z.output<typeof rowNames>;

/** How many numbers of each kind a row has. */
export type RowShape = Record<'ids' | 'scoreOnly' | 'weights' | 'segments' | 'numbers' | 'places', number>;

/** The bytes of a row, which are a multiple of four. */
export const sizeOf = ({ ids, scoreOnly, weights, segments, numbers, places }: RowShape): number =>
  4 * ids + 4 * scoreOnly + 8 * weights + 4 * Math.ceil(segments / 4) + 8 * numbers + 4 * places;

export const namesOf = ({ scalars = {}, columns = {}, topK = {} }: TokenRow): RowNames => ({
  scalars: Object.keys(scalars),
  columns: Object.keys(columns),
  topK: Object.entries(topK).map(([name, { logps }]) => ({ name, hasLogps: logps !== undefined })),
});

/** The largest token id of a row, those of its columns included. */
export function largestIdOf({ ids, topK = {} }: TokenRow): number {
  const largest = (of: Int32Array) => of.reduce((a, b) => Math.max(a, b), 0);
  return Math.max(largest(ids), ...Object.values(topK).map((column) => largest(column.ids)));
}

/** Lays out a row, and counts its numbers and places, which `RowShape` has. */
export function bytesOf(row: TokenRow): { bytes: Uint8Array<ArrayBuffer>; numbers: number; places: number } {
  const { ids, scoreOnly, weights, segments } = row;
  const [numbers, places] = [numbersOf(row), placesOf(row)];
  const counts = {
    ids: ids.length,
    scoreOnly: scoreOnly?.length ?? 0,
    weights: weights?.length ?? 0,
    segments: segments?.length ?? 0,
    numbers: numbers.length,
    places: places.length,
  };
  const bytes = new Uint8Array(sizeOf(counts));
  let at = 0;
  for (const values of [ids, scoreOnly, weights, segments, numbers, places]) {
    if (!values) continue;
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += 4 * Math.ceil(values.byteLength / 4);
  }
  return { bytes, numbers: numbers.length, places: places.length };
}

/** Reads what `bytesOf` has laid out. */
export function rowOf(
  bytes: Uint8Array<ArrayBuffer>,
  shape: RowShape,
  names: RowNames,
): Omit<TokenRow, 'responseStart'> {
  let at = 0;
  const next = (size: number): ArrayBuffer => bytes.buffer.slice(at, (at += size));
  return {
    ids: new Int32Array(next(4 * shape.ids)),
    ...(shape.scoreOnly > 0 && { scoreOnly: new Int32Array(next(4 * shape.scoreOnly)) }),
    ...(shape.weights > 0 && { weights: new Float64Array(next(8 * shape.weights)) }),
    ...(shape.segments > 0 && {
      segments: new Uint8Array(next(4 * Math.ceil(shape.segments / 4)), 0, shape.segments),
    }),
    ...named(new Float64Array(next(8 * shape.numbers)), new Uint32Array(next(4 * shape.places)), names),
  };
}

/** A row's scalars, each column after its length, and the log-probs of its token ids. */
function numbersOf({ scalars = {}, columns = {}, topK = {} }: TokenRow): Float64Array {
  const numbers: number[] = Object.values(scalars);
  for (const column of Object.values(columns)) {
    numbers.push(column.length);
    for (const value of column) numbers.push(value);
  }
  for (const { logps = [] } of Object.values(topK)) for (const logp of logps) numbers.push(logp);
  return Float64Array.from(numbers);
}

/** Of each column of token ids, how many tokens it is for, where their entries begin, and the ids. */
function placesOf({ topK = {} }: TokenRow): Uint32Array {
  const places: number[] = [];
  for (const { starts, ids } of Object.values(topK)) {
    places.push(starts.length);
    for (const start of starts) places.push(start);
    for (const id of ids) places.push(id);
  }
  return Uint32Array.from(places);
}

/** Gives numbers and places their names again. */
function named(
  numbers: Float64Array,
  places: Uint32Array,
  names: RowNames,
): Pick<TokenRow, 'scalars' | 'columns' | 'topK'> {
  let at = 0;
  const take = (length: number): Float64Array => numbers.slice(at, (at += length));
  const scalars = Object.fromEntries(names.scalars.map((name) => [name, numbers[at++]!]));
  const columns = Object.fromEntries(names.columns.map((name) => [name, take(numbers[at++]!)]));
  let place = 0;
  const topK = Object.fromEntries(
    names.topK.map(({ name, hasLogps }): [string, TopK] => {
      const length = places[place++]!;
      const starts = places.slice(place, (place += length));
      const ids = Int32Array.from(places.subarray(place, (place += starts.at(-1)!)));
      return [name, { starts, ids, ...(hasLogps && { logps: take(ids.length) }) }];
    }),
  );
  return {
    ...(names.scalars.length > 0 && { scalars }),
    ...(names.columns.length > 0 && { columns }),
    ...(names.topK.length > 0 && { topK }),
  };
}
