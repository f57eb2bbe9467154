/**
 * @file Writes a report as one HTML file that opens without network: the page's program and style, the report as JSON, and the problems'
 * texts in packed chunks, which the page unpacks when they are looked at. No text can end a script element, and the page may load nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { FileReplacement } from '../util/files.js';
import { beginsWith, requireOwnFile } from '../util/ownFile.js';
import { inLine } from '../util/printable.js';
import type { PlacedChunk, PlacedTraces, Report } from './model.js';

/** The page's program and style, as `npm run build` bundles them. */
export interface PageParts {
  script: string;
  style: string;
}

/** All pages begin so, by which a later run knows that it may replace one. */
const BEGINNING = '<!doctype html>\n<!-- A report of redistill. -->\n';

/**
 * Writes the page of a report.
 * @param chunks of all sets, in any order; each is packed and written before the next is asked for
 * @throws UserError where the path holds something else than a report, or cannot be written
 * @throws RangeError where the chunks are not those that the report speaks of
 */
export async function writeReportPage(
  report: Report,
  chunks: Iterable<PlacedChunk | PlacedTraces> | AsyncIterable<PlacedChunk | PlacedTraces>,
  path: string,
  parts: PageParts = builtParts(),
): Promise<void> {
  using file = new FileReplacement(path);
  if (statSync(path, { throwIfNoEntry: false })?.isFile())
    requireOwnFile(path, beginsWith(BEGINNING), 'the report is written');
  file.write(head(report, parts));
  const missing = chunkSizes(report);
  const writer = new ChunkWriter(file);
  for await (const placed of chunks) {
    const { name, rows, noun } = contentOf(placed);
    if (rows.length !== missing.get(name))
      throw new RangeError(`${name} of ${rows.length} ${noun} is not one of the report`);
    missing.delete(name);
    writer.write(name, rows);
  }
  if (missing.size > 0) throw new RangeError(`${[...missing.keys()][0]!} of the report is missing`);
  file.write('</body>\n</html>\n');
  file.commit();
}

/**
 * Writes JSON as base64 of gzip. Strings of a chunk's size, and streams that unpack beside the heap, stay until all of it is gone through:
 * with one buffer, pieces that die at once and a call that waits, a large report takes half of the memory.
 */
class ChunkWriter {
  readonly #file: FileReplacement;
  /** The JSON of the chunk; grows to that of the largest. */
  #json = Buffer.alloc(1 << 20);

  constructor(file: FileReplacement) {
    this.#file = file;
  }

  write(name: string, rows: readonly object[]): void {
    let size = 0;
    for (const piece of jsonPieces(rows)) size += this.#put(piece, size);
    const packed = gzipSync(this.#json.subarray(0, size));
    this.#file.write(`<script type="application/gzip-base64" id="${name}">`);
    for (let start = 0; start < packed.length; start += PACKED_BYTES)
      this.#file.write(packed.toString('base64', start, Math.min(start + PACKED_BYTES, packed.length)));
    this.#file.write('</script>\n');
  }

  /** @returns bytes of the text */
  #put(text: string, at: number): number {
    const most = at + 3 * text.length;
    if (most > this.#json.length) this.#json = Buffer.concat([this.#json], 2 * most);
    return this.#json.write(text, at);
  }
}

/** A multiple of three, so that the base64 of parts is that of the whole. */
const PACKED_BYTES = 3 << 12;
const PIECE_CHARACTERS = 1 << 14;
/** Lists of lists that are taken apart: rows, their answers by evaluation, answers. */
const LEVELS = 4;

/** JSON of a value in pieces of some 16 thousand characters. */
function* jsonPieces(value: unknown): Generator<string> {
  let piece = '';
  for (const part of jsonParts(value, LEVELS)) {
    piece += part;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function* jsonParts(value: unknown, levels: number): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    yield JSON.stringify(value);
    return;
  }
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map((part: unknown) => ['', part] as const)
    : Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
        part === undefined ? [] : [[`${JSON.stringify(key)}:`, part] as const],
      );
  let before = isList ? '[' : '{';
  if (parts.length === 0) yield before;
  for (const [key, part] of parts) {
    yield before + key;
    yield* jsonParts(part, levels - 1);
    before = ',';
  }
  yield isList ? ']' : '}';
}

/** Rows of each chunk that belongs to a report, by the id of its element. */
function chunkSizes({ evaluations, traces = [] }: Report): Map<string, number> {
  const named = (prefix: string, sets: readonly { chunks: readonly number[] }[]) =>
    sets.flatMap(({ chunks }, s) => chunks.map((size, i) => [`${prefix}-${s}-${i}`, size] as const));
  return new Map([
    ...named(
      'chunk',
      evaluations.map(({ problems }) => problems),
    ),
    ...named(
      'traces',
      traces.map(({ rows }) => rows),
    ),
  ]);
}

const contentOf = (placed: PlacedChunk | PlacedTraces) =>
  'problems' in placed
    ? { name: `chunk-${placed.set}-${placed.chunk}`, rows: placed.problems, noun: 'problems' }
    : { name: `traces-${placed.traces}-${placed.chunk}`, rows: placed.rows, noun: 'rows' };

/** What the page may do: run its own program and style, and ask nobody but the server of a live page. */
const policyOf = ({ script, style }: PageParts, isLive: boolean): string =>
  [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(style)}'`,
    ...(isLive ? ["connect-src 'self'", "frame-ancestors 'none'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

/** The head of a page up to its style. @param own stands before all that a browser obeys */
const headOf = ({ style }: PageParts, title: string, own = ''): string => `${BEGINNING}<html lang="en">
<head>
<meta charset="utf-8">
${own}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(inLine(title, 200))}</title>
<style>${inElement(style, 'style')}</style>
</head>
`;

/** The policy of a page that nobody serves. */
const policyElement = (parts: PageParts): string =>
  `<meta http-equiv="Content-Security-Policy" content="${policyOf(parts, false)}">\n`;

/** All that comes before the chunks. The program stands there, so that it need not wait until they have been read. */
const head = (report: Report, parts: PageParts): string =>
  `${headOf(parts, report.title, policyElement(parts))}<body>
<div id="page"><noscript>This report is drawn by a script within it, which this browser does not run.</noscript></div>
<script type="application/json" id="report">${scriptJson(report)}</script>
<script>${inElement(parts.script, 'script')}</script>
`;

/** The same page without a report, which it asks its server for; the policy goes with it as a header. */
export function livePage(parts: PageParts = builtParts()): { html: string; policy: string } {
  const html = `${headOf(parts, 'Runs under way')}<body data-live>
<div id="page"><noscript>This page is drawn by a script within it, which this browser does not run.</noscript></div>
<script>${inElement(parts.script, 'script')}</script>
</body>
</html>
`;
  return { html, policy: policyOf(parts, true) };
}

const digest = (text: string): string =>
  `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;

/** JSON in which nothing is markup: a reader of HTML sees no end of the element and no comment in it. */
export const scriptJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A text of our own as the content of an element whose end it must not hold; its digest would not hold either where line ends change. */
function inElement(text: string, element: 'script' | 'style'): string {
  if (new RegExp(`</${element}|<!--|\\r|\\0`, 'i').test(text))
    throw new Error(`the page's ${element} holds what would end it`);
  return text;
}

/** Reads what `npm run build` has made, whether this file is compiled or not. */
function builtParts(): PageParts {
  const read = (name: string) => readFileSync(new URL(`../../dist/report/${name}`, import.meta.url), 'utf8');
  return { script: read('page.js'), style: read('page.css') };
}
