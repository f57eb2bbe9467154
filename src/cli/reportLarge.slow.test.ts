import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLargeResults, type ResultsSize } from '../../test/support/largeResults.js';
import { expectDone } from '../../test/support/tinyCommands.js';
import { redistill } from '../../test/support/tinyModel.js';
import type { Report } from '../report/index.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-large-'));
const results = join(root, 'results');
const size: ResultsSize = {
  ...{ evaluations: 6, problems: 200, samples: 8, characters: 800 },
  ...{ runs: 4, steps: 10_000, rows: 2_000, traceCharacters: 6_000 },
};
beforeAll(async () => {
  await writeLargeResults(results, size);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A third of what a report of 20 evaluations × 500 problems × 16 samples and 10 runs × 20,000 steps may take. */
const env = { NODE_OPTIONS: '--max-old-space-size=170' };

describe('a report of many results', () => {
  it('is made within bounds of memory and size, and says what it leaves out', async () => {
    const page = join(root, 'report.html');
    expectDone(await redistill(['report', results, '--out', page], { env }));
    expect(statSync(page).size).toBeLessThan(30e6);
    const json = await redistill(['report', results, '--json'], { env });
    const { evaluations, runs, comparisons, traces } = JSON.parse(json.stdout) as Report;
    expect(evaluations[0]!.columns).toHaveLength(6);
    expect(comparisons).toHaveLength(5);
    expect(comparisons[0]!.rows[0]!.power).toHaveLength(2);
    expect(runs.map(({ steps, curves }) => [steps.done, curves.steps.length <= 1_500])).toEqual(
      Array.from({ length: 4 }, () => [10_000, true]),
    );
    const [set] = traces!;
    expect(set!.rows.ids.length).toBeGreaterThan(500);
    expect(set!.rows.ids.length).toBeLessThan(2_000);
    expect(set!.notes.join()).toMatch(
      /of 2,000 rows are in this report, pairs first; `redistill report .* --all` has all/,
    );
    expect(readFileSync(page, 'latin1')).toContain('--all` has all');
  });
});
