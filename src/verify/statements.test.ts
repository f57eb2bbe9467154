import { describe, expect, it } from 'vitest';
import { Maker } from '../../test/support/adversary/pair.js';
import { STATEMENT_KINDS } from '../../test/support/adversary/statementKinds.js';
import { verify } from './verify.js';

const says = (gold: string, pred: string): boolean =>
  verify({ gold, pred: `So the answer is \\boxed{${pred}}.` }).correct;

it.each(STATEMENT_KINDS.map((compose) => [compose.name, compose] as const))(
  'tells answers that say more than a value apart: %s',
  (_, compose) => {
    const maker = new Maker(3);
    for (let round = 0; round < 8; round++) compose(maker);
    const others = maker.pairs.filter(
      ({ gold, pred, expected }) => verify({ gold, pred }).correct !== expected,
    );
    expect(others).toEqual([]);
  },
);

describe('what stands beside a relation', () => {
  it.each([
    ['A\\subset B', 'B ⊃ A'],
    ['A \\cup B \\subset C', 'C \\supset A \\cup B'],
    ['f \\to 0 \\text{ as } x', 'f→0 \\text{ as } x'],
    ['V^\\perp', 'V^{\\perp}'],
    ['x^2 = 4 \\implies x = 2', 'x = 2'],
    ['\\lim_{x \\to 0} f(x)', '\\lim_{x \\rightarrow 0} f(x)'],
    ['2(a \\star b)', '(a \\star b) \\cdot 2'],
    ['2 \\Var(X)', '\\Var(X) \\cdot 2'],
    ['\\hbar\\nu', '\\nu\\hbar'],
    ['A \\subset [1, 2]', 'A \\subset [1, \\frac{4}{2}]'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });

  it.each([
    ['A \\subset B \\subset C', 'A \\subset C \\subset B'],
    ['A \\not\\subset B', 'A \\subset B'],
    ['p \\land q \\implies r', 'p \\land r'],
    ['(a + b) \\star (c + d)', '(c + d) \\star (a + b)'],
    ['\\exists y \\forall x P(x, y)', '\\exists y P(x, y)'],
    ['(A, B)', 'A \\subset B'],
    ['\\triangle ABC \\sim \\triangle DEF', '\\triangle ABC \\sim \\triangle DFE'],
    ['m\\angle ABC = 50', 'm\\angle ACB = 50'],
  ])('%s is not %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(false);
  });
});
