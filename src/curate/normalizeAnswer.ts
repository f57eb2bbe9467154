/** @file Rewrites how a trace gives its final answer. */

/**
 * Rewrites a last line `A: 18` or `#### 18` to `The answer is 18`, the form in which students here give their answer; a
 * text that ends otherwise (a trace that was cut off) stays as it is.
 */
export function normalizeFinalAnswer(text: string): string {
  const trimmed = text.trimEnd();
  const start = trimmed.lastIndexOf('\n') + 1;
  const last = /^(?:A:|####)[ \t]*(\S.*)$/.exec(trimmed.slice(start));
  return last ? `${trimmed.slice(0, start)}The answer is ${last[1]!}` : text;
}
