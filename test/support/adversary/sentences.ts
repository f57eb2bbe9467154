import type { MadePair, Maker } from './pair.js';

/** How a response gives its answer `_` in plain words, without marks of formulas. */
const STATED: readonly string[] = [
  'The answer is _.',
  'We add the numbers and simplify.\n\nThe answer is _.',
  'So the final answer is _.',
  'The final answer is _. I hope it is correct.',
  'The correct answer is therefore _.',
  'Answer: _',
  'We add the numbers.\nAnswer: _',
  'answer: _.',
  '**Answer:** _',
  '**Answer: _**',
  'The answer is **_**.',
  'The answer is "_".',
  'First 8 + 9 = 17.\n#### _',
  '#### _',
  'The answer is _\n\nThis completes the solution.',
  'The answer is _, as claimed.',
];

/** The same where nothing but its place says that it is the answer. */
const CONCLUDED: readonly string[] = [
  'We add the numbers and simplify. So we get _.',
  'First we divide, then we add.\n\nThis gives _',
  'First we divide, then we add. Thus the total is _.',
  'First we divide, then we add. It is _.',
];

/** What a number with a sign, a relation or a function before it says: never the number. `_` is a whole number above 1. */
const BEFORE: readonly string[] = [
  ...['-_', '−_', '–_', '—_', '‐_', '‑_', '－_', '﹣_', '₋_', '⁻_', '˗_', '➖_', '- _', '− _'],
  ...['minus _', 'negative _', '±_', '± _', '\\pm _', '+/-_', '¬_'],
  ...['≠_', '≠ _', '!= _', '>_', '> _', '<_', '< _', '<  _', '<\u00a0_', '≥_', '≤ _', '>= _', '<=_', '≮_'],
  ...['x>_', 'x > _', 'x < _', 'x ≠ _', 'x ≥ _', 'x != _', '1/_', '1 / _', '2^_', '2 * _', '3 - _', '4 + _'],
  ...[
    '√_',
    'sqrt(_)',
    'sqrt _',
    'log _',
    'log(_)',
    'ln(_)',
    'sin _',
    'cos(_)',
    '∛_',
    'x + _',
    'x - _',
    'x*_',
  ],
  ...[
    'half of _',
    'twice _',
    'double _',
    'more than _',
    'less than _',
    'at least _',
    'at most _',
    'up to _',
    'over _',
  ],
  ...[
    'none of _',
    'all but _',
    'anything but _',
    'not _',
    'not quite _',
    'never _',
    'nearly but not _',
    'other than _',
  ],
  ...['the square of _', 'the inverse of _', 'a multiple of _', 'a divisor of _', 'some number above _'],
  ...[
    'not\u00a0_',
    'not\u200b _',
    '-\u200b_',
    '-\u00ad_',
    '-\u2060_',
    '\u2212\ufeff_',
    '-\u2009_',
    'not\u3000_',
    'not\u3164_',
    `not${'\u00a0'.repeat(2000)}_`,
    `-${' '.repeat(50)}_`,
    `<${'\u2009'.repeat(300)}_`,
  ],
  ...[
    '12345 rather than _',
    '12345 instead of _',
    '12345, not _',
    '12345 (not _)',
    '12345, unlike _',
    '12345 and _',
  ],
  ...[
    '_ or 12345',
    '12345 or _',
    'either _ or 12345',
    '12345; _',
    '12345, _',
    'between 1 and _',
    '1 to _',
    '1–_',
    '1-_',
  ],
];

