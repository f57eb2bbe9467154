/**
 * @file Keeps what a model has given the responses of a data set: numbers, in the packs in which they were scored. Each
 * pack has a check, so that scoring goes on after the last whole one, and numbers are read from the disk when a step needs them.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { explained, requireFree } from '../util/fileErrors.js';
import { readFully, writeAll } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import { openRegular } from '../util/regularFile.js';
import { takeDeadTemporary, temporaryName } from '../util/temporary.js';

/** 64 hexadecimal digits of the key come first. */
const KEY_BYTES = 64;
/** After the numbers of a pack, the beginning of a digest of the key, its place and them. */
const CHECK_BYTES = 8;

/** A file that is not whole, not as it was written, or of something else. */
export class DamagedScores extends Error {}

/** Where in a file the numbers of each response are. */
export class ScoresLayout {
  /** By response, in bytes. */
  readonly begins: Float64Array;
  /** By pack, in bytes, its check included. */
  readonly ends: Float64Array;

  /**
   * @param packs responses that are scored together, each once
   * @param countOf how many numbers a response has
   */
  constructor(
    packs: readonly (readonly number[])[],
    readonly countOf: (response: number) => number,
  ) {
    this.begins = new Float64Array(packs.reduce((sum, { length }) => sum + length, 0));
    let at = KEY_BYTES;
    this.ends = Float64Array.from(packs, (pack) => {
      for (const response of pack) {
        this.begins[response] = at;
        at += 8 * countOf(response);
      }
      return (at += CHECK_BYTES);
    });
  }

  get bytes(): number {
    return this.ends.at(-1) ?? KEY_BYTES;
  }
}

/** An open file of such numbers, whole or on its way. */
export class ScoresFile implements Disposable {
  readonly #fd: number;
  readonly #path: string;
  readonly #key: string;
  readonly #layout: ScoresLayout;
  /** Packs that it has. */
  #packs = 0;

  private constructor(fd: number, path: string, key: string, layout: ScoresLayout) {
    [this.#fd, this.#path, this.#key, this.#layout] = [fd, path, key, layout];
  }

  /** Opens a whole file. @throws DamagedScores */
  static open(path: string, key: string, layout: ScoresLayout): ScoresFile {
    const { fd, size } = openRegular(path);
    const file = new ScoresFile(fd, path, key, layout);
    if (size === layout.bytes && file.#countWhole() === layout.ends.length) return file;
    file[Symbol.dispose]();
    throw new DamagedScores(path);
  }

  /**
   * Begins a file beside its place, or goes on with what a process that has ended has left there.
   * @throws UserError where nothing can be written or the disk is too small
   */
  static begin(path: string, key: string, layout: ScoresLayout): ScoresFile {
    return explained(path, () => {
      makeFolder(dirname(path));
      takeDeadTemporary(path);
      const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
      const fd = openSync(temporaryName(path), O_RDWR | O_CREAT | O_NOFOLLOW);
      const file = new ScoresFile(fd, path, key, layout);
      try {
        file.#countWhole();
        file.#cut();
        requireFree(path, layout.bytes - fstatSync(fd).size, 'the scores');
      } catch (error) {
        file[Symbol.dispose]();
        throw error;
      }
      return file;
    });
  }

  get packs(): number {
    return this.#packs;
  }

  /** Removes all packs. */
  clear(): void {
    this.#packs = 0;
    this.#cut();
  }

  /** Writes the numbers of the next pack. */
  append(values: Float64Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    explained(this.#path, () => {
      writeAll(this.#fd, Buffer.concat([bytes, this.#check(this.#packs, bytes)]), this.#end(this.#packs));
    });
    this.#packs++;
  }

  /** Puts the file in its place when all packs are there. */
  commit(): void {
    explained(this.#path, () => {
      fsyncSync(this.#fd);
      renameSync(temporaryName(this.#path), this.#path);
    });
  }

  /** The numbers of a response. */
  read(response: number): Float64Array {
    const values = new Float64Array(this.#layout.countOf(response));
    const bytes = new Uint8Array(values.buffer);
    if (readFully(this.#fd, bytes, this.#layout.begins[response]!) < bytes.length)
      throw new Error(`${this.#path} has become shorter while it was read`);
    return values;
  }

  /** Closes it; what is on its way stays for the process that goes on with it. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #end(packs: number): number {
    return packs === 0 ? KEY_BYTES : this.#layout.ends[packs - 1]!;
  }

  /** Finds how many packs there are, each as it was written. */
  #countWhole(): number {
    const head = Buffer.alloc(KEY_BYTES);
    readFully(this.#fd, head, 0);
    const isOurs = head.toString() === this.#key;
    for (this.#packs = 0; isOurs && this.#packs < this.#layout.ends.length; this.#packs++) {
      const [begin, end] = [this.#end(this.#packs), this.#layout.ends[this.#packs]!];
      const bytes = Buffer.alloc(end - begin);
      if (readFully(this.#fd, bytes, begin) < bytes.length) break;
      const numbers = bytes.subarray(0, -CHECK_BYTES);
      if (!this.#check(this.#packs, numbers).equals(bytes.subarray(-CHECK_BYTES))) break;
    }
    return this.#packs;
  }

  /** Removes what comes after the packs that it has. */
  #cut(): void {
    explained(this.#path, () => {
      ftruncateSync(this.#fd, this.#packs === 0 ? 0 : this.#end(this.#packs));
      if (this.#packs === 0) writeAll(this.#fd, Buffer.from(this.#key), 0);
    });
  }

  #check(pack: number, numbers: Uint8Array): Buffer {
    const hash = createHash('sha256').update(`${this.#key} ${pack} `).update(numbers);
    return hash.digest().subarray(0, CHECK_BYTES);
  }
}
