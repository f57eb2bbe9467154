/** Letters that stand for choices where the caller names none. */
export const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];

const ANSWER = '(?:answer|choice|option|réponse|respuesta|antwort|risposta|ответ|答案|回答)';

/**
 * The choice that a response names: a letter in a box, behind "answer is" or "answer:", at the very start, or the
 * last letter that stands by itself. Null where there is none. `A` before a word counts as an article only when it
 * is looked for anywhere.
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
