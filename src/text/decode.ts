/** @file Turns tokens back into text on the calling thread, by the decoder that a tokenizer.json describes. */

import { z } from 'zod';

/** Joins the pieces of a token sequence into their text. */
export type TokenDecoder = (tokens: readonly string[]) => string;

/** Builds GPT-2's alphabet, in which printable characters stand for bytes. */
function byteAlphabet(): Map<string, number> {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const alphabet = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    alphabet.set(String.fromCodePoint(printable(byte) ? byte : next++), byte);
  }
  return alphabet;
}

const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Decodes byte-level BPE. A token that is not wholly in the alphabet (an added one) stands for its own text. */
function byteLevel(): TokenDecoder {
  const alphabet = byteAlphabet();
  const encoder = new TextEncoder();
  return (tokens) => {
    const bytes: number[] = [];
    for (const token of tokens) {
      const own = Array.from(token, (character) => alphabet.get(character));
      if (own.every((byte) => byte !== undefined)) bytes.push(...own);
      else bytes.push(...encoder.encode(token));
    }
    return fromUtf8.decode(Uint8Array.from(bytes));
  };
}

/**
 * Decodes SentencePiece: ▁ is a space, <0x0A> a byte.
 * @param stripStart removes the space that the encoder put before the text
 */
function sentencePiece(stripStart: boolean): TokenDecoder {
  return (tokens) => {
    let text = '';
    let bytes: number[] = [];
    const flush = () => {
      if (bytes.length === 0) return;
      const decoded = fromUtf8.decode(Uint8Array.from(bytes));
      // Like the reference, bytes that do not make a character become one mark each.
      text += decoded.includes('\uFFFD') ? '\uFFFD'.repeat(bytes.length) : decoded;
      bytes = [];
    };
    for (const token of tokens) {
      const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
      if (byte) {
        bytes.push(parseInt(byte[1]!, 16));
        continue;
      }
      flush();
      text += token.replaceAll('▁', ' ');
    }
    flush();
    return stripStart && text.startsWith(' ') ? text.slice(1) : text;
  };
}

const stepSchema = z.looseObject({
  type: z.string(),
  decoders: z.array(z.looseObject({ type: z.string() })).optional(),
});

/** Makes the decoder that a tokenizer.json describes. Undefined if language models do not use its kind. */
export function tokenDecoder(decoder: unknown): TokenDecoder | undefined {
  const parsed = stepSchema.safeParse(decoder);
  if (!parsed.success) return undefined;
  const steps = parsed.data.type === 'Sequence' ? (parsed.data.decoders ?? []) : [parsed.data];
  const types = new Set(steps.map(({ type }) => type));
  if (types.size === 1 && types.has('ByteLevel')) return byteLevel();
  if (types.has('Metaspace')) return sentencePiece(true);
  if (types.has('Replace') && types.has('ByteFallback')) return sentencePiece(types.has('Strip'));
  return undefined;
}
