import { describe, expect, it } from 'vitest';
import { pieceTokenizer } from '../../test/support/bigrams.js';
import { encodeContinuation, PieceDecoder } from './pieces.js';

/** A token a byte, as byte-level tokenizers have for what they do not know. */
const bytes = {
  encode: (text: string) => Promise.resolve(Int32Array.from(Buffer.from(text, 'utf8'))),
  decode: (ids: ArrayLike<number>) => Buffer.from(Uint8Array.from(ids)).toString('utf8'),
};

describe('PieceDecoder', () => {
  it('gives out whole characters', async () => {
    const pieces = new PieceDecoder(bytes);
    const given = [...(await bytes.encode('3×4 = 😀!'))].map((id) => pieces.push(id));
    expect(given).toEqual(['3', '', '×', '4', ' ', '=', ' ', '', '', '', '😀', '!']);
  });

  it('does not wait for ever for the rest of a character', () => {
    const pieces = new PieceDecoder(bytes);
    const given = Array.from({ length: 20 }, () => pieces.push(0x80)).join('');
    expect(given.length).toBeGreaterThanOrEqual(16);
    expect(pieces.push(0x41) + pieces.push(0x42)).toMatch(/AB$/);
  });

  it('keeps the space that a tokenizer drops at the start of what it decodes', () => {
    const words = ['one', 'two'];
    const spaced = {
      encode: () => Promise.resolve(Int32Array.of()),
      decode: (ids: ArrayLike<number>) => Array.from(ids, (id) => words[id]).join(' '),
    };
    const pieces = new PieceDecoder(spaced);
    expect([0, 1, 1].map((id) => pieces.push(id))).toEqual(['one', ' two', ' two']);
  });
});

describe('encodeContinuation', () => {
  it('has no space of its own in front', async () => {
    const plain = pieceTokenizer(['\n', ' ', '2', '4', '>>']);
    const spaced = { ...plain, encode: (text: string) => plain.encode(` ${text}`) };
    expect(plain.decode(await encodeContinuation(spaced, '24>>'))).toBe('24>>');
    expect(plain.decode(await encodeContinuation(plain, '24>>'))).toBe('24>>');
  });

  it('takes the text by itself where it melts into what is before it', async () => {
    const melting = pieceTokenizer(['\n', '\n2', '2', '4']);
    expect(melting.decode(await encodeContinuation(melting, '24'))).toBe('24');
  });
});
