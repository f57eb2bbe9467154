/** @file Reads lists of strings from a GGUF header, byte for byte. */
import { GGUFValueType } from '@huggingface/gguf';

/**
 * Reads the strings of an array from the header of a GGUF file (version 2 or 3); undefined if the key does not hold an
 * array of strings inside the header. The parser decodes strings too, but drops a leading U+FEFF, with which some
 * tokens of Gemma begin, so that two tokens would become one.
 */
export function readStrings(header: Buffer, key: string): string[] | undefined {
  const pattern = Buffer.alloc(8 + Buffer.byteLength(key) + 8);
  pattern.writeBigUInt64LE(BigInt(Buffer.byteLength(key)));
  pattern.write(key, 8);
  pattern.writeUInt32LE(GGUFValueType.ARRAY, pattern.length - 8);
  pattern.writeUInt32LE(GGUFValueType.STRING, pattern.length - 4);
  const found = header.indexOf(pattern);
  if (found < 0) return undefined;

  let position = found + pattern.length;
  const readLength = (): number => {
    if (position + 8 > header.length) return Infinity;
    position += 8;
    return Number(header.readBigUInt64LE(position - 8));
  };
  const count = readLength();
  const strings: string[] = [];
  for (let index = 0; index < count; index++) {
    const end = readLength() + position;
    if (end > header.length) return undefined;
    strings.push(header.toString('utf8', position, end));
    position = end;
  }
  return strings;
}
