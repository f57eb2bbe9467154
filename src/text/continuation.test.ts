import { describe, expect, it } from 'vitest';
import { pieceTokenizer } from '../../test/support/bigrams.js';
import { encodeContinuation } from './continuation.js';

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
