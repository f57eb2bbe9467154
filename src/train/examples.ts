/** @file Gives training its rows: the tokens of a data file without the rows that are too long. Knows no tensors. */

import { readConfig } from '../models/directory.js';
import { requireEmbedding } from '../models/tokenIds.js';
import { checkRows, type Objective, type Role } from '../objectives/objective.js';
import type { TokenFile } from '../text/tokenFile.js';
import { trainedWeights } from '../text/parts.js';
import type { TokenRow } from '../text/tokenRows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import { checkColumns, checkTerms } from './rowChecks.js';
import { openTokens, type TokenizeOptions } from './tokenCache.js';
import type { TrainRecipe } from './settings.js';

/** Log-probs of a response's tokens under a reference model, or Σ w·log p of them. */
export type ReferenceValue = Float64Array | number;

/** A response of a row of the data file. */
export interface ExamplePart {
  readonly role: Role;
  /** The number of its tokens, the prompt's included. */
  readonly length: number;
  readonly responseLength: number;
  readonly largestId: number;
  /** Of its tokens and all that is kept with them. */
  readonly digest: string;
  /** What parts with the same prompt have in common. */
  readonly prompt: number;
  /** Its tokens, which are read from the disk each time. */
  readonly row: TokenRow;
  /** It is the response of another row, and only scored. */
  readonly onlyScored?: boolean;
  /** What the reference model gives it, if the objective needs it. */
  readonly reference?: ReferenceValue | undefined;
}

/** What a reference gives the responses of examples, by their numbers. */
export interface References extends Disposable {
  at(part: number): ReferenceValue;
}

/** One row of the data file: a demonstration alone, or a chosen and a rejected response. */
export interface Example {
  /** A digest of what the row says, and which of several equal rows it is. */
  readonly id: string;
  line: number;
  parts: ExamplePart[];
}

/** Rows of a data file, of which only an index is in memory. */
export class Examples implements Disposable {
  readonly #rows: Uint32Array;
  /** The number of each row's first part, counted over all rows, and that of all parts. */
  readonly #firstParts: Uint32Array;
  /** Is closed with these. */
  references?: References;

