/** @file The responses of a run, kept beside the result as they come, so that a run that was stopped goes on. */
import { z } from 'zod';
import { Journal, type Place } from '../teacher/journal.js';
import { messageOf, UserError } from '../util/errors.js';
import { beginsWith, requireOwnFile } from '../util/ownFile.js';

/** How the file begins. */
const BEGINNING = '{"journal":"redistill responses"';
const header = z.object({
  journal: z.literal('redistill responses'),
  made: z.record(z.string(), z.unknown()),
});
const line = z.object({
  index: z.int().nonnegative(),
  row: z.looseObject({ tokens: z.int().nonnegative() }),
});

/** A row of the result. */
export type KeptRow = z.infer<typeof line>['row'];

/** Rows in the order in which they came, in a file that only grows. */
export class KeptRows implements AsyncDisposable {
  /** Where each row is, by its place in the result. */
  readonly #places = new Map<number, Place>();
  /** Tokens of the responses that were there when it was opened. */
  readonly before = new Map<number, number>();
  #failure: Error | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  readonly #journal: Journal;

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Begins the file, or goes on with it.
   * @param made what the rows follow from: only a run of the same goes on
   * @throws UserError where it was made by something else
   */
  static async open(path: string, made: Readonly<Record<string, unknown>>): Promise<KeptRows> {
    requireOwnFile(path, beginsWith(BEGINNING), 'responses are kept until all are there');
    const found = new Map<number, { place: Place; tokens: number }>();
    let lines = 0;
    const journal = await Journal.open(path, (value, place) => {
      if (lines++ === 0) {
        requireSame(value, made, path);
        return;
      }
      const { data } = line.safeParse(value);
      if (!data)
        throw new UserError(`${path}, line ${lines}: this is no response; remove the file to begin anew.`);
      found.set(data.index, { place, tokens: data.row.tokens });
    });
    const rows = new KeptRows(journal);
    for (const [index, { place, tokens }] of found) {
      rows.#places.set(index, place);
      rows.before.set(index, tokens);
    }
    try {
      if (lines === 0) await journal.append({ journal: 'redistill responses', made });
      return rows;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Takes a row; it is on disk soon. @throws what kept an earlier one from it */
  add(index: number, row: KeptRow): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#writing = this.#journal.append({ index, row }).then(
      (place) => this.#places.set(index, place),
      (error: unknown) => (this.#failure ??= error instanceof Error ? error : new Error(messageOf(error))),
    );
  }

  /** All rows in their order. */
  async *rows(): AsyncGenerator<KeptRow> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    for (const index of [...this.#places.keys()].sort((a, b) => a - b)) {
      yield this.#read(index);
    }
  }

  /** @throws UserError where another command has written between the rows of this one */
  #read(index: number): KeptRow {
    const { path } = this.#journal;
    try {
      const value = this.#journal.read(this.#places.get(index)!);
      // As it was written, its fields in their order.
      if (line.safeParse(value).data?.index === index) return (value as z.infer<typeof line>).row;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new UserError(
      `${path} was written by another command at the same time; run the same command again, alone: what is there is kept.`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#journal.close();
  }
}

function requireSame(found: unknown, made: Readonly<Record<string, unknown>>, path: string): void {
  const read = header.safeParse(found);
  if (!read.success) throw new UserError(`${path} is no file of ours: move it, or choose another --out.`);
  const then = read.data.made;
  const differing = [...new Set([...Object.keys(then), ...Object.keys(made)])].filter(
    (key) => JSON.stringify(then[key]) !== JSON.stringify(made[key]),
  );
  if (differing.length > 0)
    throw new UserError(
      `${path} holds responses that were begun with another ${differing.join(', ')}: go on with the same, remove the file, or choose another --out.`,
    );
}
