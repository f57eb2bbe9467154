/** @file Describes token ids beside those of a response: a few for each of its tokens, to be read in its place. */

/** Token ids that may stand in the place of each token of a response, such as the likeliest ones of a teacher. */
export interface TopK {
  /** The number of the first entry of each token of the response, and last the number of all: one more than tokens. */
  starts: Uint32Array;
  /** The ids of all entries; those of one token differ. */
  ids: Int32Array;
  /** Natural log-probs that came with them; absent where tokens are only named. */
  logps?: Float64Array;
}

/** Makes a column of lists, one for each token. */
export function topKOf(ids: readonly (readonly number[])[], logps?: readonly (readonly number[])[]): TopK {
  const starts = new Uint32Array(ids.length + 1);
  ids.forEach((own, t) => {
    starts[t + 1] = starts[t]! + own.length;
  });
  return {
    starts,
    ids: Int32Array.from(ids.flat()),
    ...(logps && { logps: Float64Array.from(logps.flat()) }),
  };
}

/** The part of a column that belongs to some of the tokens. */
export function sliceTopK({ starts, ids, logps }: TopK, from: number, end: number): TopK {
  const [first, last] = [starts[from]!, starts[end]!];
  return {
    starts: starts.slice(from, end + 1).map((start) => start - first),
    ids: ids.slice(first, last),
    ...(logps && { logps: logps.slice(first, last) }),
  };
}

/** A number for each entry of columns of token ids, by their names. */
export type ReadValues = Readonly<Record<string, Float64Array>>;
