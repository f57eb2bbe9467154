/** @file Text that a terminal shows and does not obey. */

/**
 * Control characters, escape among them, and what is invisible or turns the direction of writing. Tabs and newlines
 * are as they are in text; the joiners that emoji and some scripts are written with are left alone.
 */
const HIDDEN =
  /(?![\t\n])[\p{Cc}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

const written = (character: string): string =>
  `‹U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`;

/** Writes out control characters and invisible ones: `‹U+001B›`. Tabs and newlines stay. */
export function printable(text: string): string {
  return text.replace(HIDDEN, written);
}

/** The same, but the colours and weights of `ESC[…m` pass: for what paints and makes its own parts printable. */
export function printablePainted(text: string): string {
  return text.replace(/(\u001B\[[\d;]*m)|([^\u001B]+|\u001B)/g, (_, colour?: string, rest = '') =>
    colour === undefined ? printable(rest as string) : colour,
  );
}

/** A text within a line: line ends are shown as ⏎, and of a longer one there are `length` characters. */
export function inLine(text: string, length = Infinity): string {
  const line = text.trim().replace(/\s*[\n\u0085\u2028\u2029]\s*/g, ' ⏎ ');
  return printable(line.length > length ? `${line.slice(0, length)}…` : line);
}

/** A value as JSON in a line, with what `printable` writes out as `\u001b`: the same value to whoever reads it. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(HIDDEN, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
