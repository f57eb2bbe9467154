/** @file How much of texts a report holds, so that a browser opens it at once; with `--all` it holds all of them. */

export interface Limits {
  /** Characters of all responses of evaluations. */
  responses: number;
  /** Rows of all curations, and characters of their texts. */
  rows: number;
  rowCharacters: number;
  /** Characters of one response of a row. */
  trace: number;
  /** Tokens that are shown one by one. */
  tokens: number;
  /** Bytes of files of traces that are gone through for other responses of the rows that are shown. */
  searched: number;
}

/** With these a page has at most some 60 MB. */
export const USUAL: Limits = {
  ...{ responses: 120_000_000, rows: 4_000, rowCharacters: 24_000_000, trace: 60_000 },
  ...{ tokens: 400_000, searched: 1 << 29 },
};

/** Of one set at a time, which a live page asks for: it is read while others wait, and stays in memory for a while. */
export const WATCHED: Limits = {
  ...{ responses: 0, rows: 2_000, rowCharacters: 8_000_000, trace: 60_000 },
  ...{ tokens: 60_000, searched: 1 << 27 },
};

export const NONE: Limits = {
  ...{ responses: Infinity, rows: Infinity, rowCharacters: Infinity, trace: Infinity },
  ...{ tokens: Infinity, searched: Infinity },
};

/** A response keeps at least so many characters, or none: fewer say nothing. */
const LEAST = 240;

/**
 * How many characters each response may have, so that all of them together have at most `total`.
 * @param lengths of each response; 0 where not even beginnings fit
 */
export function longestThatFit(lengths: Float64Array, total: number): number {
  const sorted = lengths.slice().sort();
  let left = total;
  for (const [i, length] of sorted.entries()) {
    const share = left / (sorted.length - i);
    if (length > share) return share < LEAST ? 0 : Math.floor(share);
    left -= length;
  }
  return Infinity;
}

/** A text without its middle, which is said in it, where it has more than `most` characters. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  if (most === 0) return '';
  const tail = Math.floor(most / 3);
  const head = most - tail;
  const left = (text.length - head - tail).toLocaleString('en');
  return `${wellFormed(text.slice(0, head))}\n[… ${left} characters are not in this report …]\n${wellFormed(text.slice(text.length - tail))}`;
}

/** A cut may go through a character of two halves. */
const wellFormed = (text: string): string =>
  text.replace(/^[\uDC00-\uDFFF]/, '').replace(/[\uD800-\uDBFF]$/, '');
