/** @file Traces as a report shows them: rows of curations with all that files know of them, from collection to training. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Trace, TracedRow, TraceSet } from '../model.js';
import { inLine } from '../../util/printable.js';
import { addResponses, readCurated, responsesInto } from './curatedRows.js';
import { readTraceRows } from '../../data/traceRows.js';
import type { FoundFolder } from './folders.js';
import { settingsOf } from './json.js';
import { shortened, type Limits } from './limits.js';
import { Tokenizers } from './locate.js';
import {
  filesOf,
  openRow,
  originsOf,
  type OpenRow,
  type OpenSetOfRows,
  type TraceOptions,
} from './openRow.js';
import { tokenText } from './rowTokens.js';
import { SetTokens } from './setTokens.js';
import { waysOf } from './ways.js';

/** A set, and its chunks one after the other. */
export interface OpenTraces {
  set: TraceSet;
  chunks: () => Generator<TracedRow[]>;
}

const [CHUNK_ROWS, CHUNK_CHARACTERS] = [25, 500_000];
const HEAD = 140;

/** Reads the rows of all curations, of collections that nobody has curated, and of files of tokens that belong to neither. */
export async function readTraces(options: TraceOptions): Promise<OpenTraces[]> {
  const { found, limits } = options;
  const by = (command: string) => found.filter(({ record }) => record.command === command);
  const curations = by('curate');
  const curated = new Set(curations.flatMap((folder) => originsOf(filesOf(folder), found)));
  const collections = by('collect').filter(({ dir }) => !curated.has(resolve(dir, TRACES)));
  const tokens = new SetTokens(options, new Tokenizers());
  const all = [...curations, ...collections];
  const left = { rows: limits.rows, rowCharacters: limits.rowCharacters };
  const opened: OpenTraces[] = [];
  for (const [i, folder] of all.entries()) {
    const share = 1 / (all.length - i);
    const most = { ...limits, rows: Math.ceil(left.rows * share), rowCharacters: left.rowCharacters * share };
    const read = folder.record.command === 'curate' ? readCuration : readCollection;
    const set = await read(folder, most, options);
    if (set.rows.size === 0) continue;
    left.rows -= set.rows.size;
    left.rowCharacters -= charactersOf(set.rows);
    opened.push(await finish(set, tokens, options));
  }
  for (const set of tokens.unplaced(Math.max(0, left.rows))) opened.push(await finish(set, tokens, options));
  return opened;
}

const TRACES = 'traces.jsonl';
/** The part of the room for texts that responses in training rows may take; others have the rest. */
const FOR_PAIRS = 0.7;

const charactersOf = (rows: ReadonlyMap<string, OpenRow>): number =>
  [...rows.values()].reduce(
    (sum, { traces }) => sum + [...traces.values()].reduce((all, { text }) => all + text.length, 0),
    0,
  );

async function readCuration(
  folder: FoundFolder,
  limits: Limits,
  { command, mayRead }: TraceOptions,
): Promise<OpenSetOfRows> {
  const { rows, total } = readCurated(folder.dir, limits.rows, limits.rowCharacters * FOR_PAIRS);
  const notes: string[] = [];
  if (rows.size < total)
    notes.push(
      `${rows.size.toLocaleString('en')} of ${total.toLocaleString('en')} rows are in this report, pairs first; \`${command}\` has all.`,
    );
  const files = filesOf(folder);
  const readable = files.filter((file) => mayRead.has(file));
  if (files.length < [settingsOf(folder.record).data].flat().length)
    notes.push('What was curated is not there any more: responses that no pair took are missing.');
  else if (readable.length < files.length)
    notes.push(
      'What was curated lies outside of what this report was made of: responses that no pair took are missing.',
    );
  else if (
    !(await addResponses(files, rows, {
      ...limits,
      rowCharacters: limits.rowCharacters - charactersOf(rows),
    }))
  )
    notes.push(
      'What was curated is too large to be gone through, or was changed since: some responses that no pair took are missing.',
    );
  return { folder, rows, notes, files };
}

