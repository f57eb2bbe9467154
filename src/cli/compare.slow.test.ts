import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { expectDone, expectError } from '../../test/support/tinyCommands.js';
import { contents, readRows, redistill } from '../../test/support/tinyModel.js';
import type { Comparison } from '../evaluate/compare.js';

const { path, problems, evaluation } = roteEvaluations();
const data = problems('thirty.jsonl', 30);
const rights = (right: (i: number) => boolean) => Array.from({ length: 30 }, (_, i) => [right(i)]);

describe('compare', () => {
  it('ends with 0, 1 or 3 as B is better, worse or neither', async () => {
    const [low, high, near] = await Promise.all([
      evaluation(
        data,
        rights((i) => i < 5),
      ),
      evaluation(
        data,
        rights((i) => i < 20),
      ),
      evaluation(
        data,
        rights((i) => i < 7),
      ),
    ]);
    const before = [low, high].map((dir) => contents(dir));
    const list = path('flips.jsonl');
    const better = await redistill(['compare', low, high, '--list', list]);
    expect([better.code, better.stderr]).toEqual([0, '']);
    expect(better.stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^B is better than A: \+50\.0 points, 95 % interval \+31\.8 to \+68\.2, p < \.001\.$/,
    );
    expect(readRows(list)).toHaveLength(15);
    expect(readRows(list)[0]).toEqual({
      ...{ row: 'thirty', grader: 'verify', change: 'gained', id: 'p5', problem: 'xxxxxx?', gold: '5' },
      ...{ before: 0, after: 1, answers_before: ['-1'], answers_after: ['5'] },
    });
    const worse = await redistill(['compare', high, low]);
    expect([worse.code, worse.stderr]).toEqual([1, '']);
    expect(worse.stdout).toContain('\nB is worse than A: −50.0 points');
    const unclear = await redistill(['compare', low, near, '--json']);
    expect([unclear.code, unclear.stderr]).toEqual([3, '']);
    const { verdict, finding, rows } = JSON.parse(unclear.stdout) as Comparison & { verdict: string };
    expect(verdict).toMatch(/^Cannot tell whether B differs from A: \+6\.7 points/);
    expect(finding).toBe('unclear');
    expect(rows).toMatchObject([{ p_value: 0.5, gained: 2, lost: 0 }]);
    expect([low, high].map((dir) => contents(dir))).toEqual(before);
  });

  it('refuses with 2 what cannot be compared, and writes over nothing that it reads', async () => {
    const low = await evaluation(
      data,
      rights((i) => i < 5),
    );
    const asked = await evaluation(
      data,
      rights((i) => i < 5),
      { instruction: 'Think.' },
    );
    expectError(await redistill(['compare', low, asked]), 2, 'or name instruction in --differ-in if that');
    expect((await redistill(['compare', low, asked, '--differ-in', 'instruction'])).code).toBe(3);
    expectError(await redistill(['compare', low]), 2, 'takes folders in pairs');
    expectError(await redistill(['compare', low, path('nothing')]), 2, 'does not exist');
    const samples = join(low, 'samples.jsonl');
    const bytes = readFileSync(samples, 'utf8');
    expectError(await redistill(['compare', low, low, '--list', samples]), 2, 'would be overwritten');
    expect(readFileSync(samples, 'utf8')).toBe(bytes);
  });
});

describe('plan', () => {
  it('freezes what compare goes by', async () => {
    const low = await evaluation(
      data,
      rights((i) => i < 5),
    );
    const high = await evaluation(
      data,
      rights((i) => i < 12),
    );
    const out = path('plan.json');
    const flags = ['--effect', '30', '--before', low, '--after', high, '--out', out];
    const made = await redistill(['plan', data, ...flags]);
    expectDone(made);
    const plan = JSON.parse(readFileSync(out, 'utf8')) as { problems: number };
    expect(made.stdout).toContain(`${plan.problems} of the 30 problems`);
    expect(plan.problems).toBeLessThan(30);
    expectError(await redistill(['plan', data, ...flags]), 2, 'a plan is made once');
    // All 30 are more than was planned: p = 2 / 2⁷ does not count then.
    const early = await redistill(['compare', low, high, '--plan', out]);
    expect(early.code).toBe(3);
    expect(early.stdout).toContain(`Not as planned (30 problems instead of the ${plan.problems} planned)`);
    const count = ['--count', String(plan.problems)];
    const kept = await Promise.all(
      [5, 12].map((n) =>
        evaluation(
          data,
          rights((i) => i < n),
          { count: Number(count[1]) },
        ),
      ),
    );
    const found = await redistill(['compare', ...kept, '--plan', out]);
    expect(found.code).toBe(0);
    expect(found.stdout).toContain('The evaluations are as planned.');
  });

  it('says in one sentence what is missing, by its flag', async () => {
    expectError(await redistill(['plan', data, '--effect', '3', '--between', '0.1']), 2, '--within');
    expectError(await redistill(['plan', data]), 2, '--effect');
    const out = path('none.json');
    const given = ['--effect', '1', '--between', '0.1', '--within', '0.1', '--out', out];
    expectError(await redistill(['plan', data, ...given]), 2, 'they show differences from');
    expect(existsSync(out)).toBe(false);
  });
});
