import type { AdversarialPair } from './adversarialAnswers.js';

const boxed = (text: string) => `The answer is \\boxed{${text}}.`;
const plain = (text: string) => text;

/** A kind of long answer: its parts, what stands between them, and what around all of them. */
type Kind = readonly [
  name: string,
  part: (k: number) => string,
  separator: string,
  around?: (parts: string) => string,
];

const KINDS: readonly Kind[] = [
  ['a polynomial', (k) => `${k + 2}x^{${k}}`, '+'],
  ['a polynomial in two letters', (k) => `${k + 2}x^{${k}}y^{${200 - k}}`, '+'],
  ['a sum of roots', (k) => `\\sqrt{${k + 2}}`, '+'],
  ['a list of roots', (k) => `\\sqrt{${k + 2}}`, ', '],
  ['a sum of |x-k|', (k) => `|x-${k}|`, '+'],
  ['a product of |x-k|', (k) => `|x-${k}|`, ''],
  ['a sum of floors', (k) => `\\lfloor x/${k + 2}\\rfloor`, '+'],
  ['a maximum', (k) => `x^2-${k}x`, ', ', (parts) => `\\max(${parts})`],
  ['a sum of sines', (k) => `\\sin(${k + 1}x)`, '+'],
  ['a sum of powers of e', (k) => `e^{${k + 1}x}`, '+'],
  ['names', (k) => `a_{${k}}`, '+'],
  ['roots of names', (k) => `\\sqrt{a_{${k}}}`, '+'],
  ['binomials', (k) => `\\binom{n}{${k}}`, '+'],
  ['factorials', (k) => `(n+${k})!`, '+'],
  ['fractions', (k) => `\\frac{1}{x+${k}}`, '+'],
  ['fractions of numbers', (k) => `\\frac{1}{${k + 1}}`, '+'],
  ['a list of cosines', (k) => `\\cos(${k + 1})`, ', '],
  ['inequalities', (k) => `x>${k}`, ', '],
  ['quadratic inequalities', (k) => `(x-${k})(x-${k}.5)<0`, ' \\text{ or } '],
  ['a union', (k) => `(${3 * k},${3 * k + 1})`, '\\cup'],
  ['a union between roots', (k) => `(\\sqrt{${3 * k}},\\sqrt{${3 * k + 1}})`, '\\cup'],
  ['points', (k) => `(${k},\\sqrt{${k}})`, ', '],
  ['sets', (k) => `\\{${k},${k + 1}\\}`, ', '],
  ['a list of sines', (k) => `\\sin(${k}x)`, ', '],
  ['lengths', (k) => `${k}\\text{ m}`, ' + '],
  ['cases', (k) => `${k}x & x>${k}`, '\\\\', (parts) => `\\begin{cases}${parts}\\end{cases}`],
  ['sums of 200 terms', (k) => `\\sum_{j=1}^{200} \\frac{1}{j+${k}}`, '+'],
  ['powers of complex numbers', (k) => `(1+${k}i)^{${k}}`, '+'],
  ['roots of x', (k) => `x^{1/${k + 2}}`, '+'],
  ['kilometres', (k) => `${k} km`, ', '],
  ['values of x', (k) => `x=${k}`, ' or '],
  ['a set', (k) => String(k), ', ', (parts) => `\\{${parts}\\}`],
  ['sets in sets', (k) => `\\{${k},\\{${k + 1}\\}\\}`, ', '],
  ['factorials of numbers', (k) => `${k + 50}!`, '+'],
  ['a matrix', (k) => `\\sqrt{${k}}&x`, '\\\\', (parts) => `\\begin{pmatrix}${parts}\\end{pmatrix}`],
  ['factors', (k) => `(x+${k})`, ''],
  ['powers', (k) => `${k + 2}^{${k}}`, '\\cdot '],
  ['percentages', (k) => `${k}\\%`, ', '],
  ['residues', (k) => `n \\bmod ${k + 2}`, ', '],
  ['a chain', (k) => `x_{${k}}`, '<'],
  ['sets within each other', (k) => `A_{${k}}`, '\\subset '],
  ['an unknown operation', (k) => `a_{${k}}`, '\\star '],
  ['a true equation', (k) => `${k}`, '+', (parts) => `0=${parts}`],
  ['both signs', (k) => `${k}x`, '\\pm '],
];

/** Answers that are longer are compared as texts. */
const LONGEST = 3480;

/** The parts of a kind that make the longest answer that is still read. */
function allParts([, part, separator, around = plain]: Kind): string[] {
  const parts: string[] = [];
  let length = around('').length;
  for (let k = 0; ; k++) {
    length += part(k).length + separator.length;
    if (length > LONGEST) return parts;
    parts.push(part(k));
  }
}

