import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError } from '../../test/support/tinyCommands.js';
import { parseRows, readRows, redistill, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cli-rewards-'));
const path = (name: string) => join(root, name);
const traces = path('traces.jsonl');
const tiny = path('tiny');

beforeAll(() => {
  writeTinyModel(tiny);
  writeRows(traces, [
    { problem: '2+3?', answer: '5', generations: ['6', '5', 'five'], correct: [false, true, true] },
    { problem: '7-4?', answer: '3', generations: ['3'], correct: [true] },
  ]);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe.concurrent('rewards', () => {
  it('writes rows that objectives of groups train on', async () => {
    const out = path('groups.jsonl');
    const done = await redistill(['rewards', traces, '--advantage', 'dr-grpo', '--wrong', '0', '--out', out]);
    expectDone(done);
    expect(done.stdout).toBe(
      `${out}: 2 of 2 rows\n4 samples, 3 right (75.0 %)\n1 without a gradient: all their advantages are 0\n`,
    );
    const advantages = readRows(out).map(({ sequences }) =>
      (sequences as { scalars: { advantage: number } }[]).map(({ scalars }) => scalars.advantage),
    );
    expect(advantages[0]![0]).toBeCloseTo(-2 / 3, 12);
    expect(advantages[0]![1]).toBeCloseTo(1 / 3, 12);
    expect(advantages[1]).toEqual([0]);
    const recipe = path('train.yaml');
    const keys = {
      ...{ model: tiny, data: out, out: path('trained'), objective: { name: 'w-reinforce', lambda: 1 } },
      ...{ optimizer: { lr: 1e-3 }, dtype: 'f32', max_steps: 2, schedule: { warmup_ratio: 0 } },
    };
    writeFileSync(recipe, toYaml(keys));
    expectDone(await redistill(['train', recipe]));
    // From rewards alone, by hand: without them the same rows are refused.
    const bare = path('bare.jsonl');
    const rows = readRows(out) as { sequences: object[] }[];
    writeRows(
      bare,
      rows.map(({ sequences }) => ({ sequences: sequences.map((one) => ({ ...one, scalars: {} })) })),
    );
    writeFileSync(recipe, toYaml({ ...keys, data: bare, out: path('refused') }));
    expectError(await redistill(['train', recipe]), 2, 'line 1', 'needs a number "reward"');
  });

  it('--json prints the counts', async () => {
    const out = path('json.jsonl');
    const done = await redistill(['rewards', traces, '--advantage', 'dapo', '--out', out, '--json']);
    expectDone(done);
    expect(parseRows(done.stdout)).toEqual([
      {
        ...{ groups: out, rows: 2, empty: 0, left_out: 1, written: 1, without_gradient: 0, samples: 3 },
        right: 2,
      },
    ]);
  });

  it.each<[string, string[], string]>([
    ['no --out', [traces], '--out is missing'],
    ['no advantage of that name', [traces, '--advantage', 'best'], 'Allowed choices are grpo, dr-grpo'],
    ['a share above 1', [traces, '--flip', '2'], 'must be a number from 0 to 1'],
    ['lengths without tokens', [traces, '--overlong', '9'], 'traces.jsonl, line 1: "overlong" counts tokens'],
    [
      'no log-probs',
      [traces, '--unlikely', '0.25'],
      'traces.jsonl, line 1: "unlikely" needs the column "behaviour"',
    ],
  ])('refuses in one sentence: %s', async (what, args, sentence) => {
    const kept = path(`${what}.jsonl`);
    writeFileSync(kept, 'kept\n');
    const out = what === 'no --out' ? [] : ['--out', kept];
    expectError(await redistill(['rewards', ...args, ...out]), 2, sentence);
    expect(readFileSync(kept, 'utf8')).toBe('kept\n');
  });
});
