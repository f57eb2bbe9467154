import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StudentFiles {
  template?: string;
  /** The tokenizer, left to itself, puts `<s>` before a text. */
  addsBos?: boolean;
  /** What tokenizer_config.json names as the end of a text. */
  eos?: string;
  maxPositions?: number;
}

/** Special tokens, from id 257 on; every byte is a token, and two newlines are one. */
export const STUDENT_TOKENS = ['<s>', '</s>', '<|im_start|>', '<|im_end|>'];

/** A header with the role before each message, `<|im_end|>` behind it. */
export const CHATML =
  "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** GPT-2's names of the 256 bytes. */
export function byteNames(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** A directory with what the doctor reads of a model: tokenizer, template, config. */
export function studentDirectory({
  template = CHATML,
  addsBos = true,
  eos = '<|im_end|>',
  maxPositions = 2048,
}: StudentFiles = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'redistill-student-'));
  const newline = byteNames()[0x0a]!;
  const vocab = Object.fromEntries([...byteNames(), newline + newline].map((name, id) => [name, id]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const bos = { SpecialToken: { id: '<s>', type_id: 0 } };
  const files = {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: STUDENT_TOKENS.map((content, i) => ({
        id: 257 + i,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      pre_tokenizer: byteLevel,
      post_processor: addsBos
        ? {
            type: 'TemplateProcessing',
            single: [bos, text],
            pair: [bos, text, { Sequence: { id: 'B', type_id: 1 } }],
            special_tokens: { '<s>': { id: '<s>', ids: [257], tokens: ['<s>'] } },
          }
        : byteLevel,
      decoder: byteLevel,
      model: { type: 'BPE', vocab, merges: [`${newline} ${newline}`] },
    },
    'tokenizer_config.json': { bos_token: '<s>', eos_token: eos },
    'config.json': {
      model_type: 'llama',
      hidden_size: 48,
      intermediate_size: 80,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      vocab_size: 512,
      rms_norm_eps: 1e-6,
      max_position_embeddings: maxPositions,
    },
  };
  for (const [name, json] of Object.entries(files)) writeFileSync(join(dir, name), JSON.stringify(json));
  writeFileSync(join(dir, 'chat_template.jinja'), template);
  return dir;
}
