import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-disks-'));
const path = (name: string) => join(root, name);
const mounts: string[] = [];

/** A file system in memory; undefined where this user may not mount one. */
function mount(name: string, bytes: number): string | undefined {
  const dir = path(name);
  mkdirSync(dir);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  if (status !== 0) return undefined;
  mounts.push(dir);
  return dir;
}
const disk = mount('probe', 1 << 16);
if (disk === undefined) console.warn('skipped: disks of their own (this user may not mount a tmpfs)');

const rows = Array.from({ length: 40 }, (_, i) => ({
  ...{
    problem: `What is ${i}+1?`,
    answer: String(i + 1),
    generations: [`It is ${i + 1}.`, `It is ${i + 3}.`],
  },
  correct: [true, false],
}));
const evaluateStage = {
  ...{ name: 'e', stage: 'evaluate', model: path('model'), data: path('problems.jsonl'), dtype: 'f32' },
  sampling: { max_tokens: 4 },
};

beforeAll(() => {
  writeTinyModel(path('model'));
  writeRows(path('traces.jsonl'), rows);
  writeRows(
    path('problems.jsonl'),
    rows.map(({ problem, answer }) => ({ problem, answer })),
  );
  writeRows(
    path('pairs.jsonl'),
    rows.map((_, i) => ({ chosen: turns(`${i}+1?`, `${i + 1}`), rejected: turns(`${i}+1?`, `${i + 3}`) })),
  );
  writeFileSync(
    path('train.yaml'),
    toYaml({
      ...{
        model: path('model'),
        data: path('pairs.jsonl'),
        out: 'out',
        objective: { name: 'redi' },
        dtype: 'f32',
      },
      ...{ optimizer: { lr: 1e-3 }, batch_size: 4, max_steps: 1000, schedule: { warmup_ratio: 0 } },
    }),
  );
  writeFileSync(path('line.yaml'), toYaml({ out: 'out', stages: [evaluateStage] }));
});
afterAll(() => {
  for (const dir of mounts) execFileSync('umount', [dir]);
  rmSync(root, { recursive: true });
});

const model = ['--model', path('model'), '--dtype', 'f32'];
/** Every command that writes, with the place of its result as the last argument. */
const commands: [string, (out: string) => string[]][] = [
  ['score', (out) => ['score', ...model, '--data', path('pairs.jsonl'), '--tokens', '--out', `${out}.jsonl`]],
  [
    'generate',
    (out) => [
      'generate',
      ...model,
      '--prompts',
      path('problems.jsonl'),
      '--max-tokens',
      '4',
      '--out',
      `${out}.jsonl`,
    ],
  ],
  ['doctor', (out) => ['doctor', path('pairs.jsonl'), '--model', path('model'), '--out', `${out}.jsonl`]],
  [
    'doctor, page',
    (out) => ['doctor', path('pairs.jsonl'), '--model', path('model'), '--html', `${out}.html`],
  ],
  ['verify', (out) => ['verify', path('traces.jsonl'), '--threads', '1', '--out', `${out}.jsonl`]],
  ['verify, Parquet', (out) => ['verify', path('traces.jsonl'), '--threads', '1', '--out', `${out}.parquet`]],
  ['curate', (out) => ['curate', path('traces.jsonl'), '--no-length-filter', '--out', out]],
  ['collect', (out) => ['collect', path('problems.jsonl'), ...model, '--max-tokens', '4', '--out', out]],
  ['evaluate', (out) => ['evaluate', path('problems.jsonl'), ...model, '--max-tokens', '4', '--out', out]],
  ['train', (out) => ['train', path('train.yaml'), '--set', `out=${out}`]],
  ['run', (out) => ['run', path('line.yaml'), '--set', `out=${out}`]],
];

describe.skipIf(disk === undefined).concurrent.each(commands)('%s', (name, args) => {
  const place = name.replace(/\W+/g, '-');

  it('says before the work that a folder is read-only, and which', async () => {
    const dir = mount(`ro-${place}`, 1 << 20)!;
    cpSync(path('traces.jsonl'), join(dir, 'kept'));
    execFileSync('mount', ['-o', 'remount,ro', dir]);
    const { code, stderr } = await redistill(args(join(dir, 'out')));
    expect(code, stderr).toBe(2);
    const last = stderr.trimEnd().split('\n').at(-1)!;
    expect(last).toMatch(/^error: .*the file system is read-only/);
    expect(last).toContain(dir);
    expect(stderr).not.toMatch(/\n\s+at |100 %/);
  });

  it.each([
    ['full', 1 << 16, 1 << 16],
    ['nearly full', 1 << 16, (1 << 16) - 8192],
    ['full in a moment', 1 << 16, (1 << 16) - 12_288],
  ])('says what it needs where the disk is %s, and leaves what is there', async (state, bytes, used) => {
    const dir = mount(`${state.replaceAll(' ', '-')}-${place}`, bytes)!;
    const free = () => statfsSync(dir).bavail * statfsSync(dir).bsize;
    writeFileSync(join(dir, 'kept'), 'x'.repeat(Math.min(used, free())));
    const before = contents(dir);
    const left = free();
    const { code, stderr } = await redistill(args(join(dir, 'out')));
    const last = stderr.trimEnd().split('\n').at(-1)!;
    expect(stderr).not.toMatch(/\n\s+at /);
    if (code === 0) return; // what it writes has room
    expect(code, stderr).toBe(2);
    expect(last).toMatch(/^error: .*(free some space)/);
    expect(last).toContain(dir);
    expect(contents(dir)).toMatchObject(before);
    // What goes on later keeps what it has; everything else is as it was.
    if (!['collect', 'evaluate', 'run'].includes(name)) expect(free()).toBe(left);
  });
});
