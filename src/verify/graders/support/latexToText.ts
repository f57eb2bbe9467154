/** @file Converts LaTeX to plain text as pylatexenc does, mistakes included. For rllm's grader only. */

import { ARGUMENTS, bareCommandText, commandText, SPECIALS } from './latexCommands.js';
import { LatexError, MissingArgument } from './latexErrors.js';
import { isSpace, strip } from './python.js';

/** Limits the nesting of groups, arguments and environments; a text beyond it counts as unreadable. */
const MAX_DEPTH = 100;
/** Limits the characters of the result. */
const MAX_LENGTH = 100_000;

const MATRICES = new Set(['array', 'pmatrix', 'bmatrix', 'smallmatrix', 'psmallmatrix', 'bsmallmatrix']);
const EQUATIONS = /^(?:(?:equation|eqnarray|align|multline|gather|dmath)\*?)$/;

/** A piece of the result. Its kind may change how its neighbours are written. */
interface Piece {
  kind: 'characters' | 'command' | 'row' | 'column' | 'other';
  text: string;
  /** The white space after a command without arguments. */
  spaceAfter: string;
}

/** What ends a run of pieces. */
type End = { brace: string } | { environment: string } | { math: string } | null;

/**
 * Converts LaTeX to text as pylatexenc 2.10's `LatexNodes2Text().latex_to_text` does, on which rllm's grader is built,
 * as far as answers need it: `\frac{a}{b}` becomes `a/b` without parentheses, `\sqrt[n]{x}` becomes `√(x)`, unknown
 * commands and all braces vanish, symbols become Unicode. Mistakes (unclosed groups, stray braces) are ignored in the
 * same way. Comments are not handled: rllm has removed every percent sign before.
 * @throws LatexError where the original raises an error, and beyond 100 levels of nesting or 100,000 characters
 */
