import { describe, expect, it } from 'vitest';
import { AnswerGrammar } from '../../test/support/adversary/answerGrammar.js';
import { verify } from './verify.js';

const PAIRS = 10_000;

describe('50,000 pairs of bare answers', () => {
  it.each([1, 2, 3, 4, 5])('answer each other both ways or not at all, and each itself: seed %i', (seed) => {
    const grammar = new AnswerGrammar(seed);
    const oneWay: string[] = [];
    const notThemselves = new Set<string>();
    let equal = 0;
    for (let round = 0; round < PAIRS; round++) {
      const [a, b] = grammar.pair().map(({ text }) => text) as [string, string];
      const { correct } = verify({ gold: a, pred: b });
      if (correct) equal++;
      if (verify({ gold: b, pred: a }).correct !== correct) oneWay.push(`${a} | ${b}`);
      if (!verify({ gold: a, pred: `\\boxed{${a.replaceAll(' ', '  ')}}` }).correct) notThemselves.add(a);
    }
    expect(oneWay).toEqual([]);
    expect([...notThemselves]).toEqual([]);
    // Neither verdict is rare, so that both are tried.
    expect([equal > PAIRS / 4, equal < (3 * PAIRS) / 4]).toEqual([true, true]);
  });
});