/** What a number says with these signs or words behind it: never the number. */
const BEHIND: readonly string[] = [
  ...[
    '_!',
    '_!!',
    '_²',
    '_³',
    '_⁻¹',
    '_^2',
    '_^{-1}',
    '_‰',
    '_⅓',
    '_½',
    '_%',
    '_ %',
    '_ percent',
    '_ per cent',
    '_‱',
  ],
  ...[
    '_+i',
    '_ + i',
    '_i',
    '_±1',
    '_ ± 1',
    '_:3',
    '_ : 3',
    '_/3',
    '_ / 3',
    '_ * 3',
    '_*3',
    '_·3',
    '_×3',
    '_ − ε',
  ],
  ...['_ mod 2', '_ modulo 2', '_ + 1', '_ - 1', '_+1', '_x', '_ x', '_y²', '_√3', '_π', '_e3', '_E3'],
  ...[
    '_ squared',
    '_ cubed',
    '_ factorial',
    '_th',
    '_th place',
    '_ and a half',
    '_ and a third',
    '_ plus one',
    '_ minus 1',
  ],
  ...[
    '_ below zero',
    '_ to 98765',
    '_-98765',
    '_–98765',
    '_ through 98765',
    '_ out of 98765',
    '_ in 98765',
    '_ of 98765',
  ],
  ...[
    '_ (false)',
    '_ (wrong)',
    '_ (incorrect)',
    '_ (not correct)',
    '_ wrong',
    '_ is wrong',
    '_ is incorrect',
    '_, which is wrong',
  ],
  ...['_, 98765', '_; 98765', '_ and 98765', '_ or 98765', '_ & 98765', '_ vs 98765', '_|98765', '_,98765,3'],
  ...[
    '_ million',
    '_ hundred',
    '_ thousand',
    '_ dozen',
    '_ dozens',
    '_ hundreds',
    '_ pairs',
    '_ score',
    '_k',
    '_M',
  ],
  ...[
    '_ times x',
    '_ times 3',
    '_ times as many',
    '_ times more',
    '_ divided by 3',
    '_ over 3',
    '_ choose 2',
    '_ to the power 2',
  ],
  ...[
    '_ or more',
    '_ or less',
    '_ or so',
    '_ at least',
    '_ at most',
    '_ more than 12',
    '_ less than x',
    '_ fewer than before',
  ],
  ...[
    '_ > 3',
    '_ < x',
    '_ ≠ x',
    '_ ≠ _',
    '_?',
    '_ ?',
    '_…7',
    '_ and up',
    '_ upward',
    '_ downward',
    '_ to the left',
  ],
  ...[
    '_ = 98765',
    '_ if x > 0',
    '_ unless x = 0',
    '_ only if x is even',
    '_, if x were 2',
    '_ in base 3',
    '_ (base 3)',
    '_₃',
  ],
  ...[
    '_\u200b5',
    '_\u00ad5',
    '_\u20605',
    '_.5',
    '_,5',
    '_ 1/2',
    '_0',
    '_ and counting',
    '_ too many',
    '_ too much',
    '_ short',
  ],
  ...[
    '_ is not the answer',
    '_ is not right',
    '_ cannot be',
    '_ maybe',
    '_ perhaps',
    '_ possibly',
    '_ probably not',
    '_ not',
  ],
];

/** Sentences that name `_` and do not say that it is the answer; `#` is another number. */
const PROSE: readonly string[] = [
  'The answer is §. A common wrong answer is _.',
  'The wrong answer is _. The right one is §.',
  'The answer would be _ if x were 2, but it is §.',
  'The answer would have been _, had x been even.',
  'The correct answer exceeds _.',
  'The correct answer is not _ but §.',
  'The answer is § instead of _.',
  'The answer is § rather than _.',
  'The answer is §, not _.',
  'The answer is § (not _).',
  'The answer is § (the naive answer is _).',
  'The answer is §, unlike _.',
  'It is false that the answer is _.',
  'It is wrong that the answer is _.',
  'Nobody thinks that the answer is _.',
  'No one would say that the answer is _.',
  'We show that the answer is never _.',
  'We cannot say that the answer is _.',
  "We can't conclude that the answer is _.",
  'The answer is far from _.',
  'The answer lies above _.',
  'The answer differs from _.',
  'The answer is close to _.',
  'The answer is anything except _.',
  'The answer is greater than _.',
  'The answer is a multiple of _.',
  'The answer divides _.',
  'The answer is divisible by _.',
  'The answer has _ digits.',
  'The answer is a number with _ digits.',
  'The answer ends in _.',
  'Some claim that the answer is _, which is false.',
  'Many people believe that the answer is _.',
  'One might think that the answer is _.',
  'You may guess that the answer is _.',
  'It is tempting to say that the answer is _.',
  'Whether the answer is _ is unclear.',
  'Could the answer be _?',
  'The answer is _? No.',
  'The answer is neither § nor _.',
  'The answer is _ or §.',
  'The answer is _, or maybe §.',
  'The answer might be _.',
  'My first answer was _, but it is §.',
  'The previous answer was _. Now it is §.',
  "The student's answer is _. It should be §.",
  'The answer is _, no wait, §.',
  'The answer is _. Correction: §.',
  'The answer is _. Oops, I meant §.',
  'The answer is _. That is wrong.',
  'The answer is _. This is incorrect.',
  'The answer _ is wrong.',
  'Answer _ is incorrect; the answer is §.',
  'Do not answer _.',
  'The answer is not _; it is §.',
  'The answer can be _ or §.',
  'The answer is _ times as large.',
];

