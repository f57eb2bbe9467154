/** @file Finds the letter that answers a multiple-choice problem. */

import { findBoxes } from './boxes.js';

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
  if (box !== undefined && finder.isChoice(box)) return finder.only(box, 'gi');
  return finder.afterPhrase(plain) ?? finder.atStart(plain) ?? finder.last(plain);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What follows a letter that is named beside another one. */
const JOINED = '\\W{0,4}(?:\\b(?:or|and|und|oder|ou|et|o|y)\\b|[,/&])\\W{0,4}';

class ChoiceFinder {
  readonly #letter: string;

  constructor(letters: readonly string[]) {
    // "I" and "A" may be words of a sentence.
    this.#letter = `[(\\[]?\\s?(?<![A-Za-z0-9'’\\\\])(${letters.map(escaped).join('|')})(?![A-Za-z0-9'’_])`;
  }

  /** Tells whether a text is a letter, with a label or others beside it, and not a formula with letters. */
  isChoice(text: string): boolean {
    return new RegExp(
      `^\\s*${this.#letter}\\s?[)\\]]?\\s*(?:$|[:.,–—-]|\\b(?:or|and)\\b|${this.#letter})`,
      'i',
    ).test(text.trim());
  }

  /** Gives the only letter of a text; null where there are none or several. A letter with a label counts alone. */
  only(text: string, flags: 'g' | 'gi'): string | null {
    const labelled = new RegExp(
      `^\\s*${this.#letter}\\s?[)\\]]?\\s*[:.–—-]\\s*(?=\\S)`,
      flags.replace('g', ''),
    ).exec(text)?.[1];
    if (labelled !== undefined) return labelled.toUpperCase();
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
      const isDenied = /\b(?:not|never|neither)\b|n['’]t\b/i.test(match[0]);
      if (isDenied)
        return this.only(/[^.\n]{0,80}/.exec(text.slice(end))![0].replace(/\bnot\s+\W?\w\b/g, ''), 'g');
      return this.#isJoined(text, end) ? null : match[1]!.toUpperCase();
    }
    return undefined;
  }

  /** Gives the letter at the beginning; null where it is joined with others. Undefined where the text begins with a word. */
  atStart(text: string): string | null | undefined {
    const match = new RegExp(`^\\s*${this.#letter}`, 'i').exec(text);
    if (!match || this.#isWord(text, match)) return undefined;
    return this.#isJoined(text, match[0].length) ? null : match[1]!.toUpperCase();
  }

  /** Gives the last letter that stands by itself outside formulas; null where it is joined with others or denied. */
  last(text: string): string | null {
    const outside = text.replace(/\$[^$\n]*\$|\\\([^\n]*?\\\)/g, ' ');
    const matches = [...outside.matchAll(new RegExp(this.#letter, 'g'))].filter(
      (match) => !this.#isWord(outside, match),
    );
    const match = matches.at(-1);
    if (!match) return null;
    const before = outside.slice(Math.max(0, match.index - 12), match.index);
    const isAlternative = new RegExp(`(?<![A-Za-z0-9])\\w${JOINED}$`).test(before);
    return isAlternative || /\bnot\W+$/i.test(before) ? null : match[1]!.toUpperCase();
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
