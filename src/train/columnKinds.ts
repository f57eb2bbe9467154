/** @file Names what of a token a column can hold. Knows no tensors. */

export const columnKinds = ['logps', 'entropy', 'contrast', 'top-k'] as const;
/** One of those, or `named`: the log-probs of tokens that are named. */
export type ColumnKind = (typeof columnKinds)[number] | 'named';

/** Tells what a text asks for: one of the kinds, or tokens by their texts, with commas between them. */
export function columnRead(text: string): { read: ColumnKind; named: readonly string[] } {
  const kind = columnKinds.find((name) => name === text);
  return kind === undefined ? { read: 'named', named: text.split(',') } : { read: kind, named: [] };
}
