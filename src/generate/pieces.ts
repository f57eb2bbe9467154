/** @file Turns a growing sequence of tokens into text, piece by piece. */

import type { ChatTokenizer } from '../text/tokenizer.js';

export type Codec = Pick<ChatTokenizer, 'encode' | 'decode'>;

/** The most tokens that wait for the rest of a character; then they are returned as they are. */
const MAX_WAITING = 8;

/**
 * Decodes a sequence as it grows, a token at a time. A token by itself may be part of a character, or begin with a
 * space that shows only after another token; so a token's text is what it adds to the text of the few tokens before it.
 */
export class PieceDecoder {
  readonly #ids: number[] = [];
  /** The index of the token at which decoding begins, and of the first token whose text has not been returned. */
  #start = 0;
  #returned = 0;

  constructor(readonly codec: Codec) {}

  /** Returns the text that `id` completes; '' while a character is unfinished. */
  push(id: number): string {
    this.#ids.push(id);
    const decode = (end?: number) =>
      this.codec.decode(this.#ids.slice(this.#start, end), { contentOnly: true });
    const before = decode(this.#returned);
    const text = decode();
    if (text.endsWith('\uFFFD') && this.#ids.length - this.#returned < MAX_WAITING) return '';
    this.#start = this.#returned;
    this.#returned = this.#ids.length;
    return text.slice(before.length);
  }
}
