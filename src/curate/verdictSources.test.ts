import { describe, expect, it } from 'vitest';
import { isRight, verdictSources, verdictsOf, type VerdictSource } from './verdictSources.js';

const row = (llm: (boolean | null)[] | null, mvReparsed: (boolean | null)[] | null) => ({
  generations: ['a', 'b'],
  // The verdicts against "answer" say the opposite, and nobody asks them.
  correctness: { llm, mvAnswer: mvReparsed && mvReparsed.map((verdict) => !verdict), mvReparsed },
});

describe('isRight', () => {
  // llm, mv: then LandMV, LorMV, mv, llm
  it.each([
    [false, false, [false, false, false, false]],
    [false, true, [false, true, true, false]],
    [true, false, [false, true, false, true]],
    [true, true, [true, true, true, true]],
  ])('judge %s and rules %s', (llm, mv, expected) => {
    expect(verdictSources.map((rule) => isRight({ llm, mv }, rule))).toEqual(expected);
  });
});

describe('verdictsOf', () => {
  it('counts a missing verdict as not right', () => {
    expect(verdictsOf(row([true, null], [null, true]), 'LandMV')).toEqual([
      { llm: true, mv: false },
      { llm: false, mv: true },
    ]);
  });

  it.each<[string, ReturnType<typeof row>, VerdictSource[]]>([
    ['no judge', row(null, [true, false]), ['mv']],
    ['no rules', row([true, false], null), ['llm']],
    ['a short list of the judge', row([true], [true, false]), ['mv']],
    ['a long list of the rules', row([true, false], [true, false, true]), ['llm']],
    ['both', row([true, false], [true, false]), ['LandMV', 'LorMV', 'mv', 'llm']],
    ['neither', row(null, null), []],
  ])('with %s', (_, given, able) => {
    expect(verdictSources.filter((rule) => verdictsOf(given, rule) !== null)).toEqual(able);
  });

  it('needs generations', () => {
    expect(verdictsOf({ ...row([], []), generations: null }, 'LandMV')).toBeNull();
  });
});
