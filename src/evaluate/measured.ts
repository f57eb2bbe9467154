/** @file Measures an evaluation by selectors and measures, those of the list and those of modules of the user's. */
import { basename } from 'node:path';
import { inspect } from 'node:util';
import { estimate } from '../statistics/estimators.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { importFrom, thrownBy } from '../util/modules.js';
import { inLine } from '../util/printable.js';
import {
  measures,
  selectors,
  type Measure,
  type MeasuredProblem,
  type MeasureName,
  type Selector,
  type SelectorName,
} from './measures.js';
import { shareInWords } from './words.js';

/** A name of the list, or the file of a module. */
export type Named<Name extends string> = Name | { module: string };

/** What is to be measured, by names. */
export interface MeasureSettings {
  selectors: readonly Named<SelectorName>[];
  measures: readonly Named<MeasureName>[];
}

/** What is measured: numbers of a problem, of which means are taken. */
export interface OpenedMeasures {
  selectors: readonly { name: string; of: Measure }[];
  measures: readonly { name: string; of: Measure }[];
}

/** @throws UserError naming a module that cannot be loaded or exports no function, and a name that occurs twice */
export async function openMeasures(settings: MeasureSettings): Promise<OpenedMeasures> {
  const opened: { selectors: { name: string; of: Measure }[]; measures: { name: string; of: Measure }[] } = {
    selectors: [],
    measures: [],
  };
  for (const kind of ['selectors', 'measures'] as const)
    for (const given of settings[kind]) {
      const name = typeof given === 'string' ? given : basename(given.module);
      if (opened[kind].some((other) => other.name === name))
        throw new UserError(`"${kind}" names ${name} twice, which is the name of a result: name it once.`);
      opened[kind].push({ name, of: await openOne(kind, given) });
    }
  return opened;
}

async function openOne(
  kind: 'selectors' | 'measures',
  given: Named<SelectorName> | Named<MeasureName>,
): Promise<Measure> {
  if (typeof given !== 'string') {
    const one = kind === 'selectors' ? 'selector' : 'measure';
    const exported = await importFrom(given.module, one, one);
    if (typeof exported !== 'function')
      throw new UserError(
        `${one} ${given.module} exports something that is not a function: export one that takes { id, row, samples }`,
      );
    const call = guarded(exported as (problem: MeasuredProblem) => unknown, one, given.module);
    return kind === 'selectors'
      ? rightOf((problem) => checkedChoice(call(problem), problem, given.module))
      : (problem) => checkedNumbers(call(problem), problem, given.module);
  }
  return kind === 'selectors'
    ? rightOf(selectors[given as SelectorName]())
    : measures[given as MeasureName]();
}

/** A selector as a measure: whether what it takes is right. */
const rightOf =
  (selector: Selector): Measure =>
  (problem) => {
    const chosen = selector(problem);
    return { right: chosen === undefined ? 0 : Number(problem.samples[chosen]!.right) };
  };

const guarded =
  (call: (problem: MeasuredProblem) => unknown, what: string, module: string) =>
  (problem: MeasuredProblem): unknown => {
    try {
      const value = call(copyOf(problem));
      if (!(value instanceof Promise)) return plain(value);
      value.catch(() => undefined); // what it comes to is no matter any more
    } catch (error) {
      throw new UserError(`${what} ${module} threw at the problem ${problem.id}: ${thrownBy(error, module)}`);
    }
    throw new UserError(
      `${what} ${module} returned a promise for the problem ${problem.id}: it must return its result itself, so it cannot be async`,
    );
  };

/** A problem for code that may change it. Numbers of a row that JavaScript would change are changed here: they are to be numbers. */
const copyOf = ({ row, ...problem }: MeasuredProblem): MeasuredProblem => ({
  ...structuredClone(problem),
  row: JSON.parse(writeJson(row)) as Record<string, unknown>,
});

