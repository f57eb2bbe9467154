/** How long packing takes, apart from what it does: `npm run test:mutation` slows the code down by counting its visits. */
import { expect, it } from 'vitest';
import { cpuTime } from '../../test/support/cpuTime.js';
import { Random } from '../util/random.js';
import { packByTokenBudget } from './tokenBudget.js';

it('packs 300,000 rows in well under four seconds, by the arguments alone', () => {
  const random = new Random(4);
  const lengths = Array.from({ length: 300_000 }, () => 1 + random.nextInt(2000));
  const time = cpuTime(() => {
    expect(packByTokenBudget(lengths, 8192).length).toBe(packByTokenBudget([...lengths], 8192).length);
  });
  expect(time).toBeLessThan(4000);
});
