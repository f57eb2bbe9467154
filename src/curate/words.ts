/** @file Hashes runs of words. */

/** Hashes a text to 32 bits (FNV-1a over UTF-16 units, mixed). Equal hashes are checked, never trusted. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Applies Murmur3's finalizer: every bit of the result depends on every bit of `x`. */
export function mix(x: number): number {
  let hash = x;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hashes all runs of `n` words, or the whole where there are fewer. */
export function gramHashes(words: readonly string[], n: number): Uint32Array {
  const hashes = words.map(hashText);
  const grams = new Uint32Array(Math.max(1, words.length - n + 1));
  for (let start = 0; start < grams.length; start++) {
    let hash = 0;
    for (let i = start; i < Math.min(start + n, words.length); i++)
      hash = mix(Math.imul(hash, 31) + hashes[i]!);
    grams[start] = hash;
  }
  return grams;
}
