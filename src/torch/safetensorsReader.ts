/** @file Reads the data of tensors from a safetensors file as bytes. It does not load libtorch. */
import { closeSync } from 'node:fs';
import { basename } from 'node:path';
import { messageOf, UserError } from '../util/errors.js';
import { readFully } from '../util/files.js';
import { openRegular } from '../util/regularFile.js';
import { readHeader, type TensorEntry } from './safetensorsFormat.js';

/** Bytes that are read at a time: they stay in the processor's cache on their way to a tensor. */
const CHUNK = 1 << 20;

/** Holds what is being read, of whichever file: what is freed between tensors would leave holes in their memory. */
const buffer = new Uint8Array(CHUNK);

/**
 * An open safetensors file. Data are read where they are wanted instead of mapped, so that a file which becomes shorter,
 * or whose disk goes away, is an error in words and not the end of the process.
 */
export class SafetensorsReader implements Disposable {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #fd: number;
  readonly #dataStart: number;
  #open = true;

  /** @throws UserError for a file that does not exist, is cut off, or does not fit its header */
  constructor(readonly path: string) {
    const { fd, size } = openRegular(path);
    this.#fd = fd;
    try {
      const header = readHeader(fd, size, basename(path));
      this.entries = new Map(header.entries.map((entry) => [entry.name, entry]));
      this.metadata = header.metadata;
      this.#dataStart = header.dataStart;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) throw new UserError(`${this.path}: there is no tensor "${name}"`);
    return entry;
  }

  /**
   * Gives a tensor's data in pieces of up to 1 MB, whole numbers of elements, in order. A piece is overwritten by the next
   * one, of this file or another.
   */
  *pieces(name: string): Generator<Uint8Array> {
    const { begin, end } = this.entry(name);
    for (let at = begin; at < end; at += CHUNK) {
      const piece = buffer.subarray(0, Math.min(CHUNK, end - at));
      this.#read(piece, this.#dataStart + at);
      yield piece;
    }
  }

  /** Tells whether two tensors, which may be in different files, have the same type, shape and bytes. */
  static equal(a: SafetensorsReader, nameA: string, b: SafetensorsReader, nameB: string): boolean {
    const [first, second] = [a.entry(nameA), b.entry(nameB)];
    if (first.dtype !== second.dtype || first.shape.join() !== second.shape.join()) return false;
    const mirror = new Uint8Array(Math.min(CHUNK, second.end - second.begin));
    let at = b.#dataStart + second.begin;
    for (const piece of a.pieces(nameA)) {
      const other = mirror.subarray(0, piece.length);
      b.#read(other, at);
      if (Buffer.compare(piece, other) !== 0) return false;
      at += piece.length;
    }
    return true;
  }

  #read(into: Uint8Array, position: number): void {
    let read: number;
    try {
      read = readFully(this.#fd, into, position);
    } catch (error) {
      throw new UserError(`${this.path} cannot be read (${messageOf(error)})`);
    }
    if (read < into.length)
      throw new UserError(
        `${this.path} became shorter while it was read; fetch it again, or wait for what writes it`,
      );
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}
