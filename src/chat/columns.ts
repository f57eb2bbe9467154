/** @file Sets growing texts side by side, line by line, as lines of a terminal that is never rewritten. */

/** Cells that a character takes: wide ones of East Asia and emoji two, marks that join others none. */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;
const JOINED = /\p{M}|[\u200C\u200D\uFE0F]/u;
const cellsOf = (character: string): number => (JOINED.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** The cells that a text takes in a line. */
export const widthOf = (text: string): number =>
  Array.from(text).reduce((sum, character) => sum + cellsOf(character), 0);

/** Divides a text into lines of at most so many cells, at blanks where there are some. The last one may go on. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    let cells = 0;
    for (const word of paragraph.replaceAll('\t', '  ').split(/(?<= )/)) {
      if (cells > 0 && cells + widthOf(word.trimEnd()) > width) {
        lines.push(line);
        [line, cells] = ['', 0];
      }
      for (const character of word) {
        if (cells + cellsOf(character) > width) {
          if (character === ' ') continue;
          lines.push(line);
          [line, cells] = ['', 0];
        }
        line += character;
        cells += cellsOf(character);
      }
    }
    return [...lines, line];
  });
}

/** Texts that grow beside each other. A line is given once none of them can change it. */
export class Columns {
  readonly #columns: { lines: string[]; rest: string; ended: boolean }[];

  /** @param width cells of each column */
  constructor(
    count: number,
    readonly width: number,
    readonly gap = ' │ ',
  ) {
    this.#columns = Array.from({ length: count }, () => ({ lines: [], rest: '', ended: false }));
  }

  /** Adds to a column. @returns the lines that are complete now */
  push(column: number, text: string): string[] {
    const own = this.#columns[column]!;
    const lines = wrap(own.rest + text, this.width);
    own.rest = lines.pop()!;
    own.lines.push(...lines);
    return this.#complete();
  }

  /** Says that a column grows no more. @returns the lines that are complete now */
  end(column: number): string[] {
    const own = this.#columns[column]!;
    own.lines.push(own.rest);
    own.ended = true;
    return this.#complete();
  }

  #complete(): string[] {
    const columns = this.#columns;
    const lines: string[] = [];
    while (
      columns.every((own) => own.ended || own.lines.length > 0) &&
      columns.some((own) => own.lines.length > 0)
    ) {
      const cells = columns.map((own) => own.lines.shift()?.trimEnd() ?? '');
      const padded = cells.map((cell) => cell + ' '.repeat(Math.max(0, this.width - widthOf(cell))));
      lines.push(padded.join(this.gap).trimEnd());
    }
    return lines;
  }
}
