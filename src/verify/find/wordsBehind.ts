/** @file Reads what a phrase announces in letters: an order of them, a number in words, a name. */

import type { AnswerCandidate } from './candidate.js';
import { inWords } from './numbersInText.js';

const LEAD = '[\\s:*"_]{0,8}(?:(?:is|est|es|ist|è|é|是|为)(?![A-Za-z])[\\s:*"_]{0,8})?';
const END = '(?=[\\s.*"_!]*(?:\\n|$))';
/** "the answer is HHT." */
const CAPITALS = new RegExp(`${LEAD}([A-Z]{2,12})${END}`, 'y');
/** "the answer is Evelyn", "#### Tuesday": up to four words that end the line. */
const WORDS = new RegExp(`${LEAD}(\\p{L}[\\p{L}'’-]{0,20}(?:[ -]\\p{L}[\\p{L}'’-]{0,20}){0,3})${END}`, 'uy');

/** Reads the words from `at` on; words that are no number only where the answer is `worded`. */
export function wordsBehind(text: string, at: number, worded: boolean): AnswerCandidate | undefined {
  const capitals = matchAt(CAPITALS, text, at);
  if (capitals) return capitals;
  const number = inWords(text, at);
  if (number) return { ...number, rank: 0 };
  return worded ? matchAt(WORDS, text, at) : undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): AnswerCandidate | undefined {
  pattern.lastIndex = at;
  const content = pattern.exec(text)?.[1];
  if (content === undefined) return undefined;
  return { content, rank: 0, start: pattern.lastIndex - content.length, end: pattern.lastIndex };
}
