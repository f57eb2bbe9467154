/** @file Finds the letter that answers a multiple-choice problem. */

import { findBoxes } from './boxes.js';
import { deniedUntil, isRefused } from './denial.js';

/** The letters of the choices unless the caller names others. */
export const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];

/** Limits the letters that are looked at, counted from the end. */
const MAX_LETTERS = 300;

const ANSWER =
  '(?:answer(?!\\p{L})|(?:correct|right|best|final|my|only|bon|richtige) (?:option|choice|choix)|réponse|respuesta|antwort|risposta|resposta|ответ|答案|答え|回答|정답|####|"choice")';
/** May stand before a letter and says nothing of it. */
const NOUN = '(?:(?:the\\s+)?(?:option|choice|letter|alternative|statement|la|选项)\\s{0,2})?';

/** Right before a letter: words that choose it. */
const CHOOSES = new RegExp(
  `(?:(?<!\\p{L})(?:so|thus|hence|therefore|then|consequently|by elimination|is|it['’]s|that['’]s|must be|should be|pick|picked|choose|chose|select|selected|` +
    `wait|actually|or rather|i mean|go(?:ing)? with|go(?:ing)? for|conclude|(?:points?|leads?|corresponds?) to|match(?:es)?|leaves(?: only)?|est|es|ist|è|é)|[选選択是为為→⇒])[\\s:：,"'(\\[]{0,3}${NOUN}[(\\["']?$`,
  'iu',
);
/** Right behind a letter: words that call it right. */
const CHOSEN =
  /^[)\]"']?\s+(?:(?:is|seems|looks|must be|has to be|would be|should be|remains)\s+(?:(?:the|a|an|our|my|only|single|clearly|definitely|therefore|thus|indeed|most|therefore,)\s+)*(?:correct|right|true|best|valid|answer|one|appropriate|accurate|likely|option|choice|solution)(?!\p{L})(?!\s+(?:wrong|incorrect|false|than))|(?:holds|fits|works)(?!\p{L})(?! the| only| with))/u;
/** In the part of a sentence before a letter or a statement: words that make it another's, a wrong one or none. */
const DENIES =
  /(?<!\p{L})(?:not|never|no|nor|neither|none|cannot|unlikely|wrong|incorrect|false|mistaken|except|(?<!by )eliminat\p{L}*|exclud\p{L}*|reject\p{L}*|rul\p{L}+ out|opposite|impossible|distractor|anything but|tempting|mistakes?|falsche?n?|fausse?|mauvaise?|incorrect[oa]|equivocad[oa]|errad[oa]|sbagliat[oa]|неверн\p{L}*|might|maybe|perhaps|would say|people|students?|textbook|complement|less)(?!\p{L})|n['’]t(?!\p{L})|错误|不正确|誤/iu;
const CLAUSE =
  /[.!?;\n]|,\s(?:so|thus|hence|therefore|and|but|the|it|i|we)(?!\p{L})|(?<!\p{L})(?:so|thus|hence|therefore|wait|actually)(?!\p{L})/iu;
/** Behind a statement: another one follows. */
const CHANGED =
  /(?<!\p{L})(?:however|wait|actually|on (?:second thought|reflection)|correction|i was wrong|let me reconsider)(?!\p{L})|[,.]\s+but (?:actually|on|the correct)/iu;
/** Right behind a letter: words and signs with which it is not the answer. */
const SPOILED =
  /^[)\]"']?(?:[\^_~'’¬]|\s?[→⇒≠]|\s(?:over|at random|(?:can|could|may|might|should|must|has to|is to) (?:be|not)\s+(?:eliminat|exclud|reject|ruled|wrong|false|right\?)|cannot|can['’]t|(?:is|was) (?:the only wrong|an? (?:distractor|trap|mistake|wrong)|un\p{L}+|impossible|false|less|excluded|eliminated|out)|would be|plus|minus|if|unless|when|only if|only when|failed|then)(?!\p{L})|,\s(?:which (?:is|was|seems) (?:not|wrong|false|incorrect|impossible|absurd)|then|if|unless|but (?:not|this|that|it)|at random)(?!\p{L})|[;,.]\s(?:otherwise|or else|if not)(?!\p{L}))/iu;

/**
 * Finds the one choice that a response names: in its last box, after "answer is" or "answer:", at the very start, or where
 * a sentence chooses it ("so B", "I pick B", "B is correct"). Null where there is none, where several are named ("A or B")
 * and where it is denied ("not A"). A letter that is only mentioned ("point B") is no answer. Elsewhere than in a box and
 * at the start only capitals count; "I" and "A" before a word in small letters are words.
 */
