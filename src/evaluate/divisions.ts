/** @file Divides an evaluation by what its rows say of themselves: pass@1 by subject, by level. */
import { passAt1, type ProblemResult } from '../statistics/estimators.js';
import { plainNumber, writeJson } from '../util/exactJson.js';
import { counted } from '../util/counted.js';
import { inLine } from '../util/printable.js';
import { shareInPoints } from './words.js';

/** A share of right responses and its standard error; null where it cannot be known. */
export interface Share {
  problems: number;
  pass_at_1: number;
  standard_error: number | null;
}

/** By field, then by value. */
export type Divided = Record<string, Record<string, Share>>;

/** Takes rows one by one, and keeps of each how often it was answered rightly. */
export class Divisions {
  readonly #fields: ReadonlyMap<string, Map<string, ProblemResult[]>>;

  /** @param fields of the rows */
  constructor(fields: readonly string[]) {
    this.#fields = new Map(fields.map((field) => [field, new Map<string, ProblemResult[]>()]));
  }

  add(row: Readonly<Record<string, unknown>>, result: ProblemResult): void {
    for (const [field, values] of this.#fields) {
      const value = wordOf(row[field]);
      const list = values.get(value) ?? [];
      values.set(value, list);
      list.push(result);
    }
  }

  get shares(): Divided {
    return Object.fromEntries(
      Array.from(this.#fields, ([field, values]) => [
        field,
        Object.fromEntries([...values].sort(inOrder).map(([value, list]) => [value, shareOf(list)] as const)),
      ]),
    );
  }
}

/** A value of a field as a word: numbers as they are written elsewhere, so that 2.0 is 2. */
function wordOf(value: unknown): string {
  const number = plainNumber(value);
  if (number !== undefined) return String(number);
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : writeJson(value);
}

const inOrder = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a.localeCompare(b, 'en', { numeric: true });

function shareOf(list: readonly ProblemResult[]): Share {
  const { mean, standardError, problems } = passAt1(list);
  return { problems, pass_at_1: mean, standard_error: Number.isNaN(standardError) ? null : standardError };
}

/** Values of a field that are shown; summary.json has all. */
const SHOWN = 20;

/** "by level: 1 80.0 ± 12.6 (10), 2 …", a line a field. */
export const describeDivided = (divided: Divided): string[] =>
  Object.entries(divided).map(([field, values]) => {
    const all = Object.entries(values);
    const shown = all
      .slice(0, SHOWN)
      .map(
        ([value, { pass_at_1, standard_error, problems }]) =>
          `${inLine(value, 60)} ${shareInPoints(pass_at_1, standard_error, problems)} (${problems})`,
      );
    const others = all.length - shown.length;
    return `by ${inLine(field, 60)}: ${shown.join(', ')}${others === 0 ? '' : `, and ${counted(others, 'further value')}`}`;
  });
