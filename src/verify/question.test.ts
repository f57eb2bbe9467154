import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { verify } from './verify.js';

const folder = fileURLToPath(new URL('../../../shared/data/benchmarks/', import.meta.url));
if (!existsSync(folder)) console.warn('skipped: the question as its own answer (shared/data is absent)');

/** The problems of a benchmark with their golds. */
const problemsOf = (name: string): { problem: string; gold: string }[] =>
  (JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as { problem: string; answer: unknown }[]).map(
    ({ problem, answer }) => ({
      problem,
      gold: Array.isArray(answer)
        ? answer.join(', ')
        : String(name === 'amc' ? Math.round(answer as number) : answer),
    }),
  );

it.runIf(existsSync(folder))('a reward is not earned by repeating a formula of the question', () => {
  let asked = 0;
  const earned: string[] = [];
  for (const name of ['math', 'minerva', 'olympiad_bench', 'amc', 'aime'])
    for (const { problem, gold } of problemsOf(name)) {
      const formulas = [...problem.matchAll(/\$\$([^$]+)\$\$|\$([^$]+)\$|\\\[([^]+?)\\\]|\\\(([^]+?)\\\)/g)];
      for (const formula of new Set(
        formulas.map((found) => found.slice(1).find(Boolean)!.trim().replace(/[.,]$/, '')),
      )) {
        asked++;
        if (formula.replace(/\s/g, '') === gold.replace(/[\s$]/g, '')) continue;
        const { correct } = verify({ gold, pred: `x</think>\\boxed{${formula}}`, preset: 'reward' });
        if (correct) earned.push(`${gold} for ${formula}`);
      }
    }
  expect(asked).toBeGreaterThan(6000);
  // Some problems print an answer, or ask for another form of a number (a decimal, a phase) that is not told apart.
  expect(earned.length, earned.join('\n')).toBeLessThanOrEqual(36);
});
