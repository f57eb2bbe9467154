/** @file Encodes a text that continues another. */

interface Encoder {
  encode(text: string): Promise<Int32Array>;
}

/** Encodes a text that continues another; by itself, some tokenizers would put a space before it. */
export async function encodeContinuation(tokenizer: Encoder, text: string): Promise<Int32Array> {
  const anchor = await tokenizer.encode('\n');
  const whole = await tokenizer.encode(`\n${text}`);
  const joined = anchor.some((id, i) => whole[i] !== id);
  return joined ? tokenizer.encode(text) : whole.subarray(anchor.length);
}
