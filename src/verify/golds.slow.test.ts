import { describe, expect, it } from 'vitest';
import { BENCHMARKS, benchmarkGolds, withoutDollars } from '../../test/support/benchmarkGolds.js';
import { MATH_PRESETS } from '../../test/support/adversary/wrappings.js';
import { verify } from './verify.js';

const hasGolds = benchmarkGolds('math') !== undefined;
if (!hasGolds) console.warn('skipped: ../shared/data/benchmarks is not there');

/** The ways in which a response gives an answer; all are behind thinking, without which a reward reads nothing. */
const GIVEN: Readonly<Record<string, (answer: string) => string>> = {
  'in a sentence': (answer) => `<think>Is it 17?</think>We find the value. The answer is $${answer}$.`,
  'in a box': (answer) => `<think>Is it 17?</think>Thus the value is\n\\[\\boxed{${answer}}\\]\nas claimed.`,
  'behind thinking': (answer) => `<think>It may be \\boxed{17}.</think>\n\n\\boxed{${answer}}`,
  'in JSON': (answer) => `<think>Is it 17?</think>${JSON.stringify({ answer })}`,
};
/** The same without thinking. */
const bare = (response: string): string => response.replace(/<think>.*<\/think>/, '');

describe.skipIf(!hasGolds)('every gold of six benchmarks', () => {
  it.each(MATH_PRESETS)('is read with the preset %s, and equals itself wherever it stands', (preset) => {
    const unlike: string[] = [];
    for (const gold of BENCHMARKS.flatMap((name) => benchmarkGolds(name)!).flat()) {
      for (const [place, give] of Object.entries(GIVEN)) {
        const response = give(withoutDollars(gold));
        for (const pred of preset === 'reward' ? [response] : [response, bare(response)]) {
          const { correct, goldParsed } = verify({ gold, pred, preset });
          if (!correct || goldParsed === null) unlike.push(`${gold} ${place}`);
        }
      }
    }
    expect(unlike).toEqual([]);
  });
});
