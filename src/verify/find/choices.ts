/** @file Finds the letter that answers a multiple-choice problem. */

/** The letters of the choices unless the caller names others. */
export const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];

const ANSWER = '(?:answer|choice|option|réponse|respuesta|antwort|risposta|ответ|答案|回答)';

/**
 * Finds the choice that a response names: a letter in a box, after "answer is" or "answer:", at the very start, or
 * else the last letter that stands by itself. Null where there is none. Elsewhere than in a box, right after such a
 * phrase and at the start only capitals count, since `a` is an article.
 */
export function extractChoice(response: string, letters: readonly string[] = LETTERS): string | null {
  const text = response.replace(/\*\*|\\text(?:bf|rm|it)?\{|\\mathrm\{/g, ' ');
  const letter = `[(\\[]?\\s?(${letters.map(escaped).join('|')})(?![A-Za-z0-9'’_])`;
  const first = (pattern: RegExp) => pattern.exec(text)?.[1]?.toUpperCase();
  const last = (pattern: RegExp) => [...text.matchAll(pattern)].at(-1)?.[1]?.toUpperCase();
  return (
    last(new RegExp(`\\\\boxed\\s?\\{\\s*${letter}`, 'gi')) ??
    last(new RegExp(`${ANSWER}\\s?(?:is|:|est|是)?\\s?:?\\s{0,3}${letter}`, 'giu')) ??
    last(new RegExp(`${ANSWER}.{1,50}?(?<![A-Za-z0-9'’])${letter}`, 'gu')) ??
    first(new RegExp(`^\\s*${letter}`, 'i')) ??
    last(new RegExp(`(?<![A-Za-z0-9'’])${letter}`, 'g')) ??
    null
  );
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
