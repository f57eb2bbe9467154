/** @file Knows the rules by which byte-level tokenizers split text. */
import { LLAMA3_SPLIT, QWEN2_SPLIT, TEKKEN_SPLIT } from '../../text/splits.js';
import { UserError } from '../../util/errors.js';

/**
 * Rules by which text is split before byte-level BPE, by `tokenizer.ggml.pre`; `null` is GPT-2's own rule. The table is
 * that of transformers 5.23 (integrations/gguf), so that both give the same ids. For `smollm` that means GPT-2's rule,
 * while the model's own tokenizer first separates digits: they differ only in how two or more spaces or line breaks
 * directly before a digit are joined (in 1 % of the texts of GSM8K).
 */
const SPLITS: Readonly<Record<string, string | null>> = {
  default: null,
  'gpt-2': null,
  smollm: null,
  'llama-bpe': LLAMA3_SPLIT,
  llama3: LLAMA3_SPLIT,
  'llama-v3': LLAMA3_SPLIT,
  'smaug-bpe': LLAMA3_SPLIT,
  falcon3: LLAMA3_SPLIT,
  qwen2: QWEN2_SPLIT,
  'deepseek-r1-qwen': QWEN2_SPLIT,
  tekken: TEKKEN_SPLIT,
};

/** Makes the `pre_tokenizer` of tokenizer.json. @throws UserError for an unknown rule */
export function bytePreTokenizer(rule: string, file: string): Record<string, unknown> {
  if (!Object.hasOwn(SPLITS, rule)) {
    throw new UserError(
      `${file}: the pre-tokenizer "${rule}" is not known (known are ${Object.keys(SPLITS).join(', ')}); ` +
        "take the model in Hugging Face's format",
    );
  }
  const split = SPLITS[rule];
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  if (split === null) return { ...byteLevel, use_regex: true };
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: split }, behavior: 'Isolated', invert: false },
      { ...byteLevel, use_regex: false },
    ],
  };
}
