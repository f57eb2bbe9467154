/** @file Tells what the words and signs behind a number in a sentence do to it: nothing, name its unit, or make it another value. */

import { OR, OR_SIGNS, THAN } from './denial.js';
import { PERCENT_ELSEWHERE, PERCENT_SIGNS, TURNED_ELSEWHERE } from './languages.js';
import { isPlainUnit, isUnitLetter, isUnitWord } from '../parse/units.js';

/** Opens another number beside the one before it: "or", "and", a comma, in several languages. */
export const ALTERNATIVE = new RegExp(
  `^(?:\\*\\*|[\`"])?\\s?[,;]?\\s?\\(?(?:(?:${OR}|and|und|et|y|e|и|&)\\s+|(?:${OR_SIGNS})\\s{0,3})(?:maybe |perhaps |possibly )?(?:\\*\\*|[\`"])?(?=\\\\?[-+$€£(]?\\.?\\d)|^(?:\\*\\*|[\`"])?(?: ?[,;] |[,;](?=-))(?:\\*\\*|[\`"])?(?=[-+$€£(]?\\.?\\d)`,
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
  /\n|\s{3}|[.?](?=[\s"'*)`”]|$)|[,;](?!\d)|[。，；、।]|:(?=\s*$|\s\D)|\s[-–—]{1,3}\s(?!\d|[$\\]|\p{L}(?!\p{L}))|—|\s?[([](?!\s?mod)|[)\]"”“`$]|\*\*|(?<=\S)\*(?=\s|$)|<\/|\s?\|(?!\d)|\s\\(?![a-z]{2})|\\[()[\]]/u;

const PERCENT = new RegExp(
  `^\\s?(?:\\\\?[%％]|${PERCENT_SIGNS}|(?:per\\s?cent|percentage|pct|${PERCENT_ELSEWHERE})(?!\\p{L}))`,
  'iu',
);

const PERCENT_SIGN = new RegExp(PERCENT_SIGNS, 'u');

const words = (text: string): string => `(?:${text})(?![\\p{L}\\p{N}])`;

/** What is no word: signs and digits. */
const SIGNS = /^\s?[^\s\p{L}\p{M}°µΩ’'"(]/u;

const A = '(?:an? |the )?';
const opening = (text: string): string => `^\\s?(?:${text})`;
/** Words that make another value of the number, or of the unit, before them, or deny it. */
const TURNS = new RegExp(
  opening(
    `${words(
      'hundred|thousand|million|billion|trillion|dozen|squared|cubed|factorial|doubled|halved|tripled|quadrupled|k|mln|bn|mil|grand(?![- ]\\p{L})|ppm|permil|per (?:mille|hundred|thousand|million)|parts per \\p{L}+|' +
        '\\(?mod|modulo|choose|permute|plus|minus|vs\\.?|versus|to the (?:\\p{L}+ )?power|to the (?:\\d\\p{L}*|second|third|fourth|fifth|sixth|nth)|' +
        'basis points|(?:ten|hundred|thousand)ths|multiplied by itself|subtracted from|reduced by|increased by|taken (?:twice|away)|without (?:its|the|their)|excluding|not counting|together with|as well as|along with|and (?:others|so on|so forth|higher|lower|its)|among others|and more|' +
        'and (?:an? )?(?:half|third|quarter|fifth|counting|up|upwards?|above|over|beyond|more|a bit|some)|' +
        'or (?:more|less|so|fewer|maybe|perhaps|possibly|above|below|higher|lower|not)|' +
        'maybe|perhaps|possibly|probably|not|never|(?:wrong|false|incorrect)(?! \\p{L}{3})|' +
        'in (?:base|binary|octal|hex\\w*|mod\\w*|(?:ten|hundred|thousand|million|billion|dozen|pair)s|the (?:negative|opposite))|' +
        `cannot|with ${A}(?:minus|negative|opposite)|as ${A}(?:\\p{L}+ )?(?:bound|guess|estimate|approximation|remainder|exponent)`,
    )}|(?:more|less|fewer|greater|higher|lower|smaller|larger)\\s${THAN}|(?:times|to|through|by|divided by|multiplied by|and|&|until|till)\\s(?:$|(?=[\\\\\\d$-])|(?=(?!a\\s)[a-z](?!\\p{L})))` +
      `|(?:is|was)(?:n[’']t|\\s(?:(?:clearly|only|just|still|always|also)\\s)?${words(
        'not|never|no|wrong|incorrect|false|impossible|invalid|too|excluded|out|ruled|less|more|fewer|greater|smaller|larger|bigger|' +
          'higher|lower|half|twice|double|part|below|above|under|over|between|at|close|near|almost|nearly|far|off|unlikely|possible|' +
          'possibly|maybe|perhaps|one of|divi\\p{L}+|an? (?:\\p{L}+ )?(?:bound|guess|estimate|approximation|mistake|trap|distractor)',
      )})`,
  ),
  'iu',
);
/** Words that make a condition, a bound or a direction of what stands before them. The result of a calculation stays what it is: "20 - 5 = 15 if all are sold". */
const QUALIFIES = new RegExp(
  opening(
    words(
      'if|unless|only if|except|but|too (?:many|much|few|little|large|small|high|low|big)|short|off|upwards?|downwards?|up|down|at (?:least|most|best|worst)|' +
        'less(?! \\p{L})|in (?:debt|the red(?! \\p{L}))|to the (?:left|right)|times (?:as|more|the|that|larger|smaller|greater|less)|(?:below|above|over|under) (?:zero|par|sea level)',
    ),
  ),
  'iu',
);
const TURNS_ELSEWHERE = new RegExp(`^\\s?(?:${TURNED_ELSEWHERE})`, 'iu');
/** A share or a base right behind a number: "7 in 10", "7 out of 10", but not "7 in 30 days". */
const SHARE =
  /^\sout of\s*$|^\s(?:over|out of|in|of|for|on|at|with)\s[\d$-](?![\d.,]*\s(?:second|minute|hour|day|night|week|month|year)s?(?!\p{L}))/iu;

/** Right behind a box: it is a part of a whole. */
const PART_OF =
  /^\s(?:over|out of|in|of)\s[\d$-](?![\d.,]*\s(?:second|minute|hour|day|night|week|month|year)s?(?!\p{L}))/iu;

/** A unit or a noun with another number behind it: "12 hours 30 minutes", "12 cm x 9 cm", "12 boys and 7 girls". */
const COMPOUND =
  /^\s?(?!(?:in|on|at|for|of|by|from|with|to|per|each|every|and|or|the|a|an|is|are|was|were|when|if|since|because|as|so|after|before|than|times|over|which|during|ou|oder|o|y|e|und|et|или|eller|lub|veya)\s)\p{L}+\.?(?:,?\sand|,|\s[x×*])?\s[$\\]{0,2}\d(?![\d.]*\s\p{L}+\sago)/iu;
/** Other answers for other cases or persons: "12 for even n and 15 for odd n", "12, (b) 15". */
const SEVERAL =
  /^\s(?:for|in|at|on)\s[^.\n,;]{1,30}[,;]\s(?:and\s)?-?[$\\]{0,2}\d[\d.,]*\s(?:for|in|at|on)\s|^[^.\n]{0,40}\s(?:and|but|while)\s[$\\]{0,2}-?\d[\d.,]*\s(?:for|if|when|otherwise)(?!\p{L})|^[,;]\s(?:\(?[b-h]\)|\p{Lu}\p{L}+:)\s?[$\\]{0,2}-?\d|^,?\s(?:alternatively|else|otherwise)(?!\p{L})/u;

/** Words that name no unit and nothing counted: with them another clause begins. */
const STOP = new RegExp(
  `(?:^|\\s)${words(
    'because|since|as|so|when|where|which|who|whose|that|for|in|on|at|by|from|with|without|using|after|before|during|under|given|due|via|' +
      'to|into|onto|out|over|up|down|off|through|between|among|than|and|or|but|not|if|while|until|till|per|about|around|' +
      'thus|hence|therefore|then|each|every|apiece|altogether|overall|total|remaining|left|leftover|a|an|the|this|these|those|' +
      'makes?|made|fails?|contradicts?|violates?|seems?|looks|' +
      'more|less|fewer|older|younger|taller|shorter|longer|cheaper|greater|higher|lower|later|earlier|ago|old|long|tall|high|wide|deep|away|' +
      'is|are|was|were|be|been|will|would|has|have|had|do|does|did|can|could|must|should|may|might|cannot|' +
      'rather|instead|unlike|compared|of (?:them|these|those|the|his|her|its|their|my|our|which|all)|all|only|also|just|still|now|' +
      'he|she|it|they|we|you|i|his|her|their|my|our|your|weil|denn|da|porque|ya|parce|car|perché|poiché|потому',
  )}`,
  'iu',
);

/** A word of what is counted or of a unit: "apples", "cm^2", "km/h". */
const WORD = /^[\p{L}\p{M}°µΩ’'-]+(?:\^?-?\d|[²³])?(?:\/\p{L}+(?:\^?\d|[²³])?){0,3}$/u;

/** In parentheses or behind a comma: what makes the number another answer. */
const REMARK =
  /^\s?[([]\s?(?:[^()[\]\n]{0,40}(?<!\p{L}))?(?:mod|modulo|base|not|false|wrong|incorrect|or|if|unless|maybe|perhaps|possibly|negative|percent|squared|cubed|octal|binary|should|actually|edit|bound|guess|thousands|millions|hundreds|rounded to the nearest (?:ten|hundred|thousand|million)|minus|plus|times|before|without|excluding|per ?cent|hexadecimal|decimal|minimum|maximum|could|might|incl\.?|though|except)(?!\p{L})|^\s?[([]\s?[×x*+%/-]|^,?\s(?:if|unless|had|provided|except|only if|(?:which|this|that) (?:is (?:wrong|not|false|incorrect|impossible|absurd|a contradiction|nonsense)|i doubt|cannot|contradicts?|violates?|makes no)|a contradiction|(?:etc|for (?:example|instance)|among others|say|and so on)|but (?:that|this|it) (?:contradicts|is wrong|is impossible|cannot))(?!\p{L})|^,?\s?(?:\.\.\.|…)/iu;

/** Before the result of a calculation with numbers: "20 - 5 = ". */
const CALCULATION = /[\d)%]\s?(?:\p{L}+\s)?[-+*\/×·÷–][^=\n]{0,60}=[\s$€£¥]*$/u;

/** Tells whether what stands at `start` is the result of a calculation with numbers. */
export const isResult = (text: string, start: number): boolean =>
  CALCULATION.test(text.slice(Math.max(0, start - REACH), start));

/** Tells what follows the number that ends at `end`, which may be the result of a calculation. */
export function tailAt(text: string, end: number, result = false): Tail {
  const rest = text.slice(end, end + REACH);
  // "The answer is $3$!", "The answer is 18! I hope"
  if (/^!(?:\s+\p{Lu}|$)/u.test(rest) && (/[$)*]/.test(text[end - 1]!) || rest.length > 1))
    return { end, suffix: '' };
  // A formula goes on with it: 3$\sqrt{2}$.
  const formula = /^\s?\$\s?[^\s\d$][^$\n]{0,60}\$/.exec(rest);
  if (formula) return { end: end + formula[0].length, suffix: undefined };
  const percent = PERCENT.exec(rest);
  if (percent && (PERCENT_SIGN.test(percent[0]) || !/^[\p{L}\p{N}]/u.test(rest.slice(percent[0].length))))
    return { end: end + percent[0].length, suffix: '\\%' };
  const clause = rest.slice(0, clauseLength(rest));
  const behind = rest.slice(clause.length);
  const more: Tail = { end: end + clause.length, suffix: undefined };
  if (SEVERAL.test(rest))
    return { end: end + clause.length + /^[,;]?[^.,;\n]{0,30}/.exec(behind)![0].length, suffix: undefined };
  if (COMPOUND.test(clause)) return more;
  if (REMARK.test(behind))
    return { end: end + behind.search(/[\])\n]|$/) + clause.length + 1, suffix: undefined };
  // |7| - 7
  if (/^\s?\|\s?[-+*/^=]/.test(rest)) return { end, suffix: undefined };
  if (clause.trim() === '' || ALTERNATIVE.test(rest)) return { end, suffix: '' };
  const isTurned = (words: string) =>
    TURNS.test(words) || (!result && QUALIFIES.test(words)) || goesOn(words);
  if (isTurned(clause) || SHARE.test(clause) || TURNS_ELSEWHERE.test(clause)) return more;
  const [attached = ''] = /^\S+/.exec(clause) ?? [];
  // 90/hour
  if (/^\/\p{L}{3}/u.test(attached)) return { end, suffix: '' };
  if (attached !== '' && !isAttachedUnit(attached, result))
    return { end: end + attached.length, suffix: undefined };
  const stop = STOP.exec(clause);
  const phrase = (stop ? clause.slice(0, stop.index) : clause).trim();
  const named = phrase === '' ? [] : phrase.split(/\s+/).slice(0, MAX_WORDS);
  const [first] = named;
  // "60 words per minute", "5 per hour"
  const rate = /^\s((?:(\p{L}{2,20})\s)?per\s(\p{L}{2,20}))(?!\p{L})/u.exec(clause);
  if (rate && !result && rate[2] === first && isUnitWord(rate[3]!, true))
    return { end: end + rate[0].length, suffix: ` \\text{ ${rate[1]!}}` };
  if (first === undefined || !named.every((word) => WORD.test(word))) return { end, suffix: '' };
  if (isTurned(clause.slice(clause.indexOf(first) + first.length))) return more;
  if (/^\sout of\s[\d$\\]/.test(clause.slice(clause.indexOf(phrase) + named.join(' ').length))) return more;
  const isUnit = isUnitLetter(first) || isUnitWord(first, true);
  // What a calculation gave stays so in its sentence: "10 - 4 = 6 miles apart".
  if (result && !isPlainUnit(named.join(' '))) return { end, suffix: isUnit ? ` \\text{ ${first}}` : '' };
  const unit = isUnit || isPlainUnit(phrase) ? named.join(' ') : isPlainUnit(first) ? first : named.at(-1)!;
  return { end: end + clause.indexOf(phrase) + named.join(' ').length, suffix: ` \\text{ ${unit}}` };
}

/** Tells whether words behind a box make another value of it: "million", "hours 30 minutes", "or more". Signs and single letters do not. */
export function isTurnedBehind(text: string, end: number): boolean {
  const rest = text.slice(end, end + REACH);
  const clause = rest.slice(0, clauseLength(rest));
  return (
    [TURNS, COMPOUND, PART_OF, TURNS_ELSEWHERE].some((turns) => turns.test(clause)) || SEVERAL.test(rest)
  );
}

/** Tells whether a sign or a letter follows a number or its unit, with which it is a part of something else. */
function goesOn(text: string): boolean {
  const letter = /^\s([a-zπ])(?![\p{L}'’])/iu.exec(text)?.[1];
  if (letter !== undefined) return letter !== 'a' && !isUnitLetter(letter);
  return /^\s/.test(text) && SIGNS.test(text);
}

/** Tells whether what stands right behind a number is its unit: "5kg", "5°", "5個", but not "5x"; "= 5m" behind a calculation. */
function isAttachedUnit(attached: string, result: boolean): boolean {
  if (/^[°µΩ]|^(?![²³⁰-₟½-¾⅐-⅞…])[^\x00-\x7f]/u.test(attached)) return /^[°µΩ\p{L}]/u.test(attached);
  const [name] = /^[A-Za-z]*/.exec(attached)!;
  if (/^(?:st|nd|rd|th)$/.test(name)) return false;
  return isUnitWord(name, true) || ((result || /^[A-Za-z][²³]/.test(attached)) && isUnitLetter(name));
}

/** Gives the number of characters up to the end of the clause; "5!" is not the end of one. */
function clauseLength(rest: string): number {
  const at = rest.search(CLAUSE_END);
  return at < 0 ? rest.length : at;
}
