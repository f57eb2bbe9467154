/** @file How sure a share of right responses is, as a report shows it: never by a standard error that says nothing. */
import { normalInterval, wilsonInterval } from '../../statistics/intervals.js';

const clamped = ([low, high]: readonly [number, number]): [number, number] => [
  Math.max(0, low),
  Math.min(1, high),
];

/**
 * The standard error of a share over problems, and its 95 % interval. Problems that are all alike, or a single one, say nothing of how much
 * others would differ: their error of 0 is not known, and Wilson's interval says what is.
 */
export function sureness(
  mean: number,
  standardError: number | null,
  problems: number,
): { standardError: number | null; interval: [number, number] } {
  return standardError !== null && standardError > 0
    ? { standardError, interval: clamped(normalInterval(mean, standardError)) }
    : { standardError: null, interval: wilsonInterval(mean, problems) };
}

/** The same as cells of a table: the standard error, and the interval from and to. */
export function surenessCells(
  mean: number | null,
  standardError: number | null,
  problems: number,
): (number | null)[] {
  if (mean === null || problems < 1) return [null, null, null];
  const found = sureness(mean, standardError, problems);
  return [found.standardError, ...found.interval];
}