export function latexToText(latex: string): string {
  return joinPieces(new Reader(latex).pieces(null, false, 0), false);
}

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads up to and over `end`, or to the end of the text. */
  pieces(end: End, inEquation: boolean, depth: number): Piece[] {
    if (depth > MAX_DEPTH) throw new LatexError('too deeply nested');
    const pieces: Piece[] = [];
    let characters = '';
    const flush = (): void => {
      if (characters !== '') pieces.push({ kind: 'characters', text: characters, spaceAfter: '' });
      characters = '';
    };
    const brackets = end !== null && 'brace' in end && end.brace === ']';
    for (;;) {
      characters += this.#space();
      const character = this.#text[this.#position];
      if (character === undefined) break;
      if (character === '\\') {
        if (this.#position + 1 >= this.#text.length) {
          this.#position++;
          break;
        }
        flush();
        const name = this.#commandName();
        if (name === '(' || name === '[') {
          const close = name === '(' ? '\\)' : '\\]';
          const inner = strip(joinPieces(this.pieces({ math: close }, true, depth + 1), true));
          pieces.push(other(name === '(' ? inner : indented(inner)));
        } else if (name === ')' || name === ']') {
          if (end !== null && 'math' in end && end.math === `\\${name}`) break;
        } else if (name === 'begin' || name === 'end') {
          const environment = this.#environmentName();
          if (environment === undefined) characters += `\\${name}`;
          else if (name === 'begin') pieces.push(this.#environment(environment, inEquation, depth));
          else if (end !== null && 'environment' in end && end.environment === environment) break;
        } else {
          pieces.push(this.#command(name, inEquation, depth));
        }
      } else if (character === '{' || (character === '[' && brackets)) {
        flush();
        this.#position++;
        const inner = this.pieces({ brace: character === '{' ? '}' : ']' }, inEquation, depth + 1);
        pieces.push(other(joinPieces(inner, inEquation)));
      } else if (character === '}' || (character === ']' && brackets)) {
        flush();
        this.#position++;
        if (end !== null && 'brace' in end && end.brace === character) break;
      } else {
        const special = SPECIALS.find(([mark]) => this.#text.startsWith(mark, this.#position));
        if (special === undefined) {
          characters += character;
          this.#position++;
        } else {
          flush();
          this.#position += special[0].length;
          pieces.push({ kind: special[0] === '&' ? 'column' : 'other', text: special[1], spaceAfter: '' });
        }
      }
    }
    flush();
    return pieces;
  }

  /** Reads white space. */
  #space(): string {
    const start = this.#position;
    while (this.#position < this.#text.length && isSpace(this.#text[this.#position]!)) this.#position++;
    return this.#text.slice(start, this.#position);
  }

  /** Reads a command from its backslash on; its name is one character, or all letters that follow. */
  #commandName(): string {
    const letters = /\\(?:\p{L}+|[^])/uy;
    letters.lastIndex = this.#position;
    const found = letters.exec(this.#text)![0];
    this.#position += found.length;
    return found.slice(1);
  }

  #environmentName(): string | undefined {
    const name = /\s*\{([\w* ._-]+)\}/y;
    name.lastIndex = this.#position;
    const found = name.exec(this.#text);
    if (found === null) return undefined;
    this.#position += found[0].length;
    return found[1]!;
  }

  #command(name: string, inEquation: boolean, depth: number): Piece {
    const isWord = /^\p{L}/u.test(name);
    const spaceAfter = isWord ? this.#space() : '';
    const shape = ARGUMENTS.get(name);
    let text: string;
    const start = this.#position;
    try {
      text = commandText(name, this.#arguments(name, shape ?? '', inEquation, depth + 1));
    } catch (error) {
      if (!(error instanceof MissingArgument)) throw error;
      this.#position = start;
      text = bareCommandText(name);
    }
    if (name === '\\') return { kind: 'row', text, spaceAfter: '' };
    return { kind: 'command', text, spaceAfter: shape === undefined ? spaceAfter : '' };
  }

  #arguments(name: string, shape: string, inEquation: boolean, depth: number): string[] {
    return Array.from(shape, (argument) => {
      if (argument === '{') return this.#expression(inEquation, depth);
      return argument === '[' ? this.#optional(name, inEquation, depth) : this.#star();
    });
  }

  /** Reads a required argument: a group, a character or a command without its arguments. */
  #expression(inEquation: boolean, depth: number): string {
    if (depth > MAX_DEPTH) throw new LatexError('too deeply nested');
    this.#space();
    const character = this.#text[this.#position];
    if (character === undefined) throw new MissingArgument();
    if (character === '}') return '';
    if (character === '{') {
      this.#position++;
      return joinPieces(this.pieces({ brace: '}' }, inEquation, depth + 1), inEquation);
    }
    if (character === '\\') {
      if (this.#position + 1 >= this.#text.length) throw new MissingArgument();
      const name = this.#commandName();
      if (name === 'end') {
        this.#position -= '\\end'.length;
        return '';
      }
      if (/^\p{L}/u.test(name)) this.#space();
      return bareCommandText(name);
    }
    const special = SPECIALS.find(([mark]) => this.#text.startsWith(mark, this.#position));
    const length =
      special?.[0].length ?? String.fromCodePoint(this.#text.codePointAt(this.#position)!).length;
    this.#position += length;
    return special?.[1] ?? this.#text.slice(this.#position - length, this.#position);
  }

  #optional(name: string, inEquation: boolean, depth: number): string {
    const start = this.#position;
    const spaces = this.#space();
    if (this.#text[this.#position] !== '[' || (name === '\\' && spaces !== '')) {
      this.#position = start;
      return '';
    }
    this.#position++;
    return joinPieces(this.pieces({ brace: ']' }, inEquation, depth), inEquation);
  }

  #star(): string {
    const start = this.#position;
    this.#space();
    if (this.#position === this.#text.length) throw new MissingArgument();
    if (this.#text[this.#position] === '*') {
      this.#position++;
      return '*';
    }
    this.#position = start;
    return '';
  }

  #environment(name: string, inEquation: boolean, depth: number): Piece {
    if (name === 'array') {
      this.#optional(name, inEquation, depth + 1);
      this.#expression(inEquation, depth + 1);
    }
    const isEquation = EQUATIONS.test(name);
    const inner = this.pieces({ environment: name }, inEquation || isEquation, depth + 1);
    if (MATRICES.has(name)) return other(matrixText(inner, inEquation));
    const text = joinPieces(inner, inEquation || isEquation);
    return other(isEquation ? indented(strip(text)) : text);
  }
}

function other(text: string): Piece {
  return { kind: 'other', text, spaceAfter: '' };
}

/** Joins pieces to a text. In an equation spaces are kept after commands and dropped between constructs. */
function joinPieces(pieces: readonly Piece[], inEquation: boolean): string {
  let text = '';
  let previous: Piece | undefined;
  for (const piece of pieces) {
    if (inEquation && piece.kind === 'characters') {
      if (previous?.kind === 'command') text += previous.spaceAfter;
      if (strip(piece.text) !== '') text += piece.text;
    } else {
      text += piece.text;
    }
    if (text.length > MAX_LENGTH) throw new LatexError('too long');
    previous = piece;
  }
  return text;
}

/** Writes `[ a b; c d ]` with the cells padded to the widest. */
function matrixText(pieces: readonly Piece[], inEquation: boolean): string {
  const rows: string[][] = [[]];
  let cell: Piece[] = [];
  const endCell = (): void => {
    if (cell.length > 0) rows.at(-1)!.push(strip(joinPieces(cell, inEquation)));
    cell = [];
  };
  for (const piece of pieces) {
    if (piece.kind === 'column') endCell();
    else if (piece.kind === 'row') {
      endCell();
      rows.push([]);
    } else cell.push(piece);
  }
  endCell();
  const widths = rows.flat().map((text) => Array.from(text).length);
  if (widths.length === 0) throw new LatexError('an empty matrix');
  const width = widths.reduce((widest, next) => Math.max(widest, next));
  if (width * widths.length > MAX_LENGTH) throw new LatexError('too long');
  const padded = rows.map((row) => row.map((text) => ' '.repeat(width - Array.from(text).length) + text));
  return `[ ${padded.map((row) => row.join(' ')).join('; ')} ]`;
}

function indented(text: string): string {
  return `\n    ${text.replaceAll('\n', '\n    ')}\n`;
}