/** What a module has returned, read once while what it throws is caught: its own getters may. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value;

function checkedChoice(value: unknown, { id, samples }: MeasuredProblem, module: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (Number.isInteger(value) && samples[value as number] !== undefined) return value as number;
  throw new UserError(
    `selector ${module} returned ${shown(value)} for the problem ${id}: it must return the place of one of its ${samples.length} samples, counted from 0, or nothing`,
  );
}

function checkedNumbers(
  value: unknown,
  { id }: MeasuredProblem,
  module: string,
): Record<string, number | null> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value) : [];
  const fit = entries.every(
    ([, number]) => number === null || (Number.isFinite(number) && Math.abs(number as number) <= LARGEST),
  );
  if (entries.length > 0 && fit) return value as Record<string, number | null>;
  throw new UserError(
    `measure ${module} returned ${shown(value)} for the problem ${id}: it must return an object of finite numbers (1e100 at most) or null, by their names`,
  );
}

/** Numbers of which many can be squared and added. */
const LARGEST = 1e100;

/** What a module has returned, in a line. */
const shown = (value: unknown): string =>
  inLine(inspect(value, { compact: true, breakLength: Infinity, depth: 1, maxStringLength: 60 }), SHOWN);

const SHOWN = 200;

/** A mean over the problems that say something, and its standard error; null where it cannot be known. */
export interface MeasuredMean {
  mean: number;
  standard_error: number | null;
  problems: number;
}

/** Takes problems one by one, and keeps the numbers that they give. */
export class MeasureTally {
  readonly #opened: OpenedMeasures;
  readonly #values = new Map<string, number[]>();

  constructor(opened: OpenedMeasures) {
    this.#opened = opened;
  }

  add(problem: MeasuredProblem): void {
    for (const kind of ['selectors', 'measures'] as const)
      for (const { name, of } of this.#opened[kind])
        for (const [number, value] of Object.entries(of(problem))) {
          const key = JSON.stringify([kind, name, number]);
          const values = this.#values.get(key) ?? [];
          this.#values.set(key, values);
          if (value !== null) values.push(value);
        }
  }

  /** The share of problems whose selected response is right, by selector. */
  get selected(): Record<string, MeasuredMean> {
    return Object.fromEntries(
      this.#opened.selectors.flatMap(({ name }) => {
        const values = this.#values.get(JSON.stringify(['selectors', name, 'right'])) ?? [];
        return values.length === 0 ? [] : [[name, meanOf(values)]];
      }),
    );
  }

  /** By measure, then by what it calls its numbers. */
  get measured(): Record<string, Record<string, MeasuredMean>> {
    const found = new Map<string, [string, MeasuredMean][]>();
    for (const [key, values] of this.#values) {
      const [kind, name, number] = JSON.parse(key) as [string, string, string];
      if (kind !== 'measures' || values.length === 0) continue;
      found.set(name, [...(found.get(name) ?? []), [number, meanOf(values)]]);
    }
    // Names are those of a module, and may be any: "__proto__" is one.
    return Object.fromEntries(
      Array.from(found, ([name, numbers]) => [name, Object.fromEntries(numbers)] as const),
    );
  }
}

function meanOf(values: readonly number[]): MeasuredMean {
  const { mean, standardError, problems } = estimate(values);
  return { mean, standard_error: Number.isNaN(standardError) ? null : standardError, problems };
}

/** "selected shortest: 40.0 % ± 2.1 %", "lengths: …", a line each. */
export function describeMeasured({
  selected = {},
  measured = {},
}: {
  selected?: Record<string, MeasuredMean>;
  measured?: Record<string, Record<string, MeasuredMean>>;
}): string[] {
  const number = (value: number) => String(Number(value.toPrecision(4)));
  return [
    ...Object.entries(selected).map(
      ([name, { mean, standard_error, problems }]) =>
        `taking ${inLine(name, NAME)}: ${shareInWords(mean, standard_error, problems)} right`,
    ),
    ...Object.entries(measured).map(
      ([name, numbers]) =>
        `${inLine(name, NAME)}: ` +
        Object.entries(numbers)
          .map(([what, { mean, standard_error, problems }]) => {
            const error =
              standard_error === null || standard_error === 0 ? '' : ` ± ${number(standard_error)}`;
            return `${inLine(what, NAME)} ${number(mean)}${error} (${counted(problems, 'problem')})`;
          })
          .join(', '),
    ),
  ];
}

const NAME = 60;
