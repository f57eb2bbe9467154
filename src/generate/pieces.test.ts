import { describe, expect, it } from 'vitest';
import { PieceDecoder } from './pieces.js';

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
