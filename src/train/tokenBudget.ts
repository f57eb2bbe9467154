/** @file Divides rows into packs and calls of a bounded number of tokens. Knows lengths alone. */

/**
 * The tokens that go through the model at once where nobody says how many: what fills the device's products without taking
 * more memory than they need (docs/decisions.md).
 */
export const defaultTokenBudget = (device: string): number => (device === 'cpu' ? 1024 : 16_384);

/**
 * Fills packs of at most `budget` tokens by first-fit decreasing: rows are taken longest first, each into the first
 * pack with room (which makes at most 11/9 of the fewest packs possible, plus one). Rows of equal length keep their
 * order, so the result depends on the arguments alone. A row longer than the budget gets a pack of its own.
 * @param lengths tokens of each row
 * @returns row indices of each pack; the pack with the longest row comes first, so that memory peaks at once
 */
export function packByTokenBudget(lengths: readonly number[], budget: number): number[][] {
  const longestFirst = Uint32Array.from(lengths.keys()).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  // Arrays that grow would take many times the memory of these, which matters for the rows of a large file.
  const packOf = new Uint32Array(lengths.length);
  const sizes: number[] = [];
  // A tree over the packs, those to come included: the most room below each node.
  const leaves = 2 ** Math.ceil(Math.log2(lengths.length));
  const room = new Float64Array(2 * leaves).fill(budget);
  for (const row of longestFirst) {
    const length = lengths[row]!;
    let node = 1;
    while (node < leaves) node = room[2 * node]! >= length ? 2 * node : 2 * node + 1;
    // Stryker disable next-line EqualityOperator: a row of the budget's length finds the first empty pack, which is the next one.
    const place = length > budget ? sizes.length : node - leaves;
    packOf[row] = place;
    sizes[place] = (sizes[place] ?? 0) + 1;
    node = place + leaves;
    room[node]! -= length;
    for (node >>= 1; node > 0; node >>= 1) room[node] = Math.max(room[2 * node]!, room[2 * node + 1]!);
  }
  // Stryker disable next-line ArrayDeclaration: arrays that grow hold the same rows.
  const packs = sizes.map((size) => new Array<number>(size));
  sizes.fill(0);
  for (const row of longestFirst) {
    const place = packOf[row]!;
    packs[place]![sizes[place]!++] = row;
  }
  return packs;
}

/** Rows that an objective needs to see together, such as the two sides of a pair. */
export interface RowGroup {
  indices: readonly number[];
  /** The number of tokens of all its rows. */
  tokens: number;
}

/**
 * Divides groups into engine calls of at most `budget` tokens without splitting a group; a group over the budget gets a
 * call of its own.
 * @returns row indices of each call
 */
export function callsByTokenBudget(groups: readonly RowGroup[], budget: number): number[][] {
  const calls = packByTokenBudget(
    groups.map(({ tokens }) => tokens),
    budget,
  );
  return calls.map((call) => call.flatMap((group) => groups[group]!.indices));
}
