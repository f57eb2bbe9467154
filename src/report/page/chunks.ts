/** @file The report within the page: its JSON, and the packed chunks of texts, unpacked when they are looked at. */
import type { Problem, ProblemChunk, ProblemIndex, Report, TracedRow, TraceIndex } from '../model.js';

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

/** Gives a chunk where it does not stand within the page. */
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

/** Unpacks a chunk of problems, or asks for it. */
const unpack = (set: number, chunk: number): Promise<ProblemChunk> =>
  source ? source(set, chunk) : (unpacked(`chunk-${set}-${chunk}`) as Promise<ProblemChunk>);

/** The row at a place of chunks of these sizes. */
async function rowIn(
  prefix: string,
  sizes: readonly number[],
  place: number,
  open: (chunk: number) => Promise<unknown[]>,
): Promise<unknown> {
  let first = 0;
  let chunk = 0;
  while (chunk < sizes.length && first + sizes[chunk]! <= place) first += sizes[chunk++]!;
  const key = `${prefix}-${chunk}`;
  const opened = kept.get(key) ?? open(chunk);
  kept.delete(key);
  kept.set(key, opened);
  // What could not be had may be had later.
  opened.catch(() => kept.get(key) === opened && kept.delete(key));
  while (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  const row = (await opened)[place - first];
  if (row === undefined) throw new Error('The row is not in its chunk.');
  return row;
}

/** The problem at a place of a set's index. */
export const problemAt = (set: number, { chunks }: ProblemIndex, place: number): Promise<Problem> =>
  rowIn(`chunk-${set}`, chunks, place, (chunk) => unpack(set, chunk)) as Promise<Problem>;

/** The row at a place of an index of traces. */
export const tracedRowAt = (set: number, { chunks }: TraceIndex, place: number): Promise<TracedRow> =>
  rowIn(`traces-${set}`, chunks, place, (chunk) => unpacked(`traces-${set}-${chunk}`)) as Promise<TracedRow>;

/** Where a text was found, and what stands around it. */
export interface Found {
  place: number;
  snippet: string;
}

const AROUND = 60;

function snippetOf(problem: Problem, wanted: string): string | undefined {
  const texts = [problem.problem, problem.gold, ...problem.answers.flat().map(({ text }) => text)];
  for (const text of texts) {
    const at = text.toLowerCase().indexOf(wanted);
    if (at >= 0) return text.slice(Math.max(0, at - AROUND), at + wanted.length + AROUND);
  }
  return undefined;
}

/**
 * Searches all texts of a set, chunk by chunk; capitals do not matter.
 * @yields after each chunk what was found in it
 */
export async function* search(
  set: number,
  { chunks }: ProblemIndex,
  query: string,
): AsyncGenerator<{ found: Found[]; done: number }> {
  const wanted = query.toLowerCase();
  let first = 0;
  for (let chunk = 0; chunk < chunks.length; chunk++) {
    const found: Found[] = [];
    for (const [i, problem] of (await unpack(set, chunk)).entries()) {
      const snippet = snippetOf(problem, wanted);
      if (snippet !== undefined) found.push({ place: first + i, snippet });
    }
    first += chunks[chunk]!;
    yield { found, done: chunk + 1 };
  }
}
