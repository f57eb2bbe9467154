/** @file Finds the letter that answers a multiple-choice problem. */

import { findBoxes } from './boxes.js';
import { deniedUntil, isRefused } from './denial.js';

/** The letters of the choices unless the caller names others. */
export const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];

const ANSWER = '(?:answer|choice|option|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答)';

/**
 * Finds the one choice that a response names: in its last box, after "answer is" or "answer:", at the very start, or
 * else the last letter that stands by itself. Null where there is none, where several are named ("A or B") and where
 * it is denied ("not A"). Elsewhere than in a box, right after such a phrase and at the start only capitals count; "I"
 * and "A" before a word in small letters are words.
 */
export function extractChoice(response: string, letters: readonly string[] = LETTERS): string | null {
  const plain = response.replace(/\*\*|\\text(?:bf|rm|it)?\s?\{|\\mathrm\s?\{/g, ' ');
  const finder = new ChoiceFinder(letters);
  const box = findBoxes(response)
    .at(-1)
    ?.content.replace(/\\text(?:bf|rm|it)?\s?\{|\\mathrm\s?\{|[{}$]/g, ' ');
  if (box !== undefined && finder.isChoice(box)) return finder.soleLetter(box, 'gi');
  for (const named of [finder.afterPhrase(plain), finder.atStart(plain)])
    if (named !== undefined) return named;
  return finder.last(plain);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Tells whether the words around the letter that ends a match deny it or take it back: "A is wrong", "not A", "A, no wait, B". */
function isTaken(text: string, match: RegExpMatchArray): boolean {
  const end = match.index! + match[0].length;
  return (
    isRefused(text, { start: end - match[1]!.length, end }) ||
    /^\W{0,4}(?:no\b\W{0,3}wait|wait|actually|hmm+|or rather|i mean)\b/i.test(text.slice(end, end + 40))
  );
}

/** What follows a letter that is named beside another one. */
const JOINED = '\\W{0,4}(?:\\b(?:or|and|und|oder|ou|et|o|y)\\b|[,/&])\\W{0,4}';

class ChoiceFinder {
  /** A letter by itself, with a bracket before it or not. */
  readonly #letter: string;
  /** The same without a bracket. */
  readonly #bare: string;

  constructor(letters: readonly string[]) {
    // "I" and "A" may be words of a sentence.
    const bare = (open: string) =>
      `(?<![A-Za-z0-9'’\\\\])(${open}${letters.map(escaped).join('|')})(?![A-Za-z0-9'’_])`;
    this.#letter = `[(\\[]?\\s?${bare('')}`;
    this.#bare = bare('?:');
  }

  /** Tells whether a text is a letter, with a label or others beside it, and not a formula with letters. */
  isChoice(text: string): boolean {
    return new RegExp(
      `^\\s*(?:${this.#letter}\\s?[)\\]]?\\s*(?:$|[:.,–—-]|\\b(?:or|and)\\b|${this.#letter})|[(\\[]\\s?${this.#bare}\\s?[)\\]])`,
      'i',
    ).test(text.trim());
  }

  /** Gives the only letter of a text; null where there are none or several. A letter with a label counts alone. */
  soleLetter(text: string, flags: 'g' | 'gi'): string | null {
    const labelled = new RegExp(
      `^\\s*${this.#letter}\\s?[)\\]]?\\s*[:.–—-]\\s*(?=\\S)`,
      flags.replace('g', ''),
    ).exec(text)?.[1];
    if (labelled !== undefined) return labelled.toUpperCase();
    // (E) 3/4
    const bracketed = text.match(new RegExp(`[(\\[]\\s?${this.#bare}\\s?[)\\]]`, flags)) ?? [];
    const isLabel = bracketed.length === 1 && /^\s*[([]/.test(text) && !/\b(?:or|and)\b|[,/&]/.test(text);
    if (isLabel) return bracketed[0].replace(/[()[\]\s]/g, '').toUpperCase();
    const found = this.#all(text, flags);
    return found.size === 1 ? [...found][0]! : null;
  }

  /** Gives the letter of the last statement of an answer; null where it names several. Undefined without a statement. */
  afterPhrase(text: string): string | null | undefined {
    const direct = new RegExp(`${ANSWER}\\s?(?:is|:|est|是|为)?\\s?[:：]?\\s{0,3}${this.#letter}`, 'giu');
    const near = new RegExp(`${ANSWER}[^.\\n]{1,50}?${this.#letter}`, 'gu');
    for (const pattern of [direct, near]) {
      const match = [...text.matchAll(pattern)].filter((found) => !this.#isWord(text, found)).at(-1);
      if (!match) continue;
      const end = match.index + match[0].length;
      if (this.#isJoined(text, end)) return null;
      const [phrase, letter] = [
        { start: match.index, end: match.index },
        { start: end - match[1]!.length, end },
      ];
      if (deniedUntil(text, phrase, letter) === undefined && !isTaken(text, match))
        return match[1]!.toUpperCase();
      const rest = /[^.\n]{0,80}/.exec(text.slice(end))![0];
      return this.soleLetter(rest.replace(/\bnot\s+\W?\w\b/g, ''), 'g');
    }
    return undefined;
  }

  /** Gives the letter at the beginning; null where it is joined with others. Undefined where the text begins with a word. */
  atStart(text: string): string | null | undefined {
    const match = new RegExp(`^\\s*${this.#letter}`, 'i').exec(text);
    if (!match || this.#isWord(text, match) || isTaken(text, match)) return undefined;
    return this.#isJoined(text, match[0].length) ? null : match[1]!.toUpperCase();
  }

  /** Gives the last letter that stands by itself outside formulas; null where it is joined with others or denied. */
  last(text: string): string | null {
    const outside = text.replace(/\$[^$\n]*\$|\\\([^\n]*?\\\)/g, ' ');
    const matches = [...outside.matchAll(new RegExp(this.#letter, 'g'))].filter(
      (match) => !this.#isWord(outside, match) && !isTaken(outside, match),
    );
    const match = matches.at(-1);
    if (!match) return null;
    const before = outside.slice(Math.max(0, match.index - 12), match.index);
    const isAlternative = new RegExp(`(?<![A-Za-z0-9])\\w${JOINED}$`).test(before);
    return isAlternative ? null : match[1]!.toUpperCase();
  }

  #all(text: string, flags: 'g' | 'gi'): Set<string> {
    const matches = [...text.matchAll(new RegExp(this.#letter, flags))];
    return new Set(
      matches.filter((match) => !this.#isWord(text, match)).map((match) => match[1]!.toUpperCase()),
    );
  }

  /** Tells whether the letter is the English word "I" or "a" before another word. */
  #isWord(text: string, match: RegExpMatchArray): boolean {
    const end = match.index! + match[0].length;
    return (
      /^[AIai]$/.test(match[1]!) &&
      /^\s+(?!or\b|and\b|is\b|because\b|since\b)[a-z]/.test(text.slice(end, end + 16))
    );
  }

  #isJoined(text: string, end: number): boolean {
    return new RegExp(`^[)\\]]?${JOINED}${this.#letter}`).test(text.slice(end, end + 20));
  }
}
