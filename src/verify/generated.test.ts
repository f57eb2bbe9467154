import { describe, expect, it } from 'vitest';
import { variantsOf } from '../../test/support/answerVariants.js';
import { benchmarkGolds } from '../../test/support/benchmarkGolds.js';
import { verify } from './verify.js';

const SETS = ['math', 'minerva', 'olympiad_bench'] as const;
const hasData = benchmarkGolds('math') !== undefined;
if (!hasData) console.warn('skipped: the benchmark files of ../shared/data are not there');

describe.skipIf(!hasData)('rewrites and near misses of the MATH, Minerva and Olympiad golds', () => {
  const variants = hasData
    ? SETS.flatMap((name) => benchmarkGolds(name)!.flatMap(([gold], index) => variantsOf(gold!, index)))
    : [];

  it('are told apart in 99.9 % and more, and no near miss of a plain number is taken', () => {
    expect(variants.filter((variant) => variant.expected).length).toBeGreaterThan(15_000);
    expect(variants.filter((variant) => !variant.expected).length).toBeGreaterThan(13_000);
    const wrong = variants.filter(
      ({ gold, pred, expected }) =>
        verify({ gold, pred: `The answer is \\boxed{${pred}}.` }).correct !== expected,
    );
    expect(wrong.filter((variant) => variant.plain)).toEqual([]);
    expect(wrong.filter((variant) => !variant.expected)).toEqual([]);
    expect(wrong.length / variants.length).toBeLessThan(0.001);
  });
});
