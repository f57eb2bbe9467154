import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('500 steps leave resident memory flat and the number of live tensors constant', async () => {
  const program = fileURLToPath(new URL('../../test/programs/train500Steps.ts', import.meta.url));
  const child = fork(program, { execArgv: ['--expose-gc', '--import', 'tsx'] });
  const exited = once(child, 'exit');
  const [{ rss, live }] = (await once(child, 'message')) as [{ rss: number[]; live: number[] }];
  expect(await exited).toEqual([0, null]);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  expect(mean(rss.slice(400)) / mean(rss.slice(100, 200))).toBeLessThan(1.02);
  expect(new Set(live).size).toBe(1);
});
