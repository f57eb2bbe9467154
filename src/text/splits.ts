/** @file Judges what a tokenizer.json does to a text before its model sees it: what may never end, and what grows. */

const LETTERS_AND_BREAKS = String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const CONTRACTIONS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|`;

export const LLAMA3_SPLIT = `${CONTRACTIONS}${String.raw`\p{N}{1,3}`}${LETTERS_AND_BREAKS}`;
export const QWEN2_SPLIT = `${CONTRACTIONS}${String.raw`\p{N}`}${LETTERS_AND_BREAKS}`;
export const TEKKEN_SPLIT = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Expressions of the families in use, whose work is bounded on every text of the length that `ChatTokenizer` takes. */
const KNOWN: ReadonlySet<string> = new Set([LLAMA3_SPLIT, QWEN2_SPLIT, TEKKEN_SPLIT, GPT2_SPLIT]);

/** One character or class, repeated or not: there is nothing to go back to. */
const ONE_ATOM =
  /^(?:\\[pP]\{[^{}]+\}|\\.|\[(?:[^\]\\]|\\.)+\]|[^\\[\](){}.*+?|^$])(?:[+*?]|\{\d+(?:,\d*)?\})?$/su;

/** Models that take time in proportion to the text, or nearly. */
const MODELS: ReadonlySet<unknown> = new Set([undefined, 'BPE', 'Unigram', 'WordLevel']);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/**
 * Tells whether a tokenizer's work on a text is bounded. Others may go back and forth in their regular expressions
 * until the library gives up, which ends the whole process.
 */
export function isBounded(tokenizer: unknown): boolean {
  if (!isObject(tokenizer)) return false;
  const { model, normalizer, pre_tokenizer: preTokenizer } = tokenizer;
  const type = isObject(model) ? model.type : undefined;
  return (
    MODELS.has(type) &&
    expressionsOf([normalizer, preTokenizer]).every((regex) => KNOWN.has(regex) || ONE_ATOM.test(regex))
  );
}

/** The regular expressions in steps and the steps inside of them. */
function expressionsOf(step: unknown): string[] {
  if (!isObject(step)) return [];
  return Object.entries(step).flatMap(([key, value]) =>
    key === 'Regex' ? [String(value)] : expressionsOf(value),
  );
}

/** The most by which a normalizer may lengthen a text; those in use replace a character by one, or put one in front. */
const MOST_GROWTH = 16;
/** The same for a table of characters: compatibility forms have up to 18 characters of three bytes. */
const MOST_BYTES = 64;

/** Tells whether a tokenizer's normalizer could make texts many times as long. */
export function growsTexts(tokenizer: unknown): boolean {
  return isObject(tokenizer) && growthOf(tokenizer.normalizer) > MOST_GROWTH;
}

function growthOf(step: unknown): number {
  if (!isObject(step)) return 1;
  const { type, normalizers, pattern, content, prepend, precompiled_charsmap: table } = step;
  if (type === 'Sequence' && Array.isArray(normalizers))
    return normalizers.reduce<number>((product, each) => product * growthOf(each), 1);
  if (type === 'Prepend' && typeof prepend === 'string') return 1 + prepend.length / 1000;
  if (type === 'Precompiled' && typeof table === 'string')
    return longestPiece(Buffer.from(table, 'base64')) > MOST_BYTES ? Infinity : 1;
  if (type !== 'Replace' || typeof content !== 'string') return 1;
  const replaced = isObject(pattern) && typeof pattern.String === 'string' ? pattern.String.length : 0;
  // An expression, or an empty text, may match between any two characters.
  return replaced === 0 ? 1 + content.length : Math.max(1, content.length / replaced);
}

/** The longest replacement of SentencePiece's table: the length of a trie, the trie, texts that end in a zero byte. */
function longestPiece(table: Buffer): number {
  if (table.length < 4) return 0;
  let longest = 0;
  let start = 4 + table.readUInt32LE(0);
  for (let end = table.indexOf(0, start); end >= 0; end = table.indexOf(0, start)) {
    longest = Math.max(longest, end - start);
    start = end + 1;
  }
  return Math.max(longest, table.length - start);
}
