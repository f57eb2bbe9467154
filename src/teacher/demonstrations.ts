/** @file Worked examples before a problem: rows of another file, the same for all problems or drawn for each. */
import { readProblemRows, rowsDigest, type ProblemRow } from '../data/problems.js';
import { rowError } from '../data/jsonl.js';
import { normalizeText } from '../util/normalizeText.js';
import { deriveSeed, Random } from '../util/random.js';

export interface DemonstrationSettings {
  /** Problems with answers; one that is asked for is never its own demonstration. */
  data: string;
  problem_field?: string | undefined;
  answer_field?: string | undefined;
  count: number;
  /** Draws them for each problem anew; without it they are the first of the file. */
  seed?: number | undefined;
}

/** One worked example, as turns. */
export interface Demonstration {
  user: string;
  assistant: string;
}

export class Demonstrations {
  readonly #rows: readonly ProblemRow[];
  readonly #texts: readonly string[];
  readonly #written = new Map<number, Demonstration>();

  private constructor(
    readonly settings: DemonstrationSettings,
    rows: readonly ProblemRow[],
    /** Of all rows of the file. */
    readonly digest: string,
    readonly write: (row: ProblemRow) => Demonstration,
  ) {
    this.#rows = rows;
    this.#texts = rows.map(({ problem }) => normalizeText(problem));
  }

  /** @throws UserError naming file and line of a row that is none */
  static async read(
    settings: DemonstrationSettings,
    write: (row: ProblemRow) => Demonstration,
  ): Promise<Demonstrations> {
    const { data, problem_field: problem, answer_field: answer } = settings;
    const digest = rowsDigest();
    const rows: ProblemRow[] = [];
    const onBadRow = ({ line, problem }: { line: number; problem: string }) => {
      throw rowError(data, line, problem);
    };
    for await (const row of readProblemRows(data, onBadRow, { problem, answer })) {
      digest.add(row);
      rows.push(row);
    }
    return new Demonstrations(settings, rows, digest.value(), write);
  }

  /** Those of a problem. @throws the error of `fail` where the file has too few that are other problems */
  of({ problem, id }: ProblemRow, fail: (problem: string) => Error): Demonstration[] {
    const { count, seed, data } = this.settings;
    const own = normalizeText(problem);
    const others: number[] = [];
    for (const place of seed === undefined ? this.#rows.keys() : this.#drawn(deriveSeed(seed, id))) {
      if (this.#texts[place] !== own) others.push(place);
      if (others.length === count) return others.map((place) => this.#at(place));
    }
    throw fail(`${data} has ${others.length} other problems, and ${count} are to be demonstrated`);
  }

  /** All places in an order drawn by a seed, of which only as many are drawn as are taken. */
  *#drawn(seed: number): Generator<number> {
    const random = new Random(seed);
    const moved = new Map<number, number>();
    for (let i = 0; i < this.#rows.length; i++) {
      const j = i + random.nextInt(this.#rows.length - i);
      yield moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
    }
  }

  #at(place: number): Demonstration {
    const known = this.#written.get(place);
    if (known) return known;
    const made = this.write(this.#rows[place]!);
    this.#written.set(place, made);
    return made;
  }
}
