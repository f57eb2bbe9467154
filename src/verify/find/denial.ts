/** @file Tells from the words around a piece of a response whether they deny it or leave it open. Does not read the piece. */

import {
  BOUNDED_ELSEWHERE,
  BOUNDED_SIGNS_ELSEWHERE,
  PERHAPS_ELSEWHERE,
  RETRACTED_ELSEWHERE,
  TURNED_ELSEWHERE,
} from './languages.js';

/** A piece of a text, by its offsets. */
interface Piece {
  readonly start: number;
  readonly end: number;
}

/** Limits the characters before and behind a piece that are looked at. */
const REACH = 90;

const words = (text: string): string => `(?<!\\p{L})(?:${text})(?!\\p{L})`;
const INTO = '[^\\S\\n]?[ \\t$*\\\\([{"]{0,6}$';
const OUT_OF = '^[\\s$*)\\]}\\\\"]{0,6}';

const NOT =
  'not|never|cannot|neither|nor|nicht|kein\\w{0,2}|weder|pas|jamais|no (?:es|son|puede|será)|nunca|non(?!-)|não|не|ни|nie|niet|inte';
const NOT_JOINED = "n['’]t(?!\\p{L})|不(?!等式)|并非|並非|ではな|ではあり|아니|ليس|नहीं";
const PERHAPS = `(?:may|might|could) (?:also |well )?be|maybe|perhaps|possibly|${PERHAPS_ELSEWHERE}`;
/** What opens an alternative: "5 or 6" in several languages. */
export const OR = "or|eller|lub|veya|oder|ou|o(?!['’])|или|або";
export const OR_SIGNS = '[、和と]|或者?|または|또는|أو';

/** Anywhere between a phrase and its piece: "the answer is definitely not 5". */
const DENIED = new RegExp(`${words(NOT)}|${NOT_JOINED}`, 'iu');

/** Right before a piece: what follows is a bound, a possibility or a part of another value. */
const BOUNDED = new RegExp(
  `${words(
    '(?:less|more|fewer|greater|larger|bigger|smaller|higher|lower|other|rather) than(?: or equal to)?|whose (?:\\p{L}+ )?(?:square|cube|double|half|reciprocal|inverse|negative|opposite|root) is|(?:one|another) (?:possibility|guess|option) is|unlikely to be|(?:set|group) of|probably|(?:different|apart|aside|far|differs?|away) from|' +
      'instead of|unlike|(?:none|neither|any|one|some|most|part|multiples?|fraction|digits?|power) of|exceeds?|exceeding|not (?:quite|exactly|equal to)|' +
      'close to|near|nearly|almost|divides|divisible by|ends? (?:in|with)|begins? with|starts? with|lies (?:above|below|between)|number (?:above|below|over|under)|' +
      '(?:any\\w*|everything|all) but|at least|at most|up to|between|over|under|above|below|beyond|before|after|except(?: for)?|' +
      'excluding|half(?: of)?|twice|double|triple|(?:multiple|factor|divisor|inverse|reciprocal|square|root|cube|power)s? of|' +
      `(?:the|a) (?:negative|opposite) of|${BOUNDED_ELSEWHERE}|${PERHAPS}`,
  )}${INTO}|(?:${BOUNDED_SIGNS_ELSEWHERE})${INTO}`,
  'iu',
);

/** "than" a value, and not than another thing or person: "7 more than 12" is 19, "7 more than Nick" may be 7. */
export const THAN =
  'than\\s+(?:\\d|[$-]|[a-z](?!\\p{L})|(?:half|twice|double|triple|before|expected|that|it|the (?:double|square|half|sum|total|product|number|other|first|second)|a (?:half|third|quarter))(?!\\p{L}))';

/** Right behind a piece: "5 or more", "5 is wrong", "5 fewer than 12", "5?" */
const DOUBTED = new RegExp(
  `^[\\s$*)\\]}]{0,4}(?:\\|\\s?(?:wrong|incorrect|false|no|✗|❌)|\\[\\s?(?:rejected|wrong|incorrect|discarded|invalid|false)|${TURNED_ELSEWHERE})|` +
    `^[\\s$*)\\]}.,;("]{0,4}(?:${words(`${OR}|maybe|perhaps|possibly|but not|at least|at most`)}|(?:${OR_SIGNS})|` +
    `${words('(?:is|was) (?:not|wrong|incorrect|false)|which is (?:not|wrong|incorrect|false)|if|unless|had|only if|provided|except')})|` +
    `^[\\s$*)\\]}.,;("]{0,4}\\((?:\\p{L}+\\s){0,2}${words('wrong|false|incorrect|not')}|` +
    `^[\\s$*)\\]}]{0,4}(?:\\?|(?:\\p{L}+\\s){0,2}${words('(?:more|less|fewer|greater|larger|smaller|higher|lower)')}\\s${THAN}|` +
    `${words('times (?:as|more|the|that|\\d+)')})`,
  'iu',
);

