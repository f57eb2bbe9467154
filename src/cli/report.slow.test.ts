import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { expectDone, expectError } from '../../test/support/tinyCommands.js';
import { contents, redistill } from '../../test/support/tinyModel.js';
import type { Report } from '../report/index.js';

const { path, problems, evaluation } = roteEvaluations();
const data = problems('twelve.jsonl', 12);
const rights = (right: (i: number) => boolean) => Array.from({ length: 12 }, (_, i) => [right(i)]);

describe('report', () => {
  it('makes a page, text or JSON of evaluations, without libtorch, and leaves them as they are', async () => {
    const low = await evaluation(
      data,
      rights((i) => i < 2),
    );
    const high = await evaluation(
      data,
      rights((i) => i < 11),
    );
    const before = [low, high].map((dir) => contents(dir));
    const env = { XDG_CACHE_HOME: path('empty') };
    const page = path('page.html');
    const made = await redistill(['report', low, high, '--out', page], { env });
    expectDone(made);
    expect(made.stdout).toBe(`${page}\n`);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>\n<!-- A report of redistill. -->\n/);
    expectDone(await redistill(['report', low, '--out', page], { env }));

    const json = await redistill(['report', low, high, '--json'], { env });
    const { evaluations, comparisons } = JSON.parse(json.stdout) as Report;
    expect(evaluations).toHaveLength(1);
    expect(evaluations[0]!.columns.map(({ grades }) => grades.verify!.passAt1)).toEqual([2 / 12, 11 / 12]);
    expect(comparisons).toMatchObject([{ finding: 'better', rows: [{ gained: 9, lost: 0 }] }]);
    const text = await redistill(['report', low, high, '--text'], { env });
    expect(text.stdout).toMatch(/ is better than .*: \+75\.0 points/);
    expect([low, high].map((dir) => contents(dir))).toEqual(before);
  });

  it('refuses what is no result, a page inside of one, and a file of somebody else', async () => {
    const dir = await evaluation(
      data,
      rights(() => true),
    );
    const empty = path('nothing-here');
    mkdirSync(empty);
    expectError(await redistill(['report', empty]), 2, 'holds no result of redistill');
    writeFileSync(
      join(dir, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command: 'evaluate', version: '0.1.0' }),
    );
    const inside = join(dir, 'report.html');
    expectError(await redistill(['report', dir, '--out', inside]), 2, 'would be added to');
    expect(existsSync(inside)).toBe(false);
    const mine = path('mine.html');
    writeFileSync(mine, '<html>mine</html>');
    expectError(await redistill(['report', dir, '--out', mine]), 2, 'mine.html is in the way');
    expect(readFileSync(mine, 'utf8')).toBe('<html>mine</html>');
  });
});
