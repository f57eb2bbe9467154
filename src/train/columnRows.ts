/** @file Writes rows of tokens as sequences of the data format, with a column more. */
import { HalfPairs } from '../data/halfPairs.js';
import { streamTrainingRecords } from '../data/records.js';
import type { TopK } from '../objectives/topK.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { ColumnKind } from './columnKinds.js';
import type { Examples } from './examples.js';

/** How the numbers of a column are kept, and what a row says of them. */
export interface ColumnFormat {
  /** How many numbers a token of a response has. */
  width: number;
  /** Makes the column of a response's numbers. */
  columnOf: (numbers: Float64Array) => object;
}

/** @param named ids of the tokens whose log-probs are read, of a column of that kind */
export function columnFormat(read: ColumnKind, k: number, named: readonly number[]): ColumnFormat {
  if (read === 'named')
    return {
      width: named.length,
      columnOf: (numbers) => {
        const logps = rowsOf(numbers, named.length);
        return { ids: logps.map(() => named), logps };
      },
    };
  if (read === 'top-k')
    return {
      width: 2 * k,
      columnOf: (numbers) => {
        const lists = rowsOf(numbers, 2 * k);
        return { ids: lists.map((list) => list.slice(0, k)), logps: lists.map((list) => list.slice(k)) };
      },
    };
  return { width: 1, columnOf: (numbers) => [...numbers] };
}

/** Divides numbers into lists of equal lengths. */
const rowsOf = (numbers: Float64Array, width: number): number[][] =>
  Array.from({ length: numbers.length / width }, (_, row) => [
    ...numbers.subarray(row * width, (row + 1) * width),
  ]);

/** Fields of a row that become its sequences. */
const SPENT = new Set([
  ...['messages', 'prompt', 'completion', 'chosen', 'rejected', 'sequences'],
  ...['weight', 'scalars', 'label', 'tools', 'chat_template_kwargs'],
]);

/**
 * Writes the rows of a file in their order.
 * @param examples those rows as tokens
 * @param columnOf gives the column of a part
 * @returns the number of rows; one more than there are examples where the file has more
 */
export async function writeRows(
  data: string,
  examples: Examples,
  name: string,
  columnOf: (part: number) => object,
  out: { write: (row: object) => void },
): Promise<number> {
  let [place, part] = [0, 0];
  for await (const { fields } of streamTrainingRecords(data, new HalfPairs())) {
    if (place === examples.length) return place + 1;
    const { parts } = examples.at(place++);
    const others = Object.entries(fields).filter(([field]) => !SPENT.has(field));
    const sequences = parts.map(({ role, row }) => ({
      role,
      ...sequenceOf(row),
      columns: { ...columnsOf(row), [name]: columnOf(part++) },
    }));
    out.write({ ...Object.fromEntries(others), sequences });
  }
  return place;
}

/** The columns that a row has. */
function columnsOf({ columns = {}, topK = {}, segments }: TokenRow): Record<string, object> {
  const numbers = Object.entries(columns).map(([name, values]) => [name, [...values]] as const);
  const ids = Object.entries(topK).map(([name, column]) => [name, givenTopK(column, segments)] as const);
  return Object.fromEntries([...numbers, ...ids]);
}

/** Token ids as the data format has them: as lists, or where they are only named, as the segment that they begin. */
function givenTopK({ starts, ids, logps }: TopK, segments: Uint8Array | undefined): object {
  const lists = (values: ArrayLike<number>) =>
    Array.from(starts.subarray(1), (end, t) => Array.from(values).slice(starts[t], end));
  if (logps) return { ids: lists(ids), logps: lists(logps) };
  const at = starts.findIndex((end) => end > 0) - 1;
  return { segment: segments?.[at] ?? 0, tokens: [...ids] };
}

/** A row of tokens as a sequence of the data format. */
function sequenceOf({ ids, responseStart, weights, segments, scoreOnly, scalars }: TokenRow): object {
  const response: object[] = [];
  for (let from = responseStart, end = from; from < ids.length; from = end) {
    const segment = segments?.[from - responseStart];
    while (end < ids.length && segments?.[end - responseStart] === segment) end++;
    const own = weights?.subarray(from - responseStart, end - responseStart);
    response.push({
      ids: [...ids.subarray(from, end)],
      ...(own && { weights: [...own] }),
      ...(segment && { segment }),
    });
  }
  return {
    prompt: { ids: [...ids.subarray(0, responseStart)] },
    response,
    ...(scoreOnly && { score_only: [...scoreOnly] }),
    ...(scalars && { scalars }),
  };
}
