import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GroupStep } from '../../test/programs/groupStep.js';
import { createObjective } from '../objectives/index.js';
import { defaultTokenBudget } from './tokenBudget.js';

const program = fileURLToPath(new URL('../../test/programs/groupStep.ts', import.meta.url));

/** The bytes that a step adds to a process of its own, at their highest. */
async function bytesOf(step: Partial<GroupStep> & Pick<GroupStep, 'samples' | 'tokens'>): Promise<number> {
  const whole: GroupStep = { objective: 'topr', tokenBudget: defaultTokenBudget('cpu'), ...step };
  const child = fork(program, [JSON.stringify(whole)], { execArgv: ['--expose-gc', '--import', 'tsx'] });
  const exited = once(child, 'exit');
  const [bytes] = (await once(child, 'message')) as [number];
  expect(await exited).toEqual([0, null]);
  return bytes;
}

/** A second pack finds the first one's memory in pieces, which no third one adds to. Packs that were kept would make it 8 and 16. */
const PIECES = 1.35;
const ROUNDING = 1.15;

describe('a row of 16 samples', () => {
  let [two, one] = [0, 0];
  beforeAll(async () => {
    two = await bytesOf({ samples: 2, tokens: 500 });
    one = await bytesOf({ samples: 1, tokens: 2000 });
  });

  it.each([
    ['topr', 'sequence'],
    ['qcrd', 'group'],
    ['renio', 'step'],
  ])('is one in which %s couples by %s', (name, couples) => {
    expect(createObjective({ name }).couples).toBe(couples);
  });

  it('of 500 tokens takes the memory of two of them, as 64 do, where sequences are coupled', async () => {
    const bytes = await bytesOf({ samples: 16, tokens: 500 });
    expect(bytes).toBeLessThan(PIECES * two);
    expect(await bytesOf({ samples: 64, tokens: 500 })).toBeLessThan(ROUNDING * bytes);
  });

  it.each(['qcrd', 'renio'])(
    'of 2,000 tokens takes the memory of one of them, where more is coupled: %s',
    async (objective) => {
      expect(await bytesOf({ samples: 16, tokens: 2000, objective })).toBeLessThan(PIECES * one);
    },
  );

  it('would take more if packs were kept: two in one pack do', async () => {
    expect(await bytesOf({ samples: 4, tokens: 500, tokenBudget: 2000 })).toBeGreaterThan(1.7 * two);
    expect(await bytesOf({ samples: 2, tokens: 2000, tokenBudget: 4000 })).toBeGreaterThan(1.7 * one);
  });
});