/** Answers as long as may be, against themselves in reverse order, without their last part, and plus one. */
export function longestAnswers(): AdversarialPair[] {
  return KINDS.flatMap((kind) => {
    const [name, , separator, around = plain] = kind;
    const parts = allParts(kind);
    const gold = around(parts.join(separator));
    const shorter = around(parts.slice(0, -1).join(separator));
    return [
      { name: `${name}: all in reverse`, gold, pred: boxed(around([...parts].reverse().join(separator))) },
      { name: `${name}: all but one`, gold, pred: boxed(shorter), expected: false },
      { name: `${name}: all and 1`, gold: shorter, pred: boxed(`${gold}+1`), expected: false },
    ];
  });
}

/** Answers of 20, 60 and 200 parts, against themselves in reverse order and against those with one part more. */
export function longAnswers(): AdversarialPair[] {
  return KINDS.flatMap(([name, part, separator, around = plain]) =>
    [20, 60, 200].flatMap((count) => {
      const parts = Array.from({ length: count + 1 }, (_, k) => part(k));
      const text = (some: readonly string[]) => around(some.join(separator));
      const gold = text(parts.slice(0, count));
      return [
        {
          name: `${name}: ${count} parts in reverse`,
          gold,
          pred: boxed(text(parts.slice(0, count).reverse())),
        },
        { name: `${name}: one more than ${count} parts`, gold, pred: boxed(text(parts)), expected: false },
      ];
    }),
  );
}

const NESTED: readonly (readonly [name: string, open: string, close: string, inside: string])[] = [
  ['roots', '\\sqrt{2+', '}', '2'],
  ['bars', '\\left|x-', '\\right|', '1'],
  ['sines', '\\sin(', ')', 'x'],
  ['powers of e', 'e^{-', '}', '1'],
  ['fractions', '\\frac{1}{1+', '}', 'x'],
  ['floors', '\\lfloor x/2+', '\\rfloor', 'x'],
  ['sets', '\\{1,', '\\}', '2'],
  ['squares', '(', '+1)^2', 'x'],
  ['maxima', '\\max(x,', ')', 'y'],
  ['sums', '\\sum_{k=1}^{200}(', ')', 'k'],
  ['factorials', '(', '!)', '3'],
];

/** Answers nested 5 to 80 deep against those with 7 inside, and huge exponents. */
export function deepAnswers(): AdversarialPair[] {
  const nested = NESTED.flatMap(([name, open, close, inside]) =>
    [5, 20, 80].map((depth) => {
      const text = (core: string) => open.repeat(depth) + core + close.repeat(depth);
      return { name: `${depth} nested ${name}`, gold: text(inside), pred: boxed(text('7')) };
    }),
  );
  const huge = ['10^{9}', '10^{10^{10}}', '2^{2^{2^{2^{2}}}}'].flatMap((exponent) =>
    ['2^{_}', 'x^{_}', '(x+1)^{_}', '\\sqrt{_}', '(_)!', '\\binom{_}{3}', '\\sin(_)', '7^{_} \\bmod 13'].map(
      (form) => {
        const gold = form.replace('_', exponent);
        return { name: `${gold} and one more`, gold, pred: boxed(`${gold} + 1`), expected: false };
      },
    ),
  );
  return [...nested, ...huge];
}

/** Responses of some 2 MB whose words repeat: what surrounds an answer is looked at for each of them. */
export function longResponses(): AdversarialPair[] {
  const many = (text: string) => text.repeat(Math.ceil(2_000_000 / text.length));
  return [
    {
      name: '2 MB of thinking',
      gold: '5',
      pred: `<think>${many('Is it \\boxed{6}? ')}</think>\\boxed{5}`,
      expected: true,
    },
    {
      name: '2 MB of denials',
      gold: '5',
      pred: `${many('The answer is not 6. ')}The answer is 5.`,
      expected: true,
    },
    {
      name: '2 MB of doubt',
      gold: '5',
      pred: `${many('Maybe the answer is 6? ')}The answer is 5.`,
      expected: true,
    },
    {
      name: '2 MB of "wait, no"',
      gold: '5',
      pred: `\\boxed{6}${many('. wait, no')} \\boxed{5}`,
      expected: true,
    },
    ...[
      'answer ',
      'if the ',
      '答案是不是',
      '정답은5',
      'oxed{',
      '<answer>',
      '#### 5\n',
      '$x$, ',
      'four ',
      ' or 6',
      '1-',
      '"answer": 5, ',
    ].map((text) => ({
      name: `2 MB of ${JSON.stringify(text)}`,
      gold: '7',
      pred: many(text),
      expected: false,
    })),
  ];
}
