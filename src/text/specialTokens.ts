/** @file Tells the special tokens that end or frame a turn from those that are part of what a model says. */

/** Tokens that end or frame a turn or a text, for directories whose files and template do not show it. */
const FRAMES: ReadonlySet<string> = new Set([
  ...['<s>', '</s>', '<bos>', '<eos>', '<pad>', '<unk>', '[PAD]', '[BOS]', '[EOS]'],
  ...['<|endoftext|>', '<|begin_of_text|>', '<|end_of_text|>', '<|im_start|>', '<|im_end|>', '<|im_sep|>'],
  ...['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>', '<|eom_id|>'],
  ...['<start_of_turn>', '<end_of_turn>', '[INST]', '[/INST]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]'],
  ...['<|system|>', '<|user|>', '<|assistant|>', '<|end|>'],
  ...['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜User｜>', '<｜Assistant｜>'],
]);

/** Tokens kept free, and those of other jobs: filling in, pictures and sound, the parts of a repository. */
const OTHER_JOBS =
  /^[<[]\|?[^\p{L}]?(?:reserved|unused|extra_id|mask|finetune|fim|image|img|video|audio|vision|repo_?name|file|gh_stars|issue|jupyter|commit|empty_output)/iu;

/** What a template may write around a thought of its own (Qwen3 writes an empty one): it frames no turn. */
const THOUGHT = /think|thought|reason/i;

/**
 * Finds the special tokens that end or frame a turn or have another job: they are no part of a response's text, and
 * written in one they are mistakes. All others (`<think>`, `<tool_call>`, tags that somebody added) are content.
 * @param special the special tokens' texts by id
 * @param named ids that the model's files name as the beginning, the end or the filling of a text, or to stop at
 * @param written what the chat template writes of a plain conversation; '' without a template
 */
export function framingTokens(
  special: ReadonlyMap<number, string>,
  named: ReadonlySet<number>,
  written: string,
): ReadonlySet<number> {
  const frames = (id: number, token: string): boolean =>
    named.has(id) ||
    FRAMES.has(token) ||
    OTHER_JOBS.test(token) ||
    (!THOUGHT.test(token) && token.trim() !== '' && written.includes(token));
  return new Set([...special].flatMap(([id, token]) => (frames(id, token) ? [id] : [])));
}
