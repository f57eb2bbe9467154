/** @file Finds the response tokens of packed rows. Knows nothing of losses. */
import type { TokenRow } from '../text/tokenRows.js';
import { indices } from '../torch/data.js';
import type { Tensor } from '../torch/tensor.js';

/** The response tokens of the rows of a pack: where each is predicted, and which token it is. */
export interface Responses {
  /** Response tokens of each row. */
  lengths: readonly number[];
  /** Positions in the pack whose hidden state predicts a response token: i64[tokens] */
  positions: Tensor;
  /** The response tokens: i64[tokens] */
  targets: Tensor;
}

/** Locates the responses of rows that are packed in this order. @throws RangeError if a response begins its row */
export function locateResponses(rows: readonly TokenRow[], device: string): Responses {
  const lengths = rows.map((row) => row.ids.length - row.responseStart);
  const total = lengths.reduce((a, b) => a + b, 0);
  const positions = new Int32Array(total);
  const targets = new Int32Array(total);
  let offset = 0;
  let at = 0;
  for (const { ids, responseStart } of rows) {
    if (responseStart < 1)
      throw new RangeError('a response needs a token before it, which predicts its first');
    for (let i = responseStart; i < ids.length; i++, at++) {
      positions[at] = offset + i - 1;
      targets[at] = ids[i]!;
    }
    offset += ids.length;
  }
  return { lengths, positions: indices(positions, device), targets: indices(targets, device) };
}

/** Cuts one value per response token into one array per row. */
export function perRow(values: Float64Array, lengths: readonly number[]): Float64Array[] {
  let start = 0;
  return lengths.map((length) => values.subarray(start, (start += length)));
}
