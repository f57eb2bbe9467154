/** @file Finds the answer in a short sentence: what stays of it without its label and the words around. Does not read it. */

import { plainAnswerAt } from './numbersInText.js';

/** Words after which a text is read as it stands: it says what the answer is not, or names several. */
const DOUBTS =
  /\b(?:not|never|or|nor|either|neither|maybe|perhaps|unless|if|wrong|incorrect|false|impossible|contradicts?|contradiction|cannot|absurd|rejected|discarded|invalid|tentative|candidate|possible|expected|previous)\b|n['’]t\b|\?/i;

/** Bold marks, but not a power (`2**3`). */
const BOLD = /(^|\s)(?:\*\*|__)(?=\S)|(?<=\S)(?:\*\*|__)(?=[\s:.,!]|$)/g;

/** What begins an item of a list or a quotation. */
const LIST_MARK = /^(?:[-*>•]|\d{1,2}\.)\s+(?=[*_]{0,2}\p{L})/u;

/** "2 + 3 = 5, so" */
const BEFORE_CONCLUSION = /^.*(?:[\s,;.]|^)(?:so|thus|hence|therefore|which (?:is|gives|equals))\b,?\s+/i;

/** "Answer:", "Total cost:", "A:"; a name of one letter may be a number's: x:y. */
const LABEL = /^(?:\p{L}[\p{L} ]{1,30}|A|답|答|解)\s*(?:[:：]|—|→|=>)\s*(?!\d+\s*:)/u;

const BE =
  '(?:is|are|was|were|has|have|had|gets?|got|finds?|found|says?|said|equals?|(?:must|will|would|should) be)';
/** "Well,", "Then", "It is", "we get", "about" */
const LEADS = new RegExp(
  [
    '(?:well|yes|no|sure|ok|okay|now|right|finally)[,:!.]\\s+',
    'then,?\\s+',
    `(?:i|we|you|he|she|it|they|that|this|there|[a-z])\\s+${BE}\\s+`,
    // "we need 5", "she sold 5", "they paid a total of 5"
    '(?:i|we|you|he|she|it|they)\\s+\\p{Ll}{3,12}\\s+(?:a total of\\s+)?(?=[$\\d])',
    '(?:got|equals|about|approximately|roughly|around)\\s+',
    '(?:=>|∴|⇒|→|=)\\s*',
  ]
    .map((lead) => `^${lead}`)
    .join('|'),
  'iu',
);

/** ", of course", "is the answer", "points" */
const TAIL =
  /(?:,?\s+(?:of course|i (?:think|guess|believe|suppose)|indeed|obviously|in total|altogether|overall)|\s+is (?:it|(?:the|my) answer)|\s+points?|\s+of (?:them|these|those))$/i;

/** Limits the words before and after that are dropped. */
const MOST = 4;

/**
 * Gives what is left of a short text without its label ("Answer: 18"), what leads to it ("2 + 3 = 5, so 5", "It is 5") and
 * what follows ("5, of course"). Undefined where that is all of the text, for several lines, and where the text doubts or
 * denies its answer.
 */
export function conclusionOf(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.includes('\n') || DOUBTS.test(trimmed)) return undefined;
  const plain = trimmed.replace(LIST_MARK, '').replace(BOLD, '$1');
  const concluded = plain.replace(BEFORE_CONCLUSION, '');
  // "5, so we are done" concludes no value.
  const hasValue = /\d/.test(concluded) || !/\d/.test(plain);
  let rest = (hasValue ? concluded : plain).replace(LABEL, '');
  for (let i = 0; i < MOST && LEADS.test(rest); i++) rest = rest.replace(LEADS, '');
  rest = rest.replace(/[.\s]+$/, '');
  for (let i = 0; i < MOST && TAIL.test(rest); i++) rest = rest.replace(TAIL, '');
  if (rest === '' || rest === trimmed.replace(/[.\s]+$/, '')) return undefined;
  const number = plainAnswerAt(rest, 0);
  const behind = number && rest.slice(number.end);
  return !number || number.isMore || /\d/.test(behind!) ? rest : number.content;
}