async function readCollection(
  folder: FoundFolder,
  limits: Limits,
  { command, mayRead }: TraceOptions,
): Promise<OpenSetOfRows> {
  const rows = new Map<string, OpenRow>();
  const files = [join(folder.dir, TRACES)].filter((file) => existsSync(file) && mayRead.has(file));
  const notes: string[] = [];
  let characters = limits.rowCharacters;
  for await (const row of readTraceRows(files, () => undefined)) {
    if (rows.size >= limits.rows || characters <= 0) {
      notes.push(
        `The first ${rows.size.toLocaleString('en')} rows are in this report; \`${command}\` has all.`,
      );
      break;
    }
    const open = openRow(String(row.originalIndex), 'collected');
    characters -= responsesInto(open, row);
    rows.set(open.id, open);
  }
  return { folder, rows, notes, files };
}

/** Adds tokens, ways and neighbours to a set's rows, and says what is in it. */
async function finish(set: OpenSetOfRows, tokens: SetTokens, options: TraceOptions): Promise<OpenTraces> {
  const { folder, rows, notes } = set;
  const { columns, gradients } = await tokens.addTo(set);
  waysOf(set, options, gradients);
  const all = [...rows.values()];
  const traced = all.map((row) => tracedRow(row, tokens, options));
  const isShort = traced.some(({ traces }, i) => traces.length > 0 && lacksTokens(all[i]!, traces));
  if (isShort) notes.push('Tokens of the last rows are left out, since a page would be too slow with them.');
  const chunks = chunkSizes(traced);
  return {
    set: {
      ...{ id: folder.name, name: folder.name, dir: folder.dir, notes, columns },
      rows: {
        ids: traced.map(({ id }) => id),
        heads: traced.map(({ problem }) => inLine(problem.slice(0, 2 * HEAD), HEAD)),
        fates: all.map(({ fate }) => fate),
        traces: traced.map(({ traces }) => traces.length),
        tokens: traced.map(({ traces }) => traces.filter((trace) => trace.tokens).length),
        chunks,
      },
    },
    chunks: function* () {
      let first = 0;
      for (const size of chunks) {
        yield traced.slice(first, first + size);
        first += size;
      }
    },
  };
}

const lacksTokens = ({ traces }: OpenRow, shown: readonly Trace[]): boolean =>
  [...traces.values()].some(({ own, tokenizer }) => own && tokenizer) && !shown.some((trace) => trace.tokens);

/** A row as it is shown; numbers of generations become places among those that are known. */
function tracedRow(row: OpenRow, tokens: SetTokens, { limits, problems }: TraceOptions): TracedRow {
  const known = [...row.traces].sort(([a], [b]) => a - b);
  const places = new Map(known.map(([number], place) => [number, place]));
  return {
    ...{ id: row.id, problem: shortened(row.problem, limits.trace), gold: row.gold },
    traces: known.map(([, { own, tokenizer, text, ...trace }]): Trace => {
      const isShown = own && tokenizer && tokens.take(own.ids.length);
      return {
        ...trace,
        text: shortened(text, limits.trace),
        ...(isShown && { tokens: tokenText(tokenizer, own) }),
      };
    }),
    made: row.made.map(({ right, wrong }) => ({
      right: places.get(right)!,
      ...(wrong !== undefined && { wrong: places.get(wrong)! }),
    })),
    way: row.way,
    nearest: row.problem === '' ? [] : problems.nearestTo(row.problem),
  };
}

function chunkSizes(rows: readonly TracedRow[]): number[] {
  const sizes: number[] = [];
  let characters = Infinity;
  for (const { problem, traces } of rows) {
    const more = traces.reduce(
      (sum, { text, tokens }) => sum + text.length + 8 * (tokens?.texts.length ?? 0),
      problem.length,
    );
    if (characters + more > CHUNK_CHARACTERS || sizes.at(-1)! >= CHUNK_ROWS) {
      sizes.push(0);
      characters = 0;
    }
    sizes[sizes.length - 1]!++;
    characters += more;
  }
  return sizes;
}
