/** @file Shortens long runs of white space and of characters without width. */

/** The least characters of such a run. */
const LEAST = 5;

/** Whether a character is white space, a control character or one without width. */
function isPadding(code: number): boolean {
  if (code < 0x80) return code <= 0x20;
  if (code < 0x2000) return code === 0x85 || code === 0xa0 || code === 0xad;
  if (code <= 0x206f) return code <= 0x200f || (code >= 0x2028 && code <= 0x202f) || code >= 0x205f;
  return code === 0x2800 || code === 0x3000 || code === 0x3164 || code === 0xfeff;
}

/**
 * Leaves of each run of five such characters or more an empty line where it has a line end, else four blanks. Looks at one
 * character in five where there is none of them, since a response may be megabytes long.
 */
export function withoutPadding(text: string): string {
  let plain = '';
  let from = 0;
  for (let at = LEAST - 1; at < text.length; at += LEAST) {
    if (!isPadding(text.charCodeAt(at))) continue;
    let start = at;
    let end = at + 1;
    while (start > from && isPadding(text.charCodeAt(start - 1))) start--;
    while (end < text.length && isPadding(text.charCodeAt(end))) end++;
    if (end - start < LEAST) continue;
    plain += text.slice(from, start) + (text.slice(start, end).includes('\n') ? '\n\n' : '    ');
    from = end;
    // The next run begins behind the character that ends this one.
    at = end;
  }
  return plain + text.slice(from);
}