export function extractChoice(response: string, letters: readonly string[] = LETTERS): string | null {
  const plain = response
    .replace(/~~[^~\n]{0,200}~~/g, ' ')
    .replace(/\*\*|\\text(?:bf|rm|it)?\s?\{|\\math(?:rm|bf|sf)\s?\{/g, ' ')
    .replace(/\$\s?(\(?[A-Z]\)?)\s?\}?\s?\$/g, '$1');
  const finder = new ChoiceFinder(letters);
  const box = findBoxes(response).at(-1);
  if (box) {
    const content = box.content
      .replace(/\\(?:text(?:bf|rm|it)?|math(?:rm|bf|sf))\s?\{|[{}$]/g, ' ')
      .replace(new RegExp(`^\\s*${NOUN}`, 'i'), '');
    if (finder.isChoice(content)) return isRefused(response, box) ? null : finder.soleLetter(content, 'gi');
    // \boxed{\text{not B}}, \boxed{B^c}
    if (/^[^\d=]{1,24}$/.test(content) && finder.names(content)) return null;
  }
  for (const named of [finder.afterPhrase(plain), finder.atStart(plain)])
    if (named !== undefined) return named;
  return finder.chosen(plain);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Gives the part of a sentence that ends where a match begins. */
const clauseBefore = (text: string, end: number): string =>
  text
    .slice(Math.max(0, end - 120), end)
    .split(CLAUSE)
    .at(-1)!;

/** Tells whether the words around the letter that ends a match deny it or take it back: "A is wrong", "not A", "A, no wait, B". */
function isTaken(text: string, match: RegExpMatchArray): boolean {
  const end = match.index! + match[0].length;
  const behind = text.slice(end, end + 60);
  return (
    isRefused(text, { start: end - match[1]!.length, end }) ||
    SPOILED.test(behind) ||
    /^\W{0,6}(?:no\b\W{0,3}(?:wait|\(?[A-J]\b)|wait|actually|hmm+|or rather|i mean)\b/i.test(behind)
  );
}

/** What follows a letter that is named beside another one. */
const JOINED = '\\W{0,4}(?:\\b(?:or|and|und|oder|ou|et|o|y)\\b|[,/&+|、或和と-]|–|→)\\W{0,4}';

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
      `^\\s*(?:${this.#letter}\\s?(?:[)\\]]\\s*\\S|[)\\]]?\\s*(?:$|[:.,–—-]|\\b(?:or|and)\\b|${this.#letter}))|[(\\[]\\s?${this.#bare}\\s?[)\\]])`,
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
    const direct = new RegExp(`${ANSWER}\\s?(?:is|:|est|是|为)?\\s?[:：–-]?\\s{0,3}${this.#letter}`, 'giu');
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
      const isDenied = DENIES.test(clauseBefore(text, letter.start)) || isTaken(text, match);
      if (deniedUntil(text, phrase, letter) === undefined && !isDenied) {
        const later = text.slice(end, end + 400);
        const change = CHANGED.exec(later);
        return (change && this.chosen(later.slice(change.index))) ?? match[1]!.toUpperCase();
      }
      const rest = /[^.\n]{0,80}/.exec(text.slice(end))![0];
      return /(?<!\p{L})(?:if|otherwise|unless)(?!\p{L})/iu.test(rest)
        ? null
        : this.soleLetter(rest.replace(/\bnot\s+\W?\w\b/g, ''), 'g');
    }
    return undefined;
  }

  /** Tells whether a text mentions a letter. */
  names(text: string): boolean {
    return this.#all(text, 'g').size > 0;
  }

  /** Gives the letter at the beginning; undefined where the text begins with a word or with several. */
  atStart(text: string): string | undefined {
    const match = new RegExp(`^\\s*${NOUN}${this.#letter}`, 'i').exec(text);
    if (!match || this.#isWord(text, match) || isTaken(text, match)) return undefined;
    if (this.#isJoined(text, match[0].length)) return undefined;
    const behind = text.slice(match[0].length, match[0].length + 60);
    const isAlone =
      /^\s*(?:$|\n|[。．]|不是|[)\].:!](?!\s*(?:is|are|was|can|has|no|wrong|false|incorrect|fails?)(?!\p{L}))|[–—-]\s|(?:,\s?)?(?:because|since|as|not)(?!\p{L})|[\p{Lu}\d$\\])/u.test(
        behind,
      ) || CHOSEN.test(behind);
    return isAlone ? match[1]!.toUpperCase() : undefined;
  }

  /** Gives the last letter that a sentence outside formulas chooses; null where it is joined with others or denied. */
  chosen(text: string): string | null {
    const outside = text.replace(/\$[^$\n]*\$|\\\([^\n]*?\\\)/g, ' ');
    const match = [...outside.matchAll(new RegExp(this.#letter, 'g'))]
      .slice(-MAX_LETTERS)
      .findLast(
        (found) => !this.#isWord(outside, found) && isChosen(outside, found) && !isTaken(outside, found),
      );
    if (!match) return null;
    const before = outside.slice(Math.max(0, match.index - 12), match.index);
    const isAlternative = new RegExp(`(?<![A-Za-z0-9])\\w${JOINED}$`).test(before);
    const isJoined = this.#isJoined(outside, match.index + match[0].length);
    return isAlternative || isJoined ? null : match[1]!.toUpperCase();
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

/** Tells whether the words around a letter choose it. */
function isChosen(text: string, match: RegExpMatchArray): boolean {
  const start = match.index!;
  const end = start + match[0].length;
  if (DENIES.test(clauseBefore(text, start))) return false;
  const [before, behind] = [text.slice(Math.max(0, start - 40), start), text.slice(end, end + 60)];
  const isLineStart = /\n\s*$/.test(before) || before.trim() === '';
  const isOwnLine = isLineStart && /^[)\]]?[.!]?\s*(?:\n|$)/.test(behind);
  // "B) 12" as the last line.
  const isLastLine =
    isLineStart &&
    /^[)\].:](?!\s*(?:wrong|false|no|incorrect|not)\b)\s[^\n]*$/i.test(text.slice(end, end + 200));
  return isOwnLine || (isLastLine && end + 200 > text.length) || CHOOSES.test(before) || CHOSEN.test(behind);
}
