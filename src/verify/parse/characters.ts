/** @file Rewrites digits, blanks and dashes of many shapes as the plain ones. */

/** The zeros of the blocks of ten digits: fullwidth, Arabic, Persian, Devanagari, Bengali. */
const ZEROS = [0xff10, 0x0660, 0x06f0, 0x0966, 0x09e6];

/** Rewrites the digits of other scripts as 0 to 9. */
export function withPlainDigits(text: string): string {
  return text.replace(/[\uff10-\uff19\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef]/g, (digit) => {
    const code = digit.charCodeAt(0);
    return String(code - ZEROS.find((zero) => code >= zero && code < zero + 10)!);
  });
}

/** Characters without width: joiners, marks of direction, soft hyphens, variation selectors, tags. */
const WITHOUT_WIDTH =
  /[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]|\udb40[\udc00-\udfff]/g;
const BLANKS =
  /[\u0000-\u0008\u000e-\u001f\u007f\u00a0\u115f\u1160\u1680\u180e\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]/g;
const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
/** Hyphens and minus signs; the dashes of sentences and small signs only where they begin a number. */
const MINUS_SIGNS = /[−‐‑‒―﹣－˗➖]|(?<![^\s:=(*_"`])[–—⁻₋](?=[\d.])/g;

/** Rewrites what cannot be told apart from plain text by eye: blanks, line ends, signs without width, minus signs, digits. */
export function withPlainSigns(text: string): string {
  // Most texts have nothing of this kind.
  if (!/[^\n\t\x20-\x7e]/.test(text)) return text;
  return withPlainDigits(text)
    .replace(LINE_ENDS, '\n')
    .replace(WITHOUT_WIDTH, '')
    .replace(BLANKS, ' ')
    .replace(MINUS_SIGNS, '-');
}
