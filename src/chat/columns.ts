/** @file Sets growing texts side by side, line by line, as lines of a terminal that is never rewritten. */

/** Cells that a character takes: wide ones of East Asia and emoji two, marks that join others none. */
const WIDE = /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;
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
  readonly #texts: string[];
  readonly #ended: boolean[];
  #given = 0;

  /** @param width cells of each column */
  constructor(
    readonly count: number,
    readonly width: number,
    readonly gap = ' │ ',
  ) {
    this.#texts = Array<string>(count).fill('');
    this.#ended = Array<boolean>(count).fill(false);
  }

  /** Adds to a column. @returns the lines that are complete now */
  push(column: number, text: string): string[] {
    this.#texts[column] += text;
    return this.#complete();
  }

  /** Says that a column grows no more. @returns the lines that are complete now */
  end(column: number): string[] {
    this.#ended[column] = true;
    return this.#complete();
  }

  #complete(): string[] {
    const columns = this.#texts.map((text) => wrap(text, this.width));
    // The last line of a column that grows is not complete.
    const sure = columns.map((lines, i) => (this.#ended[i] ? Infinity : lines.length - 1));
    const longest = Math.max(...columns.map((lines) => lines.length));
    const end = Math.min(longest, ...sure);
    const lines: string[] = [];
    for (; this.#given < end; this.#given++) {
      const cells = columns.map((own) => own[this.#given]?.trimEnd() ?? '');
      lines.push(cells.map((cell) => cell + ' '.repeat(Math.max(0, this.width - widthOf(cell)))).join(this.gap).trimEnd());
    }
    return lines;
  }
}
