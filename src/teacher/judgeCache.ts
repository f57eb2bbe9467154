/** @file Keeps what a judge has said between runs. */
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readJsonLines } from '../data/jsonl.js';
import { explained } from '../util/fileErrors.js';
import { makeFolder } from '../util/folders.js';
import { beginsWith, requireOwnFile } from '../util/ownFile.js';
import { readFully, writeAll } from '../util/files.js';
import type { Judgement } from '../verify/files/judgement.js';

const Entry = z.object({
  key: z.string(),
  correct: z.boolean().nullable(),
  explanation: z.string(),
});

const CLOSED = -1;
/** How every line begins. */
const BEGINNING = '{"key":';

/**
 * What the judge has said, by a digest of what it was asked, in a file that only grows: one line an answer, written
 * before the answer is used, so that a run that was killed does not pay for it again. Lines that cannot be read (the
 * last one of a killed run) are passed over.
 */
export class JudgeCache implements Disposable {
  readonly #judgements = new Map<string, Judgement>();
  #fd: number;

  constructor(path: string) {
    makeFolder(dirname(path));
    requireOwnFile(path, beginsWith(BEGINNING), "the judge's answers are kept");
    if (existsSync(path)) this.#read(path);
    this.#fd = explained(path, () => openSync(path, 'a+'));
    const last = Buffer.from('\n');
    readFully(this.#fd, last, Math.max(0, fstatSync(this.#fd).size - 1));
    if (last.toString() !== '\n') writeAll(this.#fd, Buffer.from('\n')); // ends a line that was cut off
  }

  /** Answers known. */
  get size(): number {
    return this.#judgements.size;
  }

  get(key: string): Judgement | undefined {
    return this.#judgements.get(key);
  }

  /** Does nothing once it is closed: an answer may come after a run has ended. */
  add(key: string, judgement: Judgement): void {
    if (this.#fd === CLOSED) return;
    writeAll(this.#fd, Buffer.from(`${JSON.stringify({ key, ...judgement })}\n`));
    this.#judgements.set(key, judgement);
  }

  [Symbol.dispose](): void {
    if (this.#fd !== CLOSED) closeSync(this.#fd);
    this.#fd = CLOSED;
  }

  #read(path: string): void {
    for (const { row } of readJsonLines(path, () => undefined)) {
      const entry = Entry.safeParse(row);
      if (!entry.success) continue;
      const { key, ...judgement } = entry.data;
      this.#judgements.set(key, judgement);
    }
  }
}
