/** @file Names what of a token a column can hold. Knows no tensors. */

export const columnKinds = ['logps', 'entropy', 'contrast', 'top-k'] as const;
export type ColumnKind = (typeof columnKinds)[number];
