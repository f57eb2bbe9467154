/** @file Defines what rewards see of a sample: no text, no tokens, no file. */

/** One of the responses to a problem. */
export interface Sample {
  /** Whether its answer is right, and it was not cut off. */
  readonly right: boolean;
  /** Its length, in tokens, or in characters where nobody has counted tokens. */
  readonly length: number;
  /** The mean natural log-prob of its tokens under the policy that drew it. */
  readonly meanLogp?: number;
}

/** The mean of numbers, of which there is one at least. */
export const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Whether all numbers are the same. */
export const areEqual = (numbers: readonly number[]): boolean =>
  numbers.every((number) => number === numbers[0]);
