import { describe, expect, it } from 'vitest';
import type { Scheduler } from '../generate/scheduler.js';
import type { Sequence } from '../generate/sequence.js';
import { DecodingLoop, type Listener } from './loop.js';

/** A scheduler that gives each of its sequences a token at a step, and ends those that have as many as they want. */
class FakeScheduler {
  sequences: (Sequence & { wants: number })[] = [];
  fails = false;
  steps = 0;
  isDisposed = false;
  constructor(readonly all: { now: boolean }) {}
  get isIdle(): boolean {
    return this.sequences.length === 0;
  }
  get load() {
    return { running: this.sequences.length, waiting: 0 };
  }
  submit(sequence: Sequence & { wants: number }): void {
    this.sequences.push(sequence);
  }
  cancel(sequence: Sequence): void {
    this.sequences = this.sequences.filter((other) => other !== sequence);
  }
  async tick() {
    this.steps++;
    await Promise.resolve();
    if (this.fails || this.all.now) throw new Error('no memory');
    const advanced = [...this.sequences];
    for (const { ids } of advanced) ids.push(0);
    const finished = advanced.filter(({ ids, wants }) => ids.length === wants);
    this.sequences = this.sequences.filter((sequence) => !finished.includes(sequence));
    return { advanced, finished };
  }
  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

function looped() {
  const opened: FakeScheduler[] = [];
  const steps: number[] = [];
  const allFail = { now: false };
  const loop = new DecodingLoop(
    () => {
      opened.push(new FakeScheduler(allFail));
      return opened.at(-1) as unknown as Scheduler;
    },
    (tokens) => steps.push(tokens),
  );
  /** Submits a sequence of so many tokens, and tells what becomes of it. */
  const decode = (wants: number, advanced: Listener['advanced'] = () => undefined, ids: number[] = []) => {
    const sequence = { ids, wants } as unknown as Sequence;
    const ended = new Promise<string>((resolve) => {
      loop.submit(sequence, {
        advanced,
        finished: () => {
          resolve(`${sequence.ids.length} tokens`);
        },
        failed: (error) => {
          resolve((error as Error).message);
        },
      });
    });
    return { sequence, ended };
  };
  return { loop, opened, steps, allFail, decode };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('a loop', () => {
  it('decodes what is submitted at any time, and sleeps when there is nothing', async () => {
    const { loop, opened, steps, decode } = looped();
    await turn();
    expect(opened[0]!.steps).toBe(0);
    const first = decode(3);
    const second = decode(2);
    expect(await first.ended).toBe('3 tokens');
    expect(await second.ended).toBe('2 tokens');
    expect(steps).toEqual([2, 2, 1]);
    await turn();
    expect(await decode(1).ended).toBe('1 tokens');
    expect(opened[0]!.steps).toBe(4);
    await loop.close(new Error('over'));
    expect(opened[0]!.isDisposed).toBe(true);
  });

  it('works between steps, one thing at a time', async () => {
    const { loop, decode } = looped();
    const order: string[] = [];
    const { ended } = decode(3, () => order.push('token'));
    const work = [1, 2].map((i) => loop.work(() => order.push(`work ${i}`)));
    expect(loop.load.waiting).toBe(2);
    await Promise.all([ended, ...work]);
    expect(order).toEqual(['work 1', 'token', 'work 2', 'token', 'token']);
    await expect(
      loop.work(() => {
        throw new Error('cannot');
      }),
    ).rejects.toThrow('cannot');
    await loop.close(new Error('over'));
  });

  it('forgets what is cancelled', async () => {
    const { loop, decode } = looped();
    let told = 0;
    const { sequence } = decode(1000, () => {
      if (++told === 3) loop.cancel(sequence);
    });
    await turn();
    expect(told).toBe(3);
    expect(loop.load.running).toBe(0);
    await loop.close(new Error('over'));
  });

  it('gives up what a step that failed had under way, and tries once more what had not begun', async () => {
    const { loop, opened, allFail, decode } = looped();
    opened[0]!.fails = true;
    const begun = decode(3, () => undefined, [0]);
    const waiting = decode(3);
    expect(await begun.ended).toBe('no memory');
    expect(opened[0]!.isDisposed).toBe(true);
    expect(await waiting.ended).toBe('3 tokens');
    allFail.now = true;
    expect(await decode(3).ended).toBe('no memory');
    expect(opened).toHaveLength(4);
    allFail.now = false;
    expect(await decode(1).ended).toBe('1 tokens');
    await loop.close(new Error('over'));
  });

  it('lets no listener hurt another', async () => {
    const { loop, decode } = looped();
    const bad = decode(3, () => {
      throw new Error('mine');
    });
    const good = decode(3);
    expect(await bad.ended).toBe('mine');
    expect(await good.ended).toBe('3 tokens');
    await loop.close(new Error('over'));
  });

  it('tells those who wait when it is closed', async () => {
    const { loop, decode } = looped();
    const { ended } = decode(Infinity);
    await turn();
    await loop.close(new Error('over'));
    expect(await ended).toBe('over');
  });
});
