/** @file Says the numbers of evaluations in words: shares with their uncertainty, never one that cannot be known. */
import { wilsonInterval } from '../statistics/intervals.js';
import type { PairedComparison } from '../statistics/paired.js';

/** "48.7" for a share. */
export const points = (share: number): string => (100 * share).toFixed(1);
/** "−3.0" for a difference of shares. */
export const signed = (difference: number): string =>
  `${difference < 0 ? '−' : '+'}${points(Math.abs(difference))}`;
export const percent = (share: number): string => `${points(share)} %`;

/** A chance as tables have it: ".180" or "< .001". */
export const chance = (p: number): string => (p < 0.001 ? '< .001' : p.toFixed(3).replace(/^0/, ''));
/** The same in a sentence: "p = .180" or "p < .001". */
export const chanceInWords = (p: number): string => (p < 0.001 ? `p ${chance(p)}` : `p = ${chance(p)}`);

/** Whether a standard error says something: that of a single problem and of problems that are all alike does not, nor does one that rounds to 0. */
const isTelling = (standardError: number | null): standardError is number =>
  standardError !== null && Number(points(standardError)) > 0;

/**
 * "48.7 ± 2.2", in per cent; where the standard error says nothing (one problem, or all problems alike), the 95 % interval
 * instead: "0.0 (0.0 to 16.1)".
 */
export function shareInPoints(share: number, standardError: number | null, problems: number): string {
  if (isTelling(standardError)) return `${points(share)} ± ${points(standardError)}`;
  const [low, high] = wilsonInterval(share, problems);
  return `${points(share)} (${points(low)} to ${points(high)})`;
}

/** "48.7 % ± 2.2 %", or "0.0 % (95 % interval 0.0 % to 16.1 %)". */
export function shareInWords(share: number, standardError: number | null, problems: number): string {
  if (isTelling(standardError)) return `${percent(share)} ± ${percent(standardError)}`;
  const [low, high] = wilsonInterval(share, problems);
  return `${percent(share)} (95 % interval ${percent(low)} to ${percent(high)})`;
}

/** "−3.0 (−7.1 to +1.1, p = .180)" in points; without an interval where there is none. */
export function differenceInPoints(
  comparison: Pick<PairedComparison, 'difference' | 'interval' | 'pValue' | 'standardError' | 'problems'>,
): string {
  const { difference, interval, pValue, standardError, problems } = comparison;
  if (problems === 1) return `${signed(difference)} (one problem)`;
  const p = chanceInWords(pValue);
  if (standardError === 0) return `${signed(difference)} (the same for every problem, ${p})`;
  return `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])}, ${p})`;
}
