/** @file Computes what tokens look like: their numbers by a column, or by the difference of two, and where two responses part. */
import { own } from '../../util/own.js';
import type { TokenColumn, TokenText, Trace } from '../model.js';

/** What colours the tokens of a view. */
export interface Colouring {
  column: TokenColumn | undefined;
  /** Taken off it. */
  minus: TokenColumn | undefined;
}

/** The numbers of tokens; null where one is not known, undefined where there is no such column. */
export function valuesOf(
  { columns }: TokenText,
  { column, minus }: Colouring,
): (number | null)[] | undefined {
  const values = column && own(columns, column.key);
  if (!values || !minus) return values;
  const others = own(columns, minus.key);
  return others && values.map((value, i) => (value === null || others[i] == null ? null : value - others[i]));
}

/** Levels of a colour on either side. */
export const LEVELS = 4;
/** Nats at which a log-prob, and a difference of two, have the strongest colour. */
const [LOGP_FULL, CHANGE_FULL] = [6, 2];

/** The number that has the strongest colour. */
export function fullScale(
  all: readonly (readonly (number | null)[] | undefined)[],
  { column, minus }: Colouring,
): number {
  if (column?.kind === 'logp') return minus ? CHANGE_FULL : LOGP_FULL;
  let most = 0;
  for (const values of all)
    for (const value of values ?? []) if (value !== null) most = Math.max(most, Math.abs(value));
  return most;
}

/** From −LEVELS to LEVELS; 0 has no colour. */
export function levelOf(value: number | null | undefined, full: number): number {
  if (value === null || value === undefined || full === 0 || !Number.isFinite(value)) return 0;
  const share = Math.min(1, Math.abs(value) / full);
  return Math.sign(value) * Math.round(share * LEVELS);
}

/** How many tokens, or else characters, two responses have in common before they part; undefined where they are the same. */
export function partingOf(
  a: Trace | undefined,
  b: Trace | undefined,
): { at: number; inTokens: boolean } | undefined {
  if (!a || !b) return undefined;
  const inTokens = a.tokens !== undefined && b.tokens !== undefined;
  const [one, other] = inTokens ? [a.tokens!.texts, b.tokens!.texts] : [a.text, b.text];
  const most = Math.max(one.length, other.length);
  let at = 0;
  while (at < most && one[at] === other[at]) at++;
  return at === most ? undefined : { at, inTokens };
}
