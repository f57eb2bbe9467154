import { describe, expect, it } from 'vitest';
import { bytePreTokenizer } from '../hub/gguf/preTokenizers.js';
import { growsTexts, isBounded } from './splits.js';

const splitBy = (Regex: string) => ({
  model: { type: 'BPE' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated' }, { type: 'ByteLevel' }],
  },
});

describe('the work on a text', () => {
  it('is bounded for the rules of the families in use', () => {
    for (const rule of ['gpt-2', 'llama-bpe', 'qwen2', 'tekken'])
      expect(isBounded({ model: { type: 'BPE' }, pre_tokenizer: bytePreTokenizer(rule, '') })).toBe(true);
    expect(isBounded({ model: { type: 'Unigram' }, normalizer: { type: 'NFKC' } })).toBe(true);
  });

  it.each(['\\s+', ' {2,}', '\\p{N}{1,3}', '[\\r\\n]', '[^a\\]b]*', 'x'])('is bounded for %s', (regex) => {
    expect(isBounded(splitBy(regex))).toBe(true);
    expect(isBounded({ normalizer: { type: 'Replace', pattern: { Regex: regex }, content: ' ' } })).toBe(
      true,
    );
  });

  it.each(['(a|a)*(a|aa)+$', '(a+)+b', '\\s*\\s*x', 'a*a*b', '.*.*=.*', 'a|b', '(?=a+)'])(
    'is not known to be bounded for %s',
    (regex) => {
      expect(isBounded(splitBy(regex))).toBe(false);
      expect(
        isBounded({
          normalizer: { type: 'Sequence', normalizers: [{ type: 'Replace', pattern: { Regex: regex } }] },
        }),
      ).toBe(false);
    },
  );

  it('is not bounded for models that look for the longest piece', () => {
    expect(isBounded({ model: { type: 'WordPiece', max_input_chars_per_word: 1e9 } })).toBe(false);
  });
});

describe('a normalizer', () => {
  const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
  const sequence = (...normalizers: object[]) => ({ normalizer: { type: 'Sequence', normalizers } });
  const table = (...pieces: string[]) => {
    const texts = Buffer.from(`${pieces.join('\0')}\0`);
    const head = Buffer.from([4, 0, 0, 0, 1, 1, 1, 1]);
    return { type: 'Precompiled', precompiled_charsmap: Buffer.concat([head, texts]).toString('base64') };
  };

  it('may do what those in use do', () => {
    const usual = [{ type: 'Prepend', prepend: '▁' }, replace({ String: ' ' }, '▁'), { type: 'NFKC' }];
    expect(growsTexts(sequence(...usual, replace({ Regex: ' {2,}' }, '▁'), table('a', 'ﷺ')))).toBe(false);
    expect(growsTexts({ normalizer: null })).toBe(false);
  });

  it.each([
    ['a long replacement', sequence(replace({ String: 'a' }, 'a'.repeat(1000)))],
    ['several together', sequence(...Array.from({ length: 4 }, () => replace({ String: 'a' }, 'aaa')))],
    ['one between all characters', sequence(replace({ String: '' }, 'a'.repeat(20)))],
    ['one of an expression', sequence(replace({ Regex: 'b*' }, 'a'.repeat(20)))],
    [
      'sequences in sequences',
      sequence(...Array.from({ length: 2 }, () => sequence(replace({ String: 'a' }, 'aaaaa')).normalizer)),
    ],
    ['a table', sequence(table('a', 'x'.repeat(100)))],
  ])('may not make texts many times as long: %s', (_, tokenizer) => {
    expect(growsTexts(tokenizer)).toBe(true);
  });
});
