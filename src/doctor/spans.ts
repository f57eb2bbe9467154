import type { TokenRow } from '../text/rows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';

/** Tokens that show as one piece of text: one, or the few that make up a character. */
export interface Span {
  text: string;
  ids: number[];
  /** Training learns these tokens. */
  trained: boolean;
  /** A special token, such as the one that ends a turn. */
  special: boolean;
}

/** More tokens than this make up no character: what they say cannot be shown. */
const MOST = 8;

/** A row cut into pieces, none of which is partly trained. Their ids are the row's, in order. */
export function spansOf(tokenizer: ChatTokenizer, { ids, responseStart }: TokenRow): Span[] {
  const spans: Span[] = [];
  let pending: number[] = [];
  /** The token before, since some begin with a space that shows only behind another. */
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

/** Tokens that were left out of a view. */
export interface Gap {
  skipped: number;
  trained: boolean;
}

/** The spans with the middle of long stretches left out: what matters is how they begin and end. */
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

/** Line ends are marked, control and invisible characters written out: a text must not steer the terminal. */
export function visible(text: string): string {
  return text
    .replace(/\n/g, '↵\n')
    .replace(
      /(?![\t\n])[\p{Cc}\u00AD\u200B\u2028-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/gu,
      (character) => `‹U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`,
    );
}
