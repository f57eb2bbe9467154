/** @file Brings texts into the form in which problems are compared. */

/** Returns the text in lower case, trimmed, white space collapsed: the form in which REDI's code compares problems. */
export function normalizeText(text: string): string {
  return text.toLowerCase().trim().replace(/\s+/gu, ' ');
}
