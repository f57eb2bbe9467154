/** @file Writes dates as C's `strftime` does. */

import { TemplateError } from './budget.js';

/** Formats a date by the directives that templates use, in English whatever the machine's language is. */
export function strftime(date: Date, format: string): string {
  const name = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-US', options).format(date);
  const directives: Record<string, string | (() => string)> = {
    Y: String(date.getFullYear()),
    y: String(date.getFullYear() % 100).padStart(2, '0'),
    m: String(date.getMonth() + 1).padStart(2, '0'),
    d: String(date.getDate()).padStart(2, '0'),
    H: String(date.getHours()).padStart(2, '0'),
    I: String(date.getHours() % 12 || 12).padStart(2, '0'),
    M: String(date.getMinutes()).padStart(2, '0'),
    S: String(date.getSeconds()).padStart(2, '0'),
    B: () => name({ month: 'long' }),
    b: () => name({ month: 'short' }),
    A: () => name({ weekday: 'long' }),
    a: () => name({ weekday: 'short' }),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    j: () => String(dayOfYear(date)).padStart(3, '0'),
    F: () => strftime(date, '%Y-%m-%d'),
    T: () => strftime(date, '%H:%M:%S'),
    R: () => strftime(date, '%H:%M'),
    D: () => strftime(date, '%m/%d/%y'),
    e: String(date.getDate()).padStart(2, ' '),
    // A time without a zone, as `datetime.now()` is.
    z: '',
    Z: '',
    '%': '%',
  };
  return format.replace(/%(-?)(.)/gs, (whole, unpadded: string, letter: string) => {
    const directive = directives[letter];
    if (directive === undefined) throw new TemplateError(`strftime_now() does not know ${whole}`);
    const text = typeof directive === 'string' ? directive : directive();
    return unpadded ? text.replace(/^[0 ]+(?=\d)/, '') : text;
  });
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (day - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000;
}
