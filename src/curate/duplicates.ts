/** @file Finds problems that repeat an earlier one, exactly or nearly. */
import { createHash } from 'node:crypto';
import { gramHashes, hashText, mix } from './words.js';
import { normalizeText } from '../util/normalizeText.js';

/** The Jaccard similarity of runs of three words from which problems are near duplicates. */
export const NEAR = 0.8;
const SHINGLE_WORDS = 3;
/** A pair of similarity 0.8 meets in one of 20 bands of 5 with probability 0.9996, one of 0.4 with 0.19. */
const BANDS = 20;
const ROWS = 5;
/** Problems from one mould may all meet in a band; none is compared with more than this many. */
const MAX_COMPARED = 256;

/** The earlier problem that a problem repeats. */
export interface Duplicate {
  kind: 'exact' | 'near';
  /** The number that the earlier problem was added under. */
  of: number;
  /** Jaccard similarity, 1 for exact ones. */
  similarity: number;
}

/**
 * Finds problems that repeat an earlier one: exactly (but for case and white space), or nearly, by MinHash and a check
 * of what it proposes. Problems whose numbers differ are different problems however alike they are. A duplicate is
 * compared with the first of its kind, and itself forgotten, so memory (some 700 bytes a problem) grows with different
 * problems only.
 */
export class DuplicateFinder {
  /** Counts problems that were compared with `MAX_COMPARED` others and not with all that MinHash proposed. */
  cutShort = 0;
  readonly #exact = new Map<string, number>();
  readonly #seeds = Uint32Array.from({ length: BANDS * ROWS }, (_, i) => mix(i + 1));
  readonly #signature = new Uint32Array(BANDS * ROWS);
  readonly #kept: { id: number; numbers: number; start: number; end: number }[] = [];
  readonly #shingles = new Numbers();
  readonly #bands = new BandTable();

  /** Returns the earlier problem that this one repeats; a problem that repeats none is kept under `id`. */
  add(problem: string, id: number): Duplicate | undefined {
    const text = normalizeText(problem);
    const digest = createHash('sha256').update(text).digest('base64').slice(0, 22);
    const same = this.#exact.get(digest);
    if (same !== undefined) return { kind: 'exact', of: same, similarity: 1 };
    this.#exact.set(digest, id);

    const shingles = shingleSet(text);
    const numbers = numbersHash(text);
    this.#sign(shingles);
    const near = this.#nearest(shingles, numbers);
    if (near) return near;
    const start = this.#shingles.length;
    for (const shingle of shingles) this.#shingles.push(shingle);
    this.#kept.push({ id, numbers, start, end: this.#shingles.length });
    for (let band = 0; band < BANDS; band++) this.#bands.push(this.#bandHash(band));
    return undefined;
  }

  /** Computes the signature: the smallest hash of the shingles under each of 100 hash functions. */
  #sign(shingles: Uint32Array): void {
    this.#signature.fill(0xffffffff);
    for (const shingle of shingles) {
      for (let i = 0; i < this.#signature.length; i++) {
        const hash = mix(shingle ^ this.#seeds[i]!);
        if (hash < this.#signature[i]!) this.#signature[i] = hash;
      }
    }
  }

  #bandHash(band: number): number {
    let hash = band + 1;
    for (let i = band * ROWS; i < (band + 1) * ROWS; i++)
      hash = mix(Math.imul(hash, 31) + this.#signature[i]!);
    return hash;
  }

  #nearest(shingles: Uint32Array, numbers: number): Duplicate | undefined {
    const compared = new Set<number>();
    for (let band = 0; band < BANDS; band++) {
      for (const entry of this.#bands.find(this.#bandHash(band))) {
        const other = Math.floor(entry / BANDS);
        if (compared.has(other)) continue;
        if (compared.size >= MAX_COMPARED) {
          this.cutShort++;
          return undefined;
        }
        compared.add(other);
        const known = this.#kept[other]!;
        if (known.numbers !== numbers) continue;
        const similarity = jaccard(shingles, this.#shingles.part(known.start, known.end));
        if (similarity >= NEAR) return { kind: 'near', of: known.id, similarity };
      }
    }
    return undefined;
  }
}

/** Hashes a text's runs of three words, sorted, each once. A word is a run of letters and digits, or a sign. */
export function shingleSet(text: string): Uint32Array {
  const words = normalizeText(text).match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];
  const sorted = gramHashes(words, SHINGLE_WORDS).sort();
  return sorted.filter((hash, i) => i === 0 || hash !== sorted[i - 1]);
}

/** Hashes the numbers of a text, whatever their order. */
function numbersHash(text: string): number {
  return hashText((text.match(/\p{N}+/gu) ?? []).sort().join(' '));
}

/** Divides what two sorted sets share by what either has. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      both++;
      i++;
      j++;
    } else if (a[i]! < b[j]!) i++;
    else j++;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 1 : both / either;
}

/** Stores 32-bit numbers in a list that grows. */
class Numbers {
  length = 0;
  #values = new Uint32Array(1 << 12);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const longer = new Uint32Array(this.length * 2);
      longer.set(this.#values);
      this.#values = longer;
    }
    this.#values[this.length++] = value;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  part(start: number, end: number): Uint32Array {
    return this.#values.subarray(start, end);
  }
}

/** Maps a hash to the numbers of its entries, latest first. A Map of arrays would take ten times the memory. */
class BandTable {
  readonly #hashes = new Numbers();
  /** Number of the previous entry in the same slot, plus one; 0 ends the chain. */
  readonly #before = new Numbers();
  #slots = new Uint32Array(1 << 12);

  push(hash: number): void {
    if (this.#hashes.length === this.#slots.length) this.#grow();
    this.#hashes.push(hash);
    this.#before.push(this.#link(this.#hashes.length - 1));
  }

  *find(hash: number): Generator<number> {
    for (let entry = this.#slots[this.#slot(hash)]!; entry > 0; entry = this.#before.at(entry - 1)) {
      if (this.#hashes.at(entry - 1) === hash) yield entry - 1;
    }
  }

  /** Puts the entry in front of its slot's chain and returns the previous head. */
  #link(entry: number): number {
    const slot = this.#slot(this.#hashes.at(entry));
    const before = this.#slots[slot]!;
    this.#slots[slot] = entry + 1;
    return before;
  }

  #slot(hash: number): number {
    return hash & (this.#slots.length - 1);
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let entry = 0; entry < this.#hashes.length; entry++) this.#before.set(entry, this.#link(entry));
  }
}
