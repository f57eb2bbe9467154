/** @file Reads numbers of rows, and refuses fields that are not known. */
import { plainNumber } from '../util/exactJson.js';
import type { Fail } from './messages.js';

/** Reads a number. @throws the error of `fail` naming the field */
export function numberOf(value: unknown, name: string, fail: Fail): number {
  const number = plainNumber(value);
  if (number === undefined || !Number.isFinite(number)) throw fail(`"${name}" must be a number`);
  return number;
}

/** With larger ones a sum of weights, by which means are divided, might be no number. */
const MOST_WEIGHT = 1e6;

/** Reads a weight. @throws the error of `fail` naming the field */
export function weightOf(value: unknown, name: string, fail: Fail): number {
  const weight = numberOf(value, name, fail);
  if (Math.abs(weight) > MOST_WEIGHT)
    throw fail(`"${name}" must be a number from ${-MOST_WEIGHT} to ${MOST_WEIGHT}`);
  return weight;
}

const MAX_ID = 2 ** 31 - 1;

/** Reads a whole number from 0. @throws the error of `fail` naming the field */
export function wholeNumber(value: unknown, name: string, fail: Fail): number {
  const number = plainNumber(value);
  if (number === undefined || !Number.isInteger(number) || number < 0 || number > MAX_ID)
    throw fail(`"${name}" must be a whole number from 0 to ${MAX_ID}`);
  return number;
}

/** Reads a list of whole numbers from 0. @throws the error of `fail` naming the field */
export function wholeNumbers(value: unknown, name: string, fail: Fail): number[] {
  if (!Array.isArray(value)) throw fail(`"${name}" must be a list of whole numbers`);
  return value.map((item: unknown, i) => wholeNumber(item, `${name}.${i}`, fail));
}

/** Refuses an object with a field that is none of those known. @throws the error of `fail` naming it */
export function refuseOthers(
  value: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  name: string,
  fail: Fail,
): void {
  const other = Object.keys(value).find((key) => !known.has(key));
  if (other !== undefined) throw fail(`"${name}.${other}" is not a field of it: ${[...known].join(', ')}`);
}
