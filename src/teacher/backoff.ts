/** @file How long to wait before asking again. */
/** The longest wait of our own. */
export const LONGEST_WAIT_MS = 60_000;

/**
 * Milliseconds before the next try: `firstMs` doubled with every try, at most a minute, of which a random half is taken
 * off so that many clients do not come back at once.
 * @param failures how many tries have failed, from 1
 */
export function backoffMs(failures: number, firstMs: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_WAIT_MS, firstMs * 2 ** (failures - 1)) * (1 - random() / 2);
}

/**
 * The wait that a server asks for, in milliseconds: `retry-after-ms`, or `Retry-After` as seconds or as a date
 * (RFC 9110, 10.2.3). Undefined where there is none or it cannot be read.
 */
export function retryAfterMs(headers: Headers | undefined, now = Date.now()): number | undefined {
  const milliseconds = headers?.get('retry-after-ms')?.trim();
  if (milliseconds && Number(milliseconds) >= 0) return Number(milliseconds);
  const value = headers?.get('retry-after')?.trim();
  if (!value) return undefined;
  const seconds = Number(value);
  if (!Number.isNaN(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