/** Right behind a piece, with a noun or without: it is changed, or is one of several. "18, but we need to double it", "18 in the first case". */
const CHANGED =
  /^[\s$*)\]}.]{0,4}(?:\p{L}+,?\s)?(?:(?:(?:,\s?)?(?:however,? |but |and |which |then ){1,3}(?:we |you |it |one |i )?|(?:we |you |one |i ))(?:also |still |then )?(?:must|needs? to|ha(?:ve|s) to|should)(?: also)? (?:be )?(?:doubled?|halved?|tripled?|multipl|divided?|add|subtract|negated?|convert)|,?\s(?:and )?then (?:adding|subtracting|multiplying|dividing|doubling|halving)|,?\s(?:plus|minus|times|and|but) (?:the (?:other )?)?(?:-?\d+ (?:\p{L}+ )?(?:from|that|which|in the (?:second|other))|negative)|,?\s?in the (?:first|second|other) (?:case|scenario))/iu;

/** Right behind a piece with its noun: the sentence goes on to another result, "so he has 9 left", "minus 3", "and 8 on Tuesday". */
const ANOTHER =
  /^[\s$*)\]}]{0,4}(?:[\p{L}$/-]+\s?){0,4}(?:,\s(?:but\s[^.!?\n=]{0,50},\s)?(?:so|which is|then|leaving|and so|thus)(?!\p{L})[^.!?\n=\d]{0,40}[$\\]{0,2}\d|\s?(?:plus|minus|times)\s[$\\]{0,2}\d|\s?and\s[$\\]{0,2}\d[\d.,]*\s(?:\p{L}+\s){0,2}(?:on|in|for)\s)/u;

