/** @file The element types in which a model can compute, by the names that recipes and flags use. */

export const computeDtypes = ['bf16', 'f32'] as const;
export type ComputeDtype = (typeof computeDtypes)[number];
