/** @file Words for what files say: names, counts and numbers of data that may be anything. */
import { z } from 'zod';
import { counted } from '../../util/counted.js';
import { shortened } from './json.js';

/** So many of a kind are named; the others are counted. */
const MOST = 4;
export const listed = (names: readonly string[]): string =>
  names.length > MOST
    ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more`
    : names.join(', ');
export const filesIn = (data: unknown): string => listed([data].flat().map(shortened));
export const much = (n: number): string => n.toLocaleString('en');
/** "1 row", "24,000 rows". */
export const many = (n: number, what: string): string => counted(n, what).replace(/^\d+/, much(n));
export const numberIn = (value: unknown, ...path: string[]): number | undefined => {
  const found = path.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null ? (part as Record<string, unknown>)[name] : undefined,
    value,
  );
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
};
export const textsIn = (value: unknown): string[] => z.array(z.string()).safeParse(value).data ?? [];
