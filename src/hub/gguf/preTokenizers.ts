/** @file Knows the rules by which byte-level tokenizers split text. */
import { LLAMA3_SPLIT, QWEN2_SPLIT, TEKKEN_SPLIT } from '../../text/splits.js';
import { UserError } from '../../util/errors.js';

/** GPT-2's rule after each digit has been set apart, which is how SmolLM's own tokenizer splits. */
const DIGITS = 'smollm';

/**
 * Rules by which text is split before byte-level BPE, by `tokenizer.ggml.pre`; `null` is GPT-2's own rule. Of several
 * names of a rule the first is written; llama.cpp takes another rule for `default`. The table is
 * that of transformers 5.23 (integrations/gguf), so that both give the same ids. For `smollm` that means GPT-2's rule,
 * while the model's own tokenizer first separates digits: they differ only in how two or more spaces or line breaks
 * directly before a digit are joined (in 1 % of the texts of GSM8K).
 */
const SPLITS: Readonly<Record<string, string | null>> = {
  'gpt-2': null,
  default: null,
  [DIGITS]: null,
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

/**
 * Names the rule of a byte-level tokenizer.json for `tokenizer.ggml.pre`; undefined if GGUF has no name for it.
 * @param step its `pre_tokenizer`
 */
export function byteRule(step: unknown): string | undefined {
  const steps = stepsOf(step);
  const bytes = steps.pop();
  if (bytes?.type !== 'ByteLevel' || bytes.add_prefix_space === true || steps.length > 1) return undefined;
  const [first] = steps;
  if ((bytes.use_regex ?? true) === true) {
    if (first === undefined) return nameOf(null);
    return first.type === 'Digits' && first.individual_digits === true ? DIGITS : undefined;
  }
  const { type, pattern, behavior, invert } = first ?? {};
  const regex = isObject(pattern) ? pattern.Regex : undefined;
  return type === 'Split' && behavior === 'Isolated' && invert !== true && typeof regex === 'string'
    ? nameOf(regex)
    : undefined;
}

const nameOf = (split: string | null): string | undefined =>
  Object.keys(SPLITS).find((name) => SPLITS[name] === split);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Lists the steps of a part of tokenizer.json (a normalizer, a pre-tokenizer, a post-processor), which may be a sequence. */
export function stepsOf(step: unknown): Json[] {
  if (!isObject(step)) return [];
  if (step.type !== 'Sequence') return [step];
  return ['normalizers', 'pretokenizers', 'processors'].flatMap((name) => {
    const steps = step[name];
    return Array.isArray(steps) ? steps.flatMap(stepsOf) : [];
  });
}
