import type { ChatTokenizer } from '../text/tokenizer.js';

export type Codec = Pick<ChatTokenizer, 'encode' | 'decode'>;

/** Tokens that may wait for the rest of a character before they are given out as they are. */
const MAX_WAITING = 8;

/**
 * The text of a sequence as it grows, a token at a time. A token by itself may be part of a character, or begin with
 * a space that only shows behind another; so a token's text is what it adds to the text of the few before it.
 */
export class PieceDecoder {
  readonly #ids: number[] = [];
  /** Where decoding begins, and up to where its text has been given out. */
  #start = 0;
  #given = 0;

  constructor(readonly codec: Codec) {}

  /** The text that `id` completes; '' while a character is unfinished. */
  push(id: number): string {
    this.#ids.push(id);
    const decode = (end?: number) =>
      this.codec.decode(this.#ids.slice(this.#start, end), { skipSpecialTokens: true });
    const before = decode(this.#given);
    const text = decode();
    if (text.endsWith('\uFFFD') && this.#ids.length - this.#given < MAX_WAITING) return '';
    this.#start = this.#given;
    this.#given = this.#ids.length;
    return text.slice(before.length);
  }
}

/** The tokens of a text that goes on where another left off; some tokenizers put a space before what they encode. */
export async function encodeContinuation(codec: Codec, text: string): Promise<Int32Array> {
  const anchor = await codec.encode('\n');
  const whole = await codec.encode(`\n${text}`);
  const joined = anchor.some((id, i) => whole[i] !== id);
  return joined ? codec.encode(text) : whole.subarray(anchor.length);
}
