/** @file The report within the page: its JSON, and the packed chunks of texts, unpacked when they are looked at. */
import type { Problem, ProblemChunk, ProblemIndex, Report, TracedRow, TraceSet } from '../model.js';
import { ask } from './ask.js';

/** Chunks that stay unpacked, the last used ones. */
const KEPT = 2;
const kept = new Map<string, Promise<unknown[]>>();

export function readReport(): Report {
  return JSON.parse(document.getElementById('report')?.textContent ?? 'null') as Report;
}

/** Waits until the browser has read the file to its end: chunks stand there. */
const whole = (): Promise<void> =>
  document.readyState === 'loading'
    ? new Promise((resolve) => {
        document.addEventListener(
          'DOMContentLoaded',
          () => {
            resolve();
          },
          { once: true },
        );
      })
    : Promise.resolve();

/** Gives a chunk of problems where it does not stand within the page. */
export type ChunkSource = (set: number, chunk: number) => Promise<ProblemChunk>;
let source: ChunkSource | undefined;

/** Has chunks come from elsewhere from now on; those that were unpacked are forgotten. */
export function takeChunksFrom(other: ChunkSource): void {
  source = other;
  kept.clear();
}

/** Unpacks the chunk in the element of an id. */
async function unpacked(id: string): Promise<unknown[]> {
  if (!document.getElementById(id)) await whole();
  const text = document.getElementById(id)?.textContent;
  if (text === undefined) throw new Error(`The file ends before ${id}: it is not whole.`);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as unknown[];
}

/** Rows in chunks, wherever these are. */
export interface Chunks<Row> {
  /** Tells them from others. */
  key: string;
  /** Rows of each, in order. */
  sizes: readonly number[];
  open: (chunk: number) => Promise<Row[]>;
  /** What is searched of a row. */
  textsOf: (row: Row) => string[];
}

/** The problems of a set, or what the server of a live page gives for them. */
export const problemsIn = (set: number, { chunks }: ProblemIndex): Chunks<Problem> => ({
  ...{ key: `chunk-${set}`, sizes: chunks },
  open: (chunk) =>
    source ? source(set, chunk) : (unpacked(`chunk-${set}-${chunk}`) as Promise<ProblemChunk>),
  textsOf: ({ problem, gold, answers }) => [problem, gold, ...answers.flat().map(({ text }) => text)],
});

/** The rows of a set of traces. */
export const tracedRowsIn = (set: number, { rows, asked }: TraceSet): Chunks<TracedRow> => ({
  ...{ key: `traces-${asked ?? set}`, sizes: rows.chunks },
  open: (chunk) =>
    asked === undefined
      ? (unpacked(`traces-${set}-${chunk}`) as Promise<TracedRow[]>)
      : ask<TracedRow[]>(`/traces/${asked}/${chunk}`),
  textsOf: ({ problem, gold, traces }) => [problem, gold ?? '', ...traces.map(({ text }) => text)],
});

/** The row at a place. */
export async function rowAt<Row>({ key, sizes, open }: Chunks<Row>, place: number): Promise<Row> {
  let first = 0;
  let chunk = 0;
  while (chunk < sizes.length && first + sizes[chunk]! <= place) first += sizes[chunk++]!;
  const own = `${key}-${chunk}`;
  const opened = (kept.get(own) as Promise<Row[]> | undefined) ?? open(chunk);
  kept.delete(own);
  kept.set(own, opened);
  // What could not be had may be had later.
  opened.catch(() => kept.get(own) === opened && kept.delete(own));
  while (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  const row = (await opened)[place - first];
  if (row === undefined) throw new Error('The row is not in its chunk.');
  return row;
}

/** Where a text was found, and what stands around it. */
export interface Found {
  place: number;
  snippet: string;
}

const AROUND = 60;

function snippetOf(texts: readonly string[], wanted: string): string | undefined {
  for (const text of texts) {
    const at = text.toLowerCase().indexOf(wanted);
    if (at >= 0) return text.slice(Math.max(0, at - AROUND), at + wanted.length + AROUND);
  }
  return undefined;
}

/**
 * Searches all texts, chunk by chunk; capitals do not matter.
 * @yields after each chunk what was found in it
 */
export async function* search<Row>(
  { sizes, open, textsOf }: Chunks<Row>,
  query: string,
): AsyncGenerator<{ found: Found[]; done: number }> {
  const wanted = query.toLowerCase();
  let first = 0;
  for (const [chunk, size] of sizes.entries()) {
    const found: Found[] = [];
    for (const [i, row] of (await open(chunk)).entries()) {
      const snippet = snippetOf(textsOf(row), wanted);
      if (snippet !== undefined) found.push({ place: first + i, snippet });
    }
    first += size;
    yield { found, done: chunk + 1 };
  }
}