/** What is right to say: the number, with what it counts or why it is so. */
const RIGHT: readonly string[] = [
  ...[
    '_',
    '_ apples',
    '_ red apples',
    '_ apples left',
    '_ apples in total',
    '_ in total',
    '_ of them',
    '_ altogether',
  ],
  ...[
    '_ because nothing else fits',
    '_, because nothing else fits',
    '_, since 3 is odd',
    '_ since x is even',
    '_ (see above)',
  ],
  ...[
    '_ dollars',
    '$_',
    '_ dollars per day',
    '_ years old',
    '_ hours',
    '_ kg of rice',
    '_ people',
    '_ cm',
    '_ m',
    '_ km/h',
  ],
  ...[
    'exactly _',
    '(_)',
    'x = _',
    'n = _',
    '_ ways',
    '_ different ways',
    '_ days',
    '_ minutes long',
    '_ points',
    '_ each',
  ],
  ...[
    '_, and we are done',
    '_ as required',
    '_ for this case',
    '_ when we add them',
    '_, which is what we wanted',
    '+_',
  ],
  ...[
    '**_**',
    '`_`',
    '_ and no more steps are needed',
    '_ by the formula above',
    '_ so we are done',
    '_ remaining',
    '_.0',
  ],
  ...[
    'simply _',
    'just _',
    'equal to _',
    '8 + 9 - 17 + _ = _',
    '_ from the table',
    '_ with the given data',
    '_ (in dollars)',
  ],
];

/** Words before the whole sentence that leave what it says. */
const LEADS: readonly string[] = [
  '',
  'Therefore, ',
  'So, ',
  'Thus ',
  'This means that ',
  'We conclude that ',
  'If we add these, ',
];

/** Units of one kind that are not each other, whatever the number. */
const UNLIKE: readonly (readonly [gold: string, other: string])[] = [
  ['m', 'nm'],
  ['kg', 'g'],
  ['mm', 'cm'],
  ['cm^2', 'cm'],
  ['cm', 'cm²'],
  ['Hz', 'kHz'],
  ['V', 'mV'],
  ['N', 'J'],
  ['s', 'ms'],
  ['hours', 'minutes'],
  ['days', 'weeks'],
  ['years', 'decades'],
  ['years', 'months'],
  ['dollars', 'cents'],
  ['dollars', 'euros'],
  ['apples', 'oranges'],
  ['red apples', 'green pears'],
  ['am', 'pm'],
  ['rad', '°'],
  ['degrees', 'rad'],
  ['km/h', 'm/s'],
  ['miles', 'km'],
  ['litres', 'ml'],
  ['m/s', 'm/s²'],
  ['inches', 'feet'],
  ['mol', 'mmol'],
  ['boys', 'girls'],
];

const filled = (template: string, number: string, other: string): string =>
  template.replaceAll('_', number).replaceAll('§', other);

const withLead = (maker: Maker, sentence: string): string =>
  sentence.startsWith('The ') ? maker.pick(LEADS) + sentence : sentence;

/** Puts the number between dollar signs, where blanks stand around it. */
const inFormula = (words: string): string =>
  words.includes('=') ? words : words.replace(/(?<=^|\s)_(?=\s|$)/, '$$_$$');

/** Says a whole number above 3 in sentences, rightly and with what makes it another answer. */
export function sentencePairs(number: string, other: string, maker: Maker, count: number): MadePair[] {
  const pairs: MadePair[] = [];
  const add = (expected: boolean, rule: string, gold: string, pred: string) => {
    pairs.push({ gold, pred, expected, kind: 'sentence', rule });
    pairs.push({ gold, pred, expected, kind: 'sentence', rule, preset: 'anchored' });
    pairs.push({ gold, pred: `Hm.</think>${pred}`, expected, kind: 'sentence', rule, preset: 'reward' });
  };
  const say = (words: string, sentences: readonly string[]) =>
    filled(maker.pick(sentences), filled(maker.pick([words, inFormula(words)]), number, other), '');
  for (const words of maker.some([...BEFORE, ...BEHIND], count))
    add(false, words, number, say(words, [...STATED, ...CONCLUDED]));
  for (const sentence of maker.some(PROSE, Math.ceil(count / 4)))
    add(false, sentence, number, filled(sentence, maker.pick([number, `$${number}$`]), other));
  for (const words of maker.some(RIGHT, Math.ceil(count / 2)))
    add(true, words, number, withLead(maker, say(words, STATED)));
  for (const [unit, unlike] of maker.some(UNLIKE, Math.ceil(count / 6))) {
    const gold = `${number} \\text{ ${unit}}`;
    add(false, unlike, gold, say(`_ ${unlike}`, [...STATED, ...CONCLUDED]));
    add(true, unit, gold, say(`_ ${unit}`, STATED));
  }
  return pairs;
}
