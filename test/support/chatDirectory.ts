import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory with a byte-level tokenizer of printable ASCII whose chat template is `template`. `tokens` are its special
 * tokens, from id 97 on: the first ends a text, the second begins one. It has one merge: two newlines are one token.
 */
export function chatDirectory(template: string, tokens: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'redistill-text-'));
  const vocab: Record<string, number> = {};
  for (let byte = 33; byte < 127; byte++) vocab[String.fromCharCode(byte)] = byte - 33;
  vocab['Ġ'] = 94;
  vocab['Ċ'] = 95;
  vocab['ĊĊ'] = 96;
  const added_tokens = tokens.map((content, i) => ({ id: 97 + i, content, special: true }));
  const tokenizer = {
    version: '1.0',
    added_tokens: added_tokens.map((token) => ({
      ...token,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab, merges: ['Ċ Ċ'], byte_fallback: false },
  };
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(
    join(dir, 'tokenizer_config.json'),
    JSON.stringify({ eos_token: tokens[0], bos_token: tokens[1] }),
  );
  writeFileSync(join(dir, 'chat_template.jinja'), template);
  return dir;
}
