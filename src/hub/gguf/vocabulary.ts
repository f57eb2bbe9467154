/** @file Spells tokens and derives merges as tokenizers of Hugging Face need them. */
/** GPT-2's printable characters for bytes: printable Latin-1 represents itself, the others start at U+0100. */
const BYTE_ALPHABET = makeByteAlphabet();
const BYTE_CHARACTERS = new Set(BYTE_ALPHABET);

function makeByteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** Spells a token in the byte alphabet: unchanged if it already is, otherwise by its UTF-8 bytes. */
export function byteSpelling(token: string): string {
  if (Array.from(token).every((character) => BYTE_CHARACTERS.has(character))) return token;
  return Array.from(Buffer.from(token, 'utf8'), (byte) => BYTE_ALPHABET[byte]!).join('');
}

/** Respells tokens of two or more blanks, which Gemma's files hold as blanks, as SentencePiece does. */
export function respellSpaces(token: string): string {
  return token.includes(' ') && token.trim() === '' ? '▁'.repeat(Array.from(token).length) : token;
}

/**
 * Derives the merges by which BPE arrives at the tokens of a SentencePiece vocabulary: each way to cut a token into two
 * tokens, the best score first and then the longer left part (as `generate_merges` of transformers).
 */
export function impliedMerges(tokens: readonly string[], scores: readonly number[]): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  // As in a Python dictionary, a token that appears twice keeps its first place and its last score.
  const scoreOf = new Map(tokens.map((token, id) => [token, scores[id] ?? 0]));
  const merges: { left: string; right: string; score: number; length: number; rest: number }[] = [];
  for (const [token, score] of scoreOf) {
    const characters = Array.from(token);
    const cuts = [];
    for (let length = 1, at = 0; length < characters.length; length++) {
      at += characters[length - 1]!.length;
      const left = token.slice(0, at);
      const right = token.slice(at);
      if (ids.has(left) && ids.has(right)) {
        cuts.push({ left, right, score, length, rest: characters.length - length });
      }
    }
    cuts.sort((a, b) => ids.get(a.left)! - ids.get(b.left)! || ids.get(a.right)! - ids.get(b.right)!);
    merges.push(...cuts);
  }
  merges.sort((a, b) => b.score - a.score || b.length - a.length || b.rest - a.rest);
  return merges.map(({ left, right }) => [left, right]);
}