  /**
   * @param rows which rows of the file; default: all
   * @param mismatched the most tokens of a response under another row's prompt, if each row is to bring one for each of its own
   */
  constructor(
    readonly file: TokenFile,
    rows?: Uint32Array,
    readonly mismatched?: number,
  ) {
    this.#rows = rows ?? Uint32Array.from({ length: file.rows }, (_, i) => i);
    this.#firstParts = new Uint32Array(this.length + 1);
    this.#rows.forEach((row, i) => {
      const { first, end } = file.sequencesOf(row);
      this.#firstParts[i + 1] = this.#firstParts[i]! + (end - first) * (mismatched === undefined ? 1 : 2);
    });
  }

  get length(): number {
    return this.#rows.length;
  }

  /** All parts of all rows. */
  get partCount(): number {
    return this.#firstParts[this.length]!;
  }

  /** The part of a number, counted over all rows. */
  partAt(part: number): ExamplePart {
    const place = this.#placeOf(part);
    return this.at(place).parts[part - this.#firstParts[place]!]!;
  }

  /** The line of the file in which a part of a number is. */
  lineOf(part: number): number {
    return this.at(this.#placeOf(part)).line;
  }

  /** Finds the row of a part. */
  #placeOf(part: number): number {
    let [from, end] = [0, this.length];
    while (end - from > 1) {
      const middle = (from + end) >> 1;
      if (this.#firstParts[middle]! <= part) from = middle;
      else end = middle;
    }
    return from;
  }

  *parts(): Generator<ExamplePart> {
    for (const { parts } of this) yield* parts;
  }

  at(index: number): Example {
    const { file, mismatched, references } = this;
    const row = this.#rows[index]!;
    const { first, end } = file.sequencesOf(row);
    let number = this.#firstParts[index]!;
    const parts: ExamplePart[] = [];
    for (let i = first; i < end; i++) parts.push(new StoredPart(file, i, references, number++));
    if (mismatched !== undefined) {
      const next = file.sequencesOf(this.#rows[(index + 1) % this.length]!);
      for (let i = first; i < end; i++) {
        const response = new StoredPart(file, next.first + ((i - first) % (next.end - next.first)));
        parts.push(new MismatchedPart(parts[i - first]!, response, mismatched, references, number++));
      }
    }
    return {
      get id() {
        return file.id(row);
      },
      line: file.line(row),
      parts,
    };
  }

  /** Those of the rows that are wanted; they share the file, which goes with these. */
  filter(isWanted: (place: number) => boolean): Examples {
    return new Examples(
      this.file,
      this.#rows.filter((_, place) => isWanted(place)),
      this.mismatched,
    );
  }

  *[Symbol.iterator](): Generator<Example> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  [Symbol.dispose](): void {
    this.closeReferences();
    this.file[Symbol.dispose]();
  }

  closeReferences(): void {
    this.references?.[Symbol.dispose]();
    delete this.references;
  }
}

class StoredPart implements ExamplePart {
  readonly #file: TokenFile;
  readonly #sequence: number;
  readonly #references: References | undefined;
  readonly #number: number;

  /** @param number of the part in all examples */
  constructor(file: TokenFile, sequence: number, references?: References, number = 0) {
    this.#file = file;
    this.#sequence = sequence;
    this.#references = references;
    this.#number = number;
  }

  get role(): Role {
    return this.#file.role(this.#sequence);
  }

  get length(): number {
    return this.#file.length(this.#sequence);
  }

  get responseLength(): number {
    return this.#file.responseLength(this.#sequence);
  }

  get digest(): string {
    return this.#file.digestOf(this.#sequence);
  }

  get prompt(): number {
    return this.#file.prompt(this.#sequence);
  }

  get largestId(): number {
    return this.#file.largestId(this.#sequence);
  }

  get row(): TokenRow {
    return this.#file.read(this.#sequence);
  }

  get reference(): ReferenceValue | undefined {
    return this.#references?.at(this.#number);
  }
}

/** The response of another row under a row's prompt, which is only scored; where it would be too long, its beginning. */
class MismatchedPart implements ExamplePart {
  readonly role = 'mismatched';
  readonly onlyScored = true;
  readonly #own: ExamplePart;
  readonly #other: ExamplePart;
  readonly #limit: number;
  readonly #references: References | undefined;
  readonly #number: number;

  constructor(
    own: ExamplePart,
    other: ExamplePart,
    limit: number,
    references: References | undefined,
    number: number,
  ) {
    [this.#own, this.#other, this.#limit] = [own, other, limit];
    [this.#references, this.#number] = [references, number];
  }

  get #promptLength(): number {
    return this.#own.length - this.#own.responseLength;
  }

  get length(): number {
    return Math.min(this.#limit, this.#promptLength + this.#other.responseLength);
  }

  get responseLength(): number {
    return this.length - this.#promptLength;
  }

  get digest(): string {
    return `${this.prompt} ${this.length} ${this.#other.digest}`;
  }

  get prompt(): number {
    return this.#own.prompt;
  }

  get largestId(): number {
    return Math.max(this.#own.largestId, this.#other.largestId);
  }

  get row(): TokenRow {
    const [own, other] = [this.#own.row, this.#other.row];
    const [start, count] = [own.responseStart, this.responseLength];
    const ids = new Int32Array(start + count);
    ids.set(own.ids.subarray(0, start));
    ids.set(other.ids.subarray(other.responseStart, other.responseStart + count), start);
    const weights = trainedWeights(other)?.slice(0, count);
    return { ids, responseStart: start, ...(weights && { weights }) };
  }

  get reference(): ReferenceValue | undefined {
    return this.#references?.at(this.#number);
  }
}

/** A row that is too long, and by how much: its tokens, or its characters where it has too many to be tokenised. */
export type DroppedRow = { line: number; tokens: number } | { line: number; characters: number };

export interface PreparedData {
  examples: Examples;
  /** Rows left out because a sequence is longer than `max_length`. */
  dropped: DroppedRow[];
  /** Tokens of one pass over the examples, prompts included. */
  tokens: number;
}

/** A recipe, and the day, as YYYY-MM-DD, on which a template that asks for the time writes its rows; default: now. */
export interface DatedRecipe extends TrainRecipe {
  date?: string;
}

/** How a recipe's data are tokenised for an objective. */
export const tokenizing = ({ layout, system }: TrainRecipe, { data }: Objective): TokenizeOptions => ({
  ...{ layout, data },
  ...(system !== undefined && { system }),
});

/**
 * Reads and tokenises the recipe's data for an objective. Supervised fine-tuning takes the chosen sides of pairs.
 * @param onRows as in `TokenizeOptions`
 * @param onNotice as in `readTrainingRecords`
 * @throws UserError for bad rows, for rows that the objective cannot use, and if nothing is left
 */
export async function prepareExamples(
  recipe: DatedRecipe,
  objective: Objective,
  onRows?: TokenizeOptions['onRows'],
  onNotice?: (sentence: string) => void,
): Promise<PreparedData> {
  const { model, data: path } = recipe;
  const tokenizer = ChatTokenizer.load(model, recipe.date);
  const { maxPositions, vocabSize } = readConfig(model, recipe.model_overrides);
  const limit = recipe.max_length ?? maxPositions;
  if (limit > maxPositions) {
    throw new UserError(`max_length ${limit} is more than the ${maxPositions} positions of ${model}`);
  }
  const { file, tooLong } = await openTokens(path, tokenizer, {
    ...tokenizing(recipe, objective),
    ...{ onRows, onNotice },
    onRecord: (record) => {
      checkRows(objective, [record], path);
    },
  });
  try {
    const kept = keptRows(file, objective, { path, limit, vocabSize });
    const dropped = [...tooLong, ...kept.dropped].sort((a, b) => a.line - b.line);
    if (kept.rows.length === 0)
      throw new UserError(`${path}: all ${dropped.length} rows are longer than max_length ${limit}`);
    const examples = new Examples(file, kept.rows, objective.mismatched ? limit : undefined);
    checkColumns(examples, objective, path);
    checkTerms(examples, objective, path);
    return { examples, dropped, tokens: kept.tokens };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

/** Chooses rows by the index of a file alone. @throws UserError as `prepareExamples` does */
function keptRows(
  file: TokenFile,
  objective: Objective,
  { path, limit, vocabSize }: { path: string; limit: number; vocabSize: number },
): { rows: Uint32Array; dropped: DroppedRow[]; tokens: number } {
  const dropped: DroppedRow[] = [];
  const rows = new Uint32Array(file.rows);
  let [count, tokens] = [0, 0];
  for (let row = 0; row < file.rows; row++) {
    const line = file.line(row);
    const { first, end } = file.sequencesOf(row);
    const sequences = Array.from({ length: end - first }, (_, i) => ({ role: file.role(first + i) }));
    checkRows(objective, [{ kind: 'group', line, sequences }], path);
    let [sum, longest] = [0, 0];
    for (let i = first; i < end; i++) {
      sum += file.length(i);
      longest = Math.max(longest, file.length(i));
    }
    if (longest > limit) {
      dropped.push({ line, tokens: longest });
      continue;
    }
    for (let i = first; i < end; i++) requireEmbedding(file.largestId(i), vocabSize, `${path}, line ${line}`);
    tokens += sum;
    rows[count++] = row;
  }
  return { rows: rows.slice(0, count), dropped, tokens };
}
