import { describe, expect, it } from 'vitest';
import { benchmarkPairs } from '../../test/support/adversary/benchmarkPairs.js';
import { COMPOSED_KINDS } from '../../test/support/adversary/composedKinds.js';
import { Maker, type MadePair } from '../../test/support/adversary/pair.js';
import { sentencePairs } from '../../test/support/adversary/sentences.js';
import { BENCHMARKS, benchmarkGolds, withoutDollars } from '../../test/support/benchmarkGolds.js';
import { verify } from './verify.js';

/** The pairs that get another verdict than the one with which they were made, and the number of right and wrong ones. */
function judged(pairs: readonly MadePair[]) {
  const isOther = ({ gold, pred, preset, expected }: MadePair) =>
    verify({ gold, pred, ...(preset && { preset }) }).correct !== expected;
  const others = pairs.filter(isOther);
  return {
    falseYes: others.filter(({ expected }) => !expected),
    falseNo: others.filter(({ expected }) => expected),
    right: pairs.filter(({ expected }) => expected).length,
    wrong: pairs.filter(({ expected }) => !expected).length,
  };
}

const golds = BENCHMARKS.flatMap((name) => benchmarkGolds(name) ?? []).map(([gold]) => gold!);
const hasGolds = golds.length > 0;
if (!hasGolds) console.warn('skipped: ../shared/data/benchmarks is not there');

describe('an adversary', () => {
  it.skipIf(!hasGolds)('gets no wrong answer past 2,879 golds, and every right one is taken', () => {
    const pairs = golds.flatMap((gold, index) => benchmarkPairs(gold, withoutDollars(gold), index + 1));
    const { falseYes, falseNo, right, wrong } = judged(pairs);
    expect(falseYes).toEqual([]);
    expect(falseNo).toEqual([]);
    expect([right > 30_000, wrong > 30_000]).toEqual([true, true]);
  });

  it.each(COMPOSED_KINDS.map((compose) => [compose.name, compose] as const))(
    'gets no wrong answer past composed golds, and every right one is taken: %s',
    (name, compose) => {
      const maker = new Maker(name.length);
      for (let round = 0; round < 60; round++) compose(maker);
      const { falseYes, falseNo } = judged(maker.pairs);
      expect(falseYes).toEqual([]);
      expect(falseNo).toEqual([]);
    },
  );

  it('gets no wrong answer past in sentences, and every right one is taken', () => {
    const pairs = Array.from({ length: 160 }, (_, round) => {
      const maker = new Maker(round + 1);
      const number = String(maker.int(4, round % 3 === 0 ? 900 : 30));
      return sentencePairs(number, String(maker.int(1000, 9999)), maker, 60);
    }).flat();
    const { falseYes, falseNo, right, wrong } = judged(pairs);
    expect(falseYes).toEqual([]);
    expect(falseNo).toEqual([]);
    expect([right > 15_000, wrong > 30_000]).toEqual([true, true]);
  });
});
