import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GgufExports, tokenizer } from '../../../test/support/ggufExports.js';
import { writeTinyModel } from '../../../test/support/tinyModel.js';
import { readGguf } from './file.js';

const exports = new GgufExports();

describe('the tokenizer of an export', () => {
  it('refuses tokenizers of other kinds, and damaged ones', async () => {
    const model = { type: 'BPE', vocab: { a: 5 }, merges: [] };
    const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
    const split = (Regex: string) => ({
      type: 'Split',
      pattern: { Regex },
      behavior: 'Isolated',
      invert: false,
    });
    const sequence = { Sequence: { id: 'A', type_id: 0 } };
    const template = {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|user|>', type_id: 0 } }, sequence],
      pair: [sequence, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<|user|>': { id: '<|user|>', ids: [2], tokens: ['<|user|>'] } },
    };
    const cases: [object, string][] = [
      [{ model: { ...model, type: 'Unigram' } }, 'field "model.type": is not BPE'],
      [{ model: { ...model, end_of_word_suffix: '</w>' } }, 'it marks the parts of words'],
      [{ model: { ...model, vocab: { a: 'b' } } }, 'field "model.vocab": does not map tokens to ids'],
      [{ model: { ...model, vocab: [] } }, 'field "model.vocab": does not map tokens to ids'],
      [{ model: { ...model, vocab: { a: 3.5 } } }, 'field "model.vocab"'],
      [{ model: { ...model, merges: [['a']] } }, 'field "model.merges.0"'],
      [{ model: { ...model, merges: ['a b c'] } }, 'the merge "a b c" is not of two tokens'],
      [{ model: { ...model, merges: [['a ', 'b']] } }, 'the merge ["a ","b"] is not of two tokens'],
      [
        { model: { ...model, vocab: { a: 200 } } },
        'the token "a" has the id 200, but the model has 128 embeddings',
      ],
      [{ model: { ...model, vocab: { a: 5, b: 5 } } }, '"a" and "b" have the same id 5'],
      [{ model: null }, 'field "model"'],
      [{ normalizer: { type: 'Lowercase' } }, 'it normalizes texts'],
      [{ pre_tokenizer: null }, 'it splits texts by a rule that has no name there'],
      [{ pre_tokenizer: { ...bytes, add_prefix_space: true } }, 'it splits texts by a rule'],
      [
        {
          pre_tokenizer: { type: 'Sequence', pretokenizers: [split('\\d'), { ...bytes, use_regex: false }] },
        },
        'it splits texts by a rule',
      ],
      [
        { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, bytes] } },
        'it splits texts by a rule',
      ],
      [
        {
          post_processor: {
            type: 'RobertaProcessing',
            sep: ['<|end|>', 0],
            cls: ['<|user|>', 2],
            trim_offsets: true,
            add_prefix_space: false,
          },
        },
        'its post_processor is RobertaProcessing',
      ],
      [{ post_processor: template }, 'it puts <|user|> around texts, which is not its bos token'],
    ];
    for (const [keys, words] of cases) {
      const message = await exports.problem(tokenizer(keys));
      expect(message, JSON.stringify(keys)).toContain('DIR/tokenizer.json cannot be written as GGUF: ');
      expect(message).toContain(words);
    }
    expect(
      await exports.problem((dir) => {
        writeFileSync(join(dir, 'tokenizer.json'), '[1');
      }),
    ).toContain('is not JSON');
    expect(
      await exports.problem((dir) => {
        rmSync(join(dir, 'tokenizer.json'));
      }),
    ).toContain('must hold its tokenizer');
  });

  it('refuses merges that scores of tokens cannot say', async () => {
    const vocab = Object.fromEntries(['a', 'b', 'c', 'ab', 'bc', 'abc'].map((token, i) => [token, i + 4]));
    const merges = ['a bc', 'a b', 'ab c'];
    const model = { type: 'BPE', vocab, merges, byte_fallback: true };
    expect(await exports.problem(tokenizer({ model, pre_tokenizer: null }))).toContain(
      'the merges that give "abc" are not together',
    );
    const steps = { normalizer: { type: 'Lowercase' }, pre_tokenizer: null };
    expect(await exports.problem(tokenizer({ model: { ...model, merges: [] }, ...steps }))).toContain(
      'it does more to texts than SentencePiece (Lowercase)',
    );
  });

  it('knows the rules by which published tokenizers split', async () => {
    const dir = writeTinyModel(join(exports.root, 'digits'));
    const digits = { type: 'Digits', individual_digits: true };
    const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
    tokenizer({ pre_tokenizer: { type: 'Sequence', pretokenizers: [digits, bytes] } })(dir);
    const { file } = await exports.exported(dir, 'F16');
    expect((await readGguf(file)).metadata.string('tokenizer.ggml.pre')).toBe('smollm');
  });
});
