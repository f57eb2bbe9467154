import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ProcessGroup } from '../torch/distributed.js';
import { UserError } from '../util/errors.js';
import { alone, divideAmong, Ranks } from './ranks.js';

describe('the device of a rank', () => {
  const group = { rank: 1, localRank: 1, world: 2, useCuda: () => expect.unreachable() };
  const second = new Ranks(group as unknown as ProcessGroup);

  it('is the CPU for all', () => {
    second.openDevice('cpu');
    alone.openDevice('cpu');
    expect(second.world).toBe(2);
  });

  it('is not one GPU for several', () => {
    expect(() => {
      second.openDevice('cuda:1');
    }).toThrow(
      new UserError(
        '"device" is cuda:1, and 2 processes do not share one: write cuda, and each takes the GPU of its place on its machine',
      ),
    );
  });

  it.skipIf(existsSync('/dev/nvidiactl'))('that is not there is told of before NCCL is asked', () => {
    expect(() => {
      second.openDevice('cuda');
    }).toThrow(/CUDA|cuda/);
  });
});

describe('work that is divided', () => {
  it('goes to the rank with the least so far, the longest first', () => {
    expect(divideAmong([3, 7, 1, 5, 4], 2)).toEqual([0, 0, 1, 1, 1]);
  });
});
