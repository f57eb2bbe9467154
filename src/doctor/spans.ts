/** @file Cuts a token row into pieces of text that can be shown, for the terminal and the page. */

import { printable } from '../util/printable.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';

/** Tokens that show as one piece of text: one token, or the few that make up a character. */
export interface Span {
  text: string;
  ids: number[];
  /** Whether these tokens are trained. */
  trained: boolean;
  /** Whether it is a special token, such as the one that ends a turn. */
  special: boolean;
}

/** The most tokens of one character; more cannot be shown as text. */
const MOST = 8;

/** Cuts a row into pieces, none of which is partly trained. Their ids are the row's, in order. */
export function spansOf(tokenizer: ChatTokenizer, { ids, responseStart }: TokenRow): Span[] {
  const spans: Span[] = [];
  let pending: number[] = [];
  /** The token before, since some begin with a space that shows only after another token. */
  let before: number[] = [];
  const textOf = (own: readonly number[]) =>
    tokenizer.decode([...before, ...own]).slice(tokenizer.decode(before).length);
  const flush = (trained: boolean) => {
    if (pending.length === 0) return;
    spans.push({ text: textOf(pending), ids: pending, trained, special: false });
    before = [pending.at(-1)!];
    pending = [];
  };
  ids.forEach((id, i) => {
    if (i === responseStart) flush(false);
    const trained = i >= responseStart;
    if (tokenizer.isSpecial(id)) {
      flush(trained);
      spans.push({ text: tokenizer.decode([id]), ids: [id], trained, special: true });
      before = [id];
      return;
    }
    pending.push(id);
    if (pending.length >= MOST || !textOf(pending).endsWith('\uFFFD')) flush(trained);
  });
  flush(responseStart < ids.length);
  return spans;
}

/** Tokens left out of a view. */
export interface Gap {
  skipped: number;
  trained: boolean;
}

/** Leaves out the middle of the prompt and of the response, if they are long. */
export function shorten(spans: readonly Span[], keep: number): (Span | Gap)[] {
  const boundary = spans.findIndex(({ trained }) => trained);
  const start = boundary < 0 ? spans.length : boundary;
  return [spans.slice(0, start), spans.slice(start)].flatMap((stretch) => {
    const left = stretch.slice(keep, -keep);
    if (stretch.length <= 2 * keep) return stretch;
    const skipped = left.reduce((sum, span) => sum + span.ids.length, 0);
    return [...stretch.slice(0, keep), { skipped, trained: stretch[0]!.trained }, ...stretch.slice(-keep)];
  });
}

/** Marks line ends and writes out control and invisible characters: a text must not steer the terminal. */
export function visible(text: string): string {
  return printable(text.replace(/\n/g, '↵\n'));
}
