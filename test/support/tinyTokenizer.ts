import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the tokenizer and chat template of a model that has a token for each printable ASCII character. */
export function writeTinyTokenizer(dir: string): void {
  const specials = ['<|end|>', '<|system|>', '<|user|>', '<|assistant|>'];
  const printable = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
  const characters = [...printable, 'Ġ', 'Ċ']; // as byte-level tokenizers write space and newline
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const files = {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: specials.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      pre_tokenizer: byteLevel,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        vocab: Object.fromEntries([...specials, ...characters].map((token, id) => [token, id])),
        merges: [],
      },
    },
    'tokenizer_config.json': { eos_token: '<|end|>' },
  };
  for (const [name, json] of Object.entries(files)) writeFileSync(join(dir, name), JSON.stringify(json));
  writeFileSync(
    join(dir, 'chat_template.jinja'),
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
  );
}
