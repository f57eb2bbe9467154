/** @file Reads values from a GGUF file's metadata by key and type. */
import { UserError } from '../../util/errors.js';
import { ARCHITECTURE } from './keys.js';
import { readStrings } from './strings.js';

/** The metadata of a GGUF file; each value is checked for its type when it is read. */
export class GgufMetadata {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #header: Buffer;

  /**
   * @param file is named in errors
   * @param header the file's bytes up to the list of tensors
   */
  constructor(
    readonly file: string,
    values: Readonly<Record<string, unknown>>,
    header: Buffer,
  ) {
    this.#values = values;
    this.#header = header;
  }

  /** Returns the key of `name` under the file's architecture: `block_count` is `llama.block_count`. */
  own(name: string): string {
    return `${this.string(ARCHITECTURE)}.${name}`;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  string(key: string): string;
  string<F extends string | undefined>(key: string, fallback: F): string | F;
  string(key: string, ...fallback: [(string | undefined)?]): string | undefined {
    if (!this.has(key) && fallback.length > 0) return fallback[0];
    const value = this.#values[key];
    return typeof value === 'string' ? value : this.#fail(key, 'a string');
  }

  number(key: string): number;
  number<F extends number | undefined>(key: string, fallback: F): number | F;
  number(key: string, ...fallback: [(number | undefined)?]): number | undefined {
    if (!this.has(key) && fallback.length > 0) return fallback[0];
    const value = this.#values[key];
    const number = typeof value === 'bigint' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : this.#fail(key, 'a number');
  }

  /** Reads a whole number from 1 to `max`. */
  count(key: string, max: number, ...fallback: [number?]): number {
    const value = fallback[0] === undefined ? this.number(key) : this.number(key, fallback[0]);
    return Number.isInteger(value) && value >= 1 && value <= max
      ? value
      : this.#fail(key, `a whole number from 1 to ${max}`);
  }

  /** Reads the id of a token of the vocabulary; undefined if the file has none. */
  tokenId(key: string, vocabulary: number): number | undefined {
    const value = this.number(key, undefined);
    if (value === undefined) return undefined;
    return Number.isInteger(value) && value >= 0 && value < vocabulary
      ? value
      : this.#fail(key, `a token id below ${vocabulary}`);
  }

  flag(key: string, fallback: boolean): boolean {
    if (!this.has(key)) return fallback;
    const value = this.#values[key];
    return typeof value === 'boolean' ? value : this.#fail(key, 'true or false');
  }

  strings(key: string): string[] {
    const strings = this.has(key) ? readStrings(this.#header, key) : undefined;
    return strings ?? this.#fail(key, 'a list of strings');
  }

  numbers(key: string): number[] {
    const value = this.#values[key];
    const valid = Array.isArray(value) && value.every((entry): entry is number => typeof entry === 'number');
    return valid ? value : this.#fail(key, 'a list of numbers');
  }

  #fail(key: string, wanted: string): never {
    const found = this.has(key) ? `is not ${wanted}` : 'is missing';
    throw new UserError(
      `${this.file}: the metadata key ${key} ${found}; the file is damaged or of another kind`,
    );
  }
}
