import { describe, expect, it } from 'vitest';
import { adversarialPairs } from '../../test/support/adversarialAnswers.js';
import { cpuTime } from '../../test/support/cpuTime.js';
import { composedAnswer } from '../../test/support/composedAnswers.js';
import { Random } from '../util/random.js';
import { parse } from './parse/parse.js';
import { WorkBudget, BudgetExceeded } from './algebra/workBudget.js';
import { verify, type Preset } from './verify.js';

const pairs = adversarialPairs();

/** What answers are written with. */
const ALPHABET = [
  ...String.raw`\frac \sqrt \boxed \text \left \right \begin{pmatrix} \end{pmatrix} \pi \sin \log \sum \pm \cup`.split(
    ' ',
  ),
  ...String.raw`{ } ( ) [ ] ^ _ | \{ \} , ; = < $ & \\ + - / ! % ° : 1 23 .5 x y i e`.split(' '),
  ' ',
];

describe('hostile answers', () => {
  it.each(pairs)('$name: a verdict, whichever side it is on', ({ gold, pred, expected }) => {
    const verdict = verify({ gold, pred });
    if (expected !== undefined) expect(verdict.correct).toBe(expected);
    expect(typeof verify({ gold: pred, pred: gold }).correct).toBe('boolean');
    for (const preset of ['reward', 'lenient', 'choice'] satisfies Preset[]) {
      expect(typeof verify({ gold, pred, preset }).correct).toBe('boolean');
    }
  });

  // Work is counted by steps, whatever the machine; that the steps are worth their time is seen here, with room for slow ones.
  it.each(pairs)('$name: takes no time to speak of', ({ gold, pred }) => {
    const time = Math.min(...[0, 1, 2].map(() => cpuTime(() => void verify({ gold, pred }))));
    expect(time).toBeLessThan(gold.length + pred.length < 10_000 ? 150 : 500);
  });

  it('get the same verdict every time', () => {
    const once = pairs.map(({ gold, pred }) => verify({ gold, pred }));
    expect(pairs.map(({ gold, pred }) => verify({ gold, pred }))).toEqual(once);
  });

  it('never throw where characters are drawn at random', () => {
    const random = new Random(4);
    const draw = () =>
      Array.from({ length: 1 + random.nextInt(24) }, () => ALPHABET[random.nextInt(ALPHABET.length)]!).join(
        '',
      );
    for (let round = 0; round < 3000; round++) {
      const [gold, pred] = [draw(), draw()];
      expect(typeof verify({ gold, pred: `The answer is \\boxed{${pred}}.` }).correct).toBe('boolean');
      expect(typeof verify({ gold, pred }).correct).toBe('boolean');
    }
  });

  it('never throw where answers are put together at random, and an answer is itself', () => {
    const random = new Random(5);
    for (let round = 0; round < 4000; round++) {
      const gold = composedAnswer(random);
      const pred = random.nextInt(3) === 0 ? gold.replace(/\d/, '7') : composedAnswer(random);
      expect(typeof verify({ gold, pred: `The answer is \\boxed{${pred}}.` }).correct).toBe('boolean');
      expect(typeof verify({ gold, pred, preset: 'lenient' }).correct).toBe('boolean');
      const itself = verify({ gold, pred: `The answer is \\boxed{${gold}}.` });
      expect({ gold, reason: itself.reason }).toEqual({ gold, reason: 'equal' });
    }
  });
});

describe('the budget', () => {
  it('ends what has too many steps, with a reason of its own', () => {
    const sums = '\\sum_{k=1}^{200} '.repeat(20);
    expect(verify({ gold: '5', pred: `\\boxed{${sums} k}` })).toMatchObject({
      correct: false,
      reason: 'budget',
    });
    expect(() => parse('1+'.repeat(100), new WorkBudget(50))).toThrow(BudgetExceeded);
  });
});