/** Behind "the answer 18": it is judged, not stated. */
const FAILS =
  /^[\s$*)\]}]{0,4}(?:(?:makes?|made) no sense|(?:does|did|can|could|must|will|would|is|was)(?: not|n[’']t)|contradicts?|violates?|fails?|cannot|(?:must|should) be (?:rejected|wrong|discarded)|(?:would be|is|was|seems) (?:an? )?(?:absurd|impossible|nonsense|too|wrong|incorrect|false|extraneous|inadmissible)|\((?:wrong|incorrect|rejected|extraneous|false))(?!\p{L})/iu;

/** Before "answer" in its sentence: what follows is supposed, asked or denied, not stated. */
const SUPPOSED = new RegExp(
  `(?:${words(
    "if|suppose|assume|assuming|imagine|pretend|whether|unless|until|(?:do|does|did)(?:n['’]t| not) (?:think|believe)|(?<!no )doubt|" +
      "no way|(?:is|was)(?:n['’]t| not) (?:true|sure|certain|clear|likely|the case)|unlikely|impossible|maybe|perhaps|possibly|(?:do|does|did)(?:n['’]t| not)",
  )}(?: that)?|(?:^|[.!?\n])\\s*(?:is|was|could|can|might|would))\\s+(?:the|my|our|your|its|this)\\s+(?:\\p{L}+\\s+){0,2}$|` +
    // "If we had forgotten the discount, the answer would be"
    "(?:^|[.!?\\n(])\\s*if\\s(?:we|you|i|one|he|she|they)\\s(?:had|forg\\p{L}+|ignor\\p{L}+|did(?:n['’]t| not))[^.!?\\n]{0,60},?\\s+(?:\\p{L}+\\s+){1,2}$|" +
    // "Do not answer 5."
    `${words("(?:do|does|did|must|should|can)(?:n['’]t| not)|never|cannot|not to")}[ \\t]+$|` +
    // "According to the book, the answer is"
    `${words('according to|for the (?:other|next|previous|second)|in (?:another|some other)')}[^.!?\\n]{0,40},?\\s+(?:\\p{L}+\\s+){1,2}$|` +
    // "Twice the answer is", "an upper bound for the answer is"
    `${words(
      '(?:twice|half|double|triple|thrice)|(?:square|cube|root|reciprocal|inverse|negative|opposite|digits?|sum|product|difference|bound|multiple|' +
        'factor|remainder|logarithm|double|half|percentage|unit|estimate|approximation|guess) (?:of|for|on|to)',
    )}\\s+(?:(?:the|my|our|your|its|this)\\s+)?(?:\\p{L}+\\s+)?$|` +
    // "A common wrong answer is", "The student's answer is"
    `(?:${words(
      'wrong|incorrect|false|untrue|naive|mistaken|tempting|common|typical|popular|usual|previous|earlier|old|initial|first|guessed|' +
        'original|other|another|his|her|their|trap|tentative|candidate|(?<!only )possible|no|non|expected|example|textbook|given|reference|sample|partial|intermediate|' +
        'half|percent|hypothetical|alternative|default|calculated by',
    )}|\\p{L}['’]s)[ \\t]+(?:\\p{L}+[ \\t]+)?$`,
  'iu',
);

/** Where the last part of a sentence before "answer" begins: "…, so we cannot say that the". */
const CLAUSE_BEGINS =
  /[.!?,;:\n]|(?<!\p{L})(?:so|thus|hence|therefore|then|but|and|because|since)(?!\p{L})/iu;
/** In that part: a denial, or somebody else's opinion. */
const DENIED_CLAUSE = new RegExp(
  `${words(
    '(?:not|never|cannot|hardly|nobody|none|nothing|no one|false|wrong|untrue|incorrect|tempting|tempted)(?! (?:hard|difficult|only|surprising))',
  )}|n['’]t(?!\\p{L}| (?:hard|difficult|only))|` +
    words(
      '(?:convinced|according to|in (?:another|some other) (?:world|problem|case)|for the (?:other|next|previous) (?:problem|question)|naive\\p{L}*|wants?|wish(?:es)?)|' +
        '(?:people|some|many|most|others?|students?|one|you|he|she|they|everyone|everybody|someone|somebody|book|textbook|teacher|wolfram|calculator|key)(?: \\p{L}+){0,3}? ' +
        '(?:thinks?|believes?|claims?|says?|said|guess(?:es)?|argues?|expects?|assumes?|suspects?|conclude|concludes|told|marked|gives?)',
    ),
  'iu',
);

/** Words that may stand between "answer", or the "is" behind it, and what the answer is. */
const PLAIN_LEAD = new RegExp(
  `^(?:[\\s*_"'’\`“”([{$€£¥₹:=—→⇒]|[=-]>|–\\s|\\\\[$([]|[A-Za-z]\\s?=|\\(?[A-E][.):]|${words(
    'the|an?|is|are|was|be|it|this|that|therefore|thus|hence|so|then|just|simply|exactly|precisely|only|indeed|clearly|obviously|' +
      'also|actually|still|again|now|finally|equal to|equals?|given by|as follows|following|found to|seen to|known to|we|get|have|which|' +
      'about|approximately|roughly|around|final|answer|correct|value|number|result|total|total of|sum of|Rs\\.?|USD|US|EUR|option|choice|' +
      'minus|negative|plus|of course|in fact|in total|must|should|will|would|has to|turns out to|of|comes(?: out)? to|simplifies to|' +
      'reduces to|can be (?:written|expressed) as|fraction|ordered pair|probability|interval|point|set|expression',
  )})*$`,
  'iu',
);
/** Between "answer" and "is": it is another quantity, "the answer squared", or another question's answer. */
const TURNED_ANSWER =
  /(?<!\p{L})(?:squared|cubed|doubled|halved|plus|minus|mod|modulo|times|divided|multiplied|rounded|truncated|incorrect|wrong|false|falsch|(?:upper|lower) bound|bound|estimate|guess|without|excluding|ignoring|if|had|as an? (?:percent\p{L}*|fraction of)|so far|in the back|for [a-z](?= )|to (?:the )?(?:first|second|third|last|other) (?:part|question|problem|one)|when|where|to part|in (?:base|binary|octal|hex\w*|percent|thousands|millions|hundreds|\p{L}*met(?:er|re)s|inches|feet|cents)|to (?:the|a|an|another) (?:previous|easier|other|different|last|similar|next)|before|after (?!all))(?!\p{L})/iu;
const COPULA =
  /[^]*(?:(?<!\p{L})(?:is|are|was|were|be|equal to|equals?|becomes|comes out as)(?!\p{L})|[=:\n])/iu;

/**
 * Tells whether what stands between "answer" and a piece only leads to it: "to the question is therefore", ": we get", but
 * not "exceeds", "has", "is a number with". Behind a colon or on a new line begins a sentence of its own, which is not
 * judged by this.
 */
function isPlainLead(between: string): boolean {
  const copula = COPULA.exec(between)?.[0] ?? '';
  if (/[:\n]/.test(copula)) return true;
  return (
    !/(?<!\p{L})(?:might|could|may|can)(?!\p{L}| be (?:written|expressed) as)/iu.test(copula) &&
    PLAIN_LEAD.test(between.slice(copula.length))
  );
}

/** Tells whether what stands before a value, behind "Answer:", says nothing of it: "we get", "x =", but not "In 12 days he earns". */
export const isLead = (before: string): boolean => PLAIN_LEAD.test(before);

/** Right before a piece that no phrase announces: "is not", "isn't", "but not". */
const REFUSED_BEFORE = new RegExp(
  `(?:${words(NOT)}|${words('none of|neither of|rule out|excludes?|eliminates?|rejects?|rejecting|rejected|discard(?:s|ing)?|(?:asked|told|instructed|tells) (?:me|us) to (?:write|say|answer|put|output|give)|(?:put|write|give|enter|place) your (?:final )?answer (?:as|in|within|inside)')}|\\\\neq?|\\\\not\\s?=|≠|!=|n['’]t(?: be)?|不是|不等于|并非|${words(PERHAPS)}|` +
    `${words("(?:n['’]t|not) (?:think|believe) (?:that )?(?:it|this|that|x)(?:['’]s| is)")}|cannot be)` +
    `(?:\\s+(?:be|equal(?: to)?|exactly|simply|just|es|est|è|é|ist))?${INTO}`,
  'iu',
);
/** Before a piece in its sentence, with its formula's signs: it is an example or what a mistake gives. */
const HYPOTHETICAL =
  /(?:(?<!\p{L})(?:format (?:is|of)|such as|for example,?|e\.g\.,?|alternatively,?|(?:one|another) (?:possibility|option) (?:is|would be))|(?:^|[.(!?\n]\s{0,3})if\s(?:you|we|one|i)\s(?:had\s)?(?:forg\p{L}+|ignor\p{L}+|us\p{L}+|mis\p{L}+)[^.\n]{0,60}would\s(?:get|be|have|give)[^.\n]{0,20})[\s$*\\([{]{0,6}$/iu;

/** Right behind it: "is wrong", "is not the answer", "?" */
const REFUSED_BEHIND = new RegExp(
  `${OUT_OF}(?:\\?|\\|\\s?(?:wrong|incorrect|false|no|✗|❌)|\\s?(?:or|oder|ou)\\s(?:(?:maybe|perhaps|possibly)\\s)?[-$\\\\(]{0,3}\\d|(?:is|was)(?:n['’]t|\\s+(?:clearly\\s+)?(?:not|wrong|incorrect|false|ruled out|impossible|excluded|(?:only |just )?(?:my|a) (?:first |initial )?(?:guess|try|attempt)))(?!\\p{L}))`,
  'iu',
);

const OH =
  '(?:(?:but|oh|hmm+|wait|oops|sorry|hold on|well|actually|correction|rather|let me correct)[\\s,.!:…—–-]{1,4}|no(?:\\s?[,.!:…—–-]\\s?|\\s(?=wait|sorry|actually|hold|oops|scratch|never)))';
/** In the next words: "Wait, that is wrong", "no, actually it is 7". */
const RETRACTED = new RegExp(
  `${OUT_OF}[\\s.,!;:—–-]{0,6}(?:(?:${OH}){0,4}(?:that|this|it|which)(?:` +
    "(?:['’]s| is| was| must be| seems| answer is)\\s+(?:\\p{L}+ly\\s+)?(?:not (?:right|correct|true|the answer)|wrong|incorrect|false|a mistake)|" +
    "\\s+(?:(?:isn|wasn|can)['’]t|cannot) (?:be )?(?:right|correct|true|the answer)|\\s+(?:doesn|does no)['’]?t make sense(?=[.!,]))(?!\\p{L}|\\s(?:only )?(?:if|unless|when)(?!\\p{L}))|" +
    `(?:${RETRACTED_ELSEWHERE})(?!\\p{L})|not(?=[!.]|$)|(?:(?:but|however),? )?(?:that|this|it) (?:does(?: not|n['’]t) (?:satisfy|work|hold)|contradicts)|(?:but|however),? (?:that|this|it) (?:is (?:impossible|wrong|not|absurd)|contradicts|cannot|violates|does(?: not|n['’]t))(?!\\p{L})|the above (?:is|was) (?:wrong|incorrect|false)|(?:strike|ignore|forget|disregard) (?:that|this|it)|i apologi[sz]e|sorry,? i |let me (?:fix|correct) |i (?:am|['’]m) not sure (?:about|of) (?:this|that|it)|hmm+,? (?:that|this|let me)|(?:let me (?:double-check|recheck|check|verify)[^\n]{0,60}(?:should be|is actually|wrong))|` +
    `(?:${OH}){0,2}(?:scratch that|never ?mind|on second thought|my (?:mistake|bad)|just kidding|i (?:made|see) (?:an? )?(?:error|mistake)|(?:edit|update|apologies|correction)\\s?[:,])|` +
    `(?:${OH}){1,4}(?:(?:i (?:mean|meant)|now)\\s+)?(?:(?:it|that|this|the (?:\\p{L}+ ){0,2}answer|x)(?:['’]s|\\s+(?:is|was|must be|should be|should have been|equals))\\s+)?` +
    '(?:\\\\?\\$|\\\\[[(]|\\\\boxed|[-−]?\\d))',
  'iu',
);

/** Anywhere behind it: "The boxed answer above is incorrect." */
const TAKEN_BACK =
  /(?<=(?:^|[.!?\n])\s{0,3}(?:(?:so|but|hmm|wait|unfortunately|however|no|oh)[,.]?\s){0,2})(?:(?<=\n\s{0,3}(?:\p{L}+,?\s){0,2})(?:(?:unfortunately|sadly),?\s)?(?:i\s(?:now\s)?(?:think|believe|fear)\s(?:that\s)?|on reflection,?\s)?(?:this|that|it)\s(?:is|was)\s(?:wrong|incorrect|not (?:right|correct))(?=[.!:,]|$)|(?:the|my|this|that)\s(?:(?:boxed|above|final)\s){0,2}(?:answer|result|box)(?:\s(?:above|i gave|in the box))?\s(?:(?:is|was)\s(?:\p{L}+ly\s)?(?:wrong|incorrect|a mistake|not (?:right|correct))|(?:isn|wasn)['’]t (?:right|correct))(?!\p{L}))|(?<!\p{L})(?:the|my) (?:correct|right|actual|true) answer (?:is|should be|must be|should have been)(?: actually| really)?[\s$*:]{1,6}-?[\d(\\](?!boxed|text)/giu;
/** Limits the characters at the end of a text in which an answer is taken back from afar. */
const FAR = 20_000;

/** Gives where a text last takes back the answers before; 0 where it does nowhere. */
export function takenBackUntil(text: string): number {
  const from = Math.max(0, text.length - FAR);
  const last = [...text.slice(from).matchAll(TAKEN_BACK)].at(-1);
  return last ? from + last.index : 0;
}

const behind = (text: string, { end }: Piece): string => text.slice(end, end + REACH);
const before = (text: string, { start }: Piece): string => text.slice(Math.max(0, start - REACH), start);

/** Tells whether the words right around a piece, which no phrase announces, say that it is not the answer. */
export const isRefused = (text: string, piece: Piece): boolean =>
  REFUSED_BEFORE.test(before(text, piece)) ||
  HYPOTHETICAL.test(before(text, piece)) ||
  isSupposed(text, piece) ||
  REFUSED_BEHIND.test(behind(text, piece)) ||
  isJudged(text, piece) ||
  isRetracted(text, piece);

/** Tells whether "answer" stands before a piece in its sentence, and is supposed, somebody else's or denied there: "a common wrong answer is". */
function isSupposed(text: string, piece: Piece): boolean {
  const [sentence = ''] = /[^.!?\n]*$/.exec(before(text, piece)) ?? [];
  const at = sentence.toLowerCase().lastIndexOf('answer');
  if (at < 0 || !/(?<!\p{L})(?:is|was|were|be)[\s$*\\([{:]{0,6}$/iu.test(sentence)) return false;
  const head = sentence.slice(0, at);
  return SUPPOSED.test(head) || DENIED_CLAUSE.test(head.split(CLAUSE_BEGINS).at(-1)!);
}

/** Tells whether another number follows as the result. The same number again is none: "12 apples, so 12". */
function isFollowed(text: string, piece: Piece): boolean {
  const found = ANOTHER.exec(behind(text, piece))?.[0];
  if (found === undefined) return false;
  const next = numbersIn(behind(text, piece).slice(found.search(/\d/)))[0]!;
  return !numbersIn(text.slice(piece.start, piece.end)).includes(next);
}

const numbersIn = (text: string): number[] =>
  (text.match(/\d[\d,]*(?:\.\d+)?/g) ?? []).map((digits) => Number(digits.replaceAll(',', '')));

/** Tells whether a piece is judged, not stated: "18 does not work"; "10 customers did not pay" is none. */
const isJudged = (text: string, piece: Piece): boolean =>
  FAILS.test(behind(text, piece)) && !/\p{L}$/u.test(text.slice(piece.start, piece.end));

/** Tells whether what follows a piece takes it back. */
export const isRetracted = (text: string, piece: Piece): boolean => RETRACTED.test(behind(text, piece));

/** Tells whether a text ends with words that make what follows a bound or a part of another value: "more than", "half of". */
export const isBounded = (before: string): boolean => BOUNDED.test(before);

/**
 * Gives where the denial of a piece ends that the phrase from `phrase.start` to `phrase.end` announces: a piece before that place
 * is not the answer. Undefined where the sentence states the piece.
 */
export function deniedUntil(text: string, phrase: Piece, piece: Piece): number | undefined {
  const between = text.slice(phrase.end, Math.max(phrase.end, piece.start));
  const [head = ''] = /[^\n]*$/.exec(before(text, phrase)) ?? [];
  // Behind a colon begins a sentence of its own.
  const [announced = ''] = between.split(/[:\n]/, 1);
  const said = COPULA.exec(announced)?.[0] ?? announced;
  // "If x is even, the answer is 19, and if it is odd, 20": two answers.
  const isEither =
    /^[\s$*)]{0,4}(?:if|when|for)\s[^.!?\n]{1,40}(?:[;,]|\s(?:and|but))\s(?:and |but )?[$\\(]{0,2}-?\d[^.!?\n]{0,20}\s(?:if|when|for|otherwise)(?!\p{L})/iu.test(
      behind(text, piece),
    ) ||
    (/(?<!\p{L})(?:if|when)(?!\p{L})[^.!?\n]*$/iu.test(head) &&
      /^[^.!?\n]{0,20}(?:[;,]|(?<!\p{L})(?:and|but)(?!\p{L}))\s*(?:(?:and|but) )?(?:if|when|otherwise|or else)(?!\p{L})/iu.test(
        behind(text, piece),
      ));
  // "For even n the answer is 12. For odd n the answer is 15."
  const [, parity] =
    /(?<!\p{L})(?:for|if|when)\s[^.!?\n]{0,16}(even|odd)(?!\p{L})[^.!?\n]*$/iu.exec(head) ?? [];
  const isOtherCase =
    parity !== undefined &&
    new RegExp(
      `(?:for|if|when)\\s[^.!?\\n]{0,16}${parity === 'even' ? 'odd' : 'even'}[^.!?\\n]*answer`,
      'i',
    ).test(text.slice(Math.max(0, phrase.start - 3 * REACH), phrase.start));
  const isOpen =
    isEither ||
    isOtherCase ||
    isFollowed(text, piece) ||
    isJudged(text, piece) ||
    BOUNDED.test(between) ||
    DOUBTED.test(behind(text, piece)) ||
    CHANGED.test(behind(text, piece)) ||
    SUPPOSED.test(head) ||
    TURNED_ANSWER.test(said) ||
    DENIED_CLAUSE.test(head.split(CLAUSE_BEGINS).at(-1)!);
  if (isOpen) return endOfSentence(text, piece.end);
  const isEnglish = /(?:^answer|####)$/i.test(text.slice(phrase.start, phrase.end).slice(-6));
  if (isEnglish && !isPlainLead(between)) return piece.end;
  return DENIED.test(between) || isRetracted(text, piece) ? piece.end : undefined;
}

function endOfSentence(text: string, from: number): number {
  const end = /[.!?](?=\s|$)|[\n。]/.exec(text.slice(from, from + 4 * REACH));
  return end ? from + end.index : Math.min(text.length, from + 4 * REACH);
}
