/** @file Tells what the words and signs behind a number in a sentence do to it: nothing, name its unit, or make it another value. */

import { OR, OR_SIGNS } from './denial.js';
import { isUnitLetter, isUnitWord } from '../parse/units.js';

/** Opens another number beside the one before it: "or", "and", a comma, in several languages. */
export const ALTERNATIVE = new RegExp(
  `^\\s?[,;]?\\s?\\(?(?:(?:${OR}|and|und|et|y|e|и|&)\\s+|(?:${OR_SIGNS})\\s{0,3})(?:maybe |perhaps |possibly )?(?=[-+$€£(]?\\.?\\d)|^ ?[,;] (?=[-+$€£(]?\\.?\\d)`,
  'iu',
);

/** What stands behind a number up to the end of its clause. */
export interface Tail {
  /** Where it ends; the number's own end where nothing behind it matters. */
  readonly end: number;
  /** What it adds to the number: '', ` \text{ kg}`, `\%`; undefined where the number and its tail have to be read as they stand. */
  readonly suffix: string | undefined;
}

/** Limits the characters behind a number that are looked at. */
const REACH = 80;
/** Limits the words of what is counted: "different kinds of fruit". */
const MAX_WORDS = 4;

/** Where a clause ends. A colon or a vertical bar between digits is part of a ratio. */
const CLAUSE_END =
  /\n|\s{3}|[.?](?=[\s"'*)`”]|$)|[,;](?!\d)|[。，；、।]|:(?=\s*$|\s\D)|\s[-–—]{1,3}\s(?!\d|\p{L}(?!\p{L}))|—|\s?[([](?!\s?mod)|[)\]"”“`$]|\*\*|(?<=\S)\*(?=\s|$)|<\/|\s?\|(?!\d)|\s\\(?![a-z]{2})|\\[()[\]]/u;

const PERCENT = /^\s?(?:\\?[%％]|per\s?cent(?!\p{L})|percentage(?!\p{L})|pct(?!\p{L}))/u;

const words = (text: string): string => `(?:${text})(?![\\p{L}\\p{N}])`;

/** Words with which something else begins that leaves the number as it is. */
const STOP = new RegExp(
  `(?:^|\\s)${words(
    'because|since|as|so|when|where|which|who|whose|that|for|in|on|at|by|from|with|using|after|before|during|under|given|due|via|' +
      'thus|hence|therefore|then|each|every|apiece|altogether|overall|total|remaining|a|an|is|are|was|were|will|has|have|had|' +
      'rather|instead|unlike|compared|not counting|of (?:them|these|those|the|his|her|its|their|my|our|which|all)|' +
      'weil|denn|da|porque|ya que|parce que|car|perché|poiché|потому|' +
      'and (?:we|the|this|that|it|so|thus|then|therefore|hence|there|he|she|they|i|you|is|are|no|nothing|not|all|its|our|his|her|their)',
  )}`,
  'iu',
);

const A = '(?:an? |the )?';
/** What of these does change it: a share, a base, a scale, a sign, a denial. */
const TURNS = new RegExp(
  `^\\s?(?:${[
    '(?:in|of|for|by|at|on|from|with|after|before|under)\\s+(?:(?:every|each|the|a)\\s)?[\\d$-]',
    `in ${words('base|binary|octal|hex\\w*|mod\\w*|(?:ten|hundred|thousand|million|billion|dozen|pair)s|the (?:negative|opposite)')}`,
    `with ${A}(?:minus|negative|opposite)`,
    `as ${A}(?:\\p{L}+ )?(?:bound|guess|estimate|approximation|remainder|exponent|numerator|denominator|base)`,
    'at (?:least|most|best|worst)',
    "(?:is|are|was|were|has|have|had|will)(?:n[’']t|(?: be)? (?:(?:clearly|only|just|still|always|also) )?" +
      words(
        'not|never|no|wrong|incorrect|false|impossible|invalid|too|excluded|out|ruled|less|more|fewer|greater|smaller|larger|' +
          'bigger|higher|lower|half|twice|double|part|below|above|under|over|between|at|close|near|almost|nearly|far|off|' +
          'unlikely|possible|possibly|maybe|perhaps|one of|divi\\w+|multiplied|added|increased|decreased|reduced|subtracted|' +
          'an? (?:\\p{L}+ )?(?:bound|guess|estimate|approximation|mistake|trap|distractor)',
      ) +
      ')',
  ].join('|')})`,
  'iu',
);

/** A word of what is counted or of a unit: "apples", "cm^2", "km/h". */
const WORD = /^[\p{L}\p{M}°µΩ’'-]+(?:\^?-?\d|[²³])?(?:\/\p{L}+(?:\^?\d|[²³])?){0,3}$/u;

/** What joins a number with more, or turns it: "7 and a half", "7 to the left", "7 times as many". */
const JOINS =
  /(?:^|\s)(?:and|or|nor|but|not|to|through|than|plus|minus|up|down|out|too|vs\.?|versus|over|mod|modulo)(?:\s|$)|^\s?times\s|^\s?(?:st|nd|rd|th)(?!\p{L})/iu;

/** Words at the end of a phrase that say nothing of the value: "5 apples left", but not "5 m left". */
const REST = /(?<=\p{L}{2,} )(?:left|remaining|total|altogether|overall|more|old|long|each|ago)$/iu;

/** In parentheses or behind a comma: what makes the number another answer. */
const REMARK =
  /^\s?[([]\s?(?:[^()[\]\n]{0,40}(?<!\p{L}))?(?:mod|modulo|base|not|false|wrong|incorrect|or|if|unless|maybe|perhaps|possibly)(?!\p{L})|^,?\s(?:if|unless|had|provided|except|only if|which is (?:wrong|not|false|incorrect))(?!\p{L})/iu;

/** Tells what follows the number that ends at `end`. */
export function tailAt(text: string, end: number): Tail {
  const rest = text.slice(end, end + REACH);
  const percent = PERCENT.exec(rest);
  if (percent && !/^[\p{L}\p{N}]/u.test(rest.slice(percent[0].length)))
    return { end: end + percent[0].length, suffix: '\\%' };
  const clause = rest.slice(0, clauseLength(rest));
  const behind = rest.slice(clause.length);
  const more: Tail = { end: end + clause.length, suffix: undefined };
  if (REMARK.test(behind))
    return { end: end + behind.search(/[\])\n]|$/) + clause.length + 1, suffix: undefined };
  // |7| - 7
  if (/^\s?\|\s?[-+*/^=]/.test(rest)) return { end, suffix: undefined };
  if (clause.trim() === '' || ALTERNATIVE.test(rest)) return { end, suffix: '' };
  const stop = STOP.exec(clause);
  const phrase = (stop ? clause.slice(0, stop.index) : clause).trimEnd();
  if (stop && TURNS.test(clause.slice(stop.index))) return more;
  if (phrase === '') return { end, suffix: '' };
  if (JOINS.test(`${phrase} ${stop ? '…' : ''}`)) return more;
  const words = phrase.trim().split(/\s+/);
  const isUnit = words.every((word) => WORD.test(word)) && words.length <= MAX_WORDS;
  const [first] = words as [string];
  if (!isUnit || (first.length === 1 && !isUnitLetter(first) && !/\P{ASCII}/u.test(first))) return more;
  // "5x" is a product, "5kg" is not.
  const isAttached = !/^\s/.test(phrase) && !/^[°µΩ\P{ASCII}]/u.test(phrase);
  const [name] = /^[A-Za-z]*/.exec(first)!;
  if (isAttached && !isUnitWord(name, true) && !(/^[A-Za-z][²³]/.test(first) && isUnitLetter(name)))
    return { end: end + phrase.length, suffix: undefined };
  return { end: end + phrase.length, suffix: ` \\text{ ${phrase.trim().replace(REST, '').trim()}}` };
}

/** Gives the number of characters up to the end of the clause; "5!" is not the end of one. */
function clauseLength(rest: string): number {
  const at = rest.search(CLAUSE_END);
  return at < 0 ? rest.length : at;
}
