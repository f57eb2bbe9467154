/** @file Finds half surrogate pairs, which JSON can write (`"\ud83d"`) and which are no characters. */

/** What a tokenizer makes of one is not what the file says: U+FFFD. */
const HALF_PAIR = /\p{Cs}/u;

/** The fields of a training row that are tokenised. */
const FIELDS = [
  'sequences',
  'messages',
  'prompt',
  'completion',
  'chosen',
  'rejected',
  'tools',
  'chat_template_kwargs',
];

/** Rows with half a pair: how many, and line and field of the first. */
export interface HalfPairsFound {
  rows: number;
  line: number;
  field: string;
}

/** Counts the rows of a file with half a surrogate pair in what is tokenised. */
export class HalfPairs {
  #rows = 0;
  #first: { line: number; field: string } | undefined;

  /** What was found, as plain data; undefined where nothing was. */
  get found(): HalfPairsFound | undefined {
    return this.#first && { rows: this.#rows, ...this.#first };
  }

  look(row: Record<string, unknown>, line: number): void {
    const field = FIELDS.find((name) => isBroken(row[name]));
    if (field === undefined) return;
    this.#rows++;
    this.#first ??= { line, field };
  }
}

/** Says how many rows have half a pair, and where the first stands. */
export function describeHalfPairs(path: string, { rows, line, field }: HalfPairsFound): string {
  return (
    `warning: ${path}, line ${line}: "${field}" has half a surrogate pair, which is no character and is read as ` +
    `U+FFFD; so it is in ${rows} ${rows === 1 ? 'row' : 'rows'} of the file`
  );
}

function isBroken(value: unknown): boolean {
  if (typeof value === 'string') return HALF_PAIR.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isBroken);
}
