/** @file Formats tables as plain text. */
import { inLine } from './printable.js';

/** The content of a cell. Numbers are printed as JavaScript prints them, so round them first. */
export type Cell = string | number;

/**
 * Writes a table as plain text, without a final newline: a heading, a rule, one line per row, two blanks between
 * columns. A column in which every cell is a number, or text that begins like one (`36.7 ± 2.0`, `+3.1`, `.5`, `–`), is
 * aligned to the right. Throws a RangeError if a row and the heading differ in their number of cells.
 */
export function formatTable(heading: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map((cell) => inLine(String(cell))));
  for (const row of texts) {
    if (row.length !== heading.length) {
      throw new RangeError(`A row has ${row.length} cells under ${heading.length} headings.`);
    }
  }
  const widths = heading.map((title, column) =>
    texts.reduce((widest, row) => Math.max(widest, displayWidth(row[column]!)), displayWidth(title)),
  );
  const numeric = heading.map(
    (_, column) =>
      texts.length > 0 && texts.every((row) => /^\s*([-+−±<]?\.?\d|[-–—]?\s*$)/.test(row[column]!)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const padding = ' '.repeat(widths[column]! - displayWidth(cell));
        return numeric[column] ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(heading), widths.map((width) => '─'.repeat(width)).join('  '), ...texts.map(line)].join('\n');
}

/** Counts the columns on a terminal: East Asian wide characters and emoji take two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    width +=
      /^[\p{Extended_Pictographic}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(
        segment,
      )
        ? 2
        : 1;
  }
  return width;
}
