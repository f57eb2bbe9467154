import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Cli,
  contents,
  readRows,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-train-resume-'));
const path = (...names: string[]) => join(root, ...names);

const disk = path('disk');
mkdirSync(disk);
const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${1 << 23}`, 'tmpfs', disk]);
if (status !== 0) console.warn('skipped: a disk of its own (this user may not mount a tmpfs)');

beforeAll(() => {
  writeTinyModel(path('model'));
  writeRows(
    path('pairs.jsonl'),
    Array.from({ length: 30 }, (_, i) => ({
      chosen: turns(`${i}+1?`, `${i + 1}`),
      rejected: turns(`${i}+1?`, `about ${i + 3}`),
    })),
  );
});
afterAll(() => {
  if (status === 0) execFileSync('umount', [disk]);
  rmSync(root, { recursive: true });
});

const keys = () => ({
  ...{ model: path('model'), data: path('pairs.jsonl'), objective: 'redi', dtype: 'f32', doctor: 'off' },
  ...{ optimizer: { lr: 1e-3 }, batch_size: 4, max_steps: 40, save: { every: 5 } },
});

function recipeIn(out: string, changes: object = {}): string {
  const file = `${out}.yaml`;
  writeFileSync(file, toYaml({ ...keys(), out, ...changes }));
  return file;
}

/** Kills a run after the state of a step. */
async function killedAfter(step: number, out: string, changes: object = {}): Promise<void> {
  const cli = new Cli(['train', recipeIn(out, { max_steps: 100_000, ...changes })]);
  await cli.shows(new RegExp(`^saved .*states/step-${step}$`, 'm'));
  expect(await cli.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
}

const lastLine = (stderr: string) => stderr.trimEnd().split('\n').at(-1)!;

/** What is in a folder but for what a killed process has half written, which the next start removes. */
const whole = (out: string) =>
  Object.fromEntries(Object.entries(contents(out)).filter(([name]) => !/\.partial\/|\.tmp$/.test(name)));

/** One sentence, and exit 2; nothing in the folder is another than before. */
async function expectRefused(args: string[], words: string, out: string, env = {}): Promise<void> {
  const before = whole(out);
  const { code, stderr } = await redistill(args, { env });
  expect(code, stderr).toBe(2);
  expect(lastLine(stderr)).toContain(words);
  expect(lastLine(stderr)).toMatch(/^error: /);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(whole(out)).toEqual(before);
}

describe.concurrent('train --resume', () => {
  it('says in one sentence why it does not go on, and leaves the states as they are', async () => {
    const out = path('refused');
    await killedAfter(5, out);
    const resume = ['train', '--resume', out];
    await expectRefused(['train', `${out}.yaml`], `\`redistill train --resume ${out}\` goes on`, out);
    await expectRefused(
      [...resume, '--set', 'optimizer.lr=1e-2'],
      'optimizer.lr (0.001 then, 0.01 now)',
      out,
    );
    await expectRefused(resume, 'kernels (on then, off now)', out, { REDISTILL_KERNELS: 'off' });
    await expectRefused(resume, 'threads (1 then, 2 now)', out, { OMP_NUM_THREADS: '2' });
    const data = path('short-lived.jsonl');
    writeRows(data, readRows(path('pairs.jsonl')));
    const gone = path('gone');
    await killedAfter(5, gone, { data });
    rmSync(data);
    await expectRefused(['train', '--resume', gone], `there is no ${data}`, gone);
    await expectRefused(['train', '--resume', path('model')], 'no run of `train` is there', path('model'));
    await expectRefused(['train', '--verify', `${out}.yaml`], '--verify belongs to --resume', out);
    await expectRefused([...resume, '--set', 'out=other'], 'a run goes on in its folder', out);
    await expectRefused([...resume, '--estimate', '--verify'], '--verify is of no use to --estimate', out);
    const allowed = await redistill([
      ...[...resume, '--allow-changes', '--verify', '--set', 'max_steps=12', '--json'],
    ]);
    expect(allowed, allowed.stderr).toMatchObject({ code: 1 }); // the rate of the shorter schedule is another
    expect(lastLine(allowed.stderr)).toContain('is not that of metrics.jsonl: learning_rate');
  });

  it('is not promised where nothing was saved', async () => {
    const cli = new Cli([
      'train',
      recipeIn(path('unsaved'), { max_steps: 100_000, save: { every: 5, states: 0 } }),
    ]);
    await cli.shows(/^saved .*checkpoints\/step-5$/m);
    const { code, stderr } = await cli.stop();
    expect(code, stderr).toBe(130);
    expect(lastLine(stderr)).toBe('stopped; there is no state to go on from: the recipe runs from its start');
  });

  it('leaves a run that is done as it is, and does not take its result for what it reads', async () => {
    const cwd = path('here');
    mkdirSync(cwd);
    writeTinyModel(join(cwd, 'model'));
    const recipe = { ...keys(), model: 'model', out: 'run', max_steps: 3, save: { states: 1 } };
    writeFileSync(join(cwd, 'recipe.yaml'), toYaml(recipe));
    const done = await redistill(['train', 'recipe.yaml'], { cwd });
    expect(done, done.stderr).toMatchObject({ code: 0 });
    const lasting = () =>
      Object.entries(contents(join(cwd, 'run'))).filter(([name]) => name !== 'redistill.json');
    const before = lasting();
    const again = await redistill(['train', '--resume', 'run'], { cwd });
    expect(again, again.stderr).toMatchObject({ code: 0, stdout: done.stdout });
    expect(lasting()).toEqual(before);
    const elsewhere = await redistill(['train', '--resume', join(cwd, 'run')], { cwd: tmpdir() });
    expect(elsewhere.code).toBe(2);
    expect(lastLine(elsewhere.stderr)).toContain('count from the folder in which the run began');
  });

  it('does not go on where another process writes', async () => {
    const out = path('busy');
    const cli = new Cli(['train', recipeIn(out, { max_steps: 100_000 })]);
    await cli.shows(/^saved .*states\/step-5$/m);
    for (const args of [
      ['train', '--resume', out],
      ['train', `${out}.yaml`],
    ]) {
      const { code, stderr } = await redistill(args);
      expect(code, stderr).toBe(2);
      expect(lastLine(stderr)).toContain(`Another process is writing into ${out}`);
    }
    await cli.stop('SIGKILL');
  });
});

it('run goes on by itself, and begins anew where the recipe is another', async () => {
  const recipe = path('pipeline.yaml');
  const write = (out: string, changes: object = {}) => {
    const { ...stage } = { name: 'student', stage: 'train', ...keys(), ...changes };
    writeFileSync(recipe, toYaml({ out, stages: [stage] }));
    return ['run', recipe];
  };
  const long = { max_steps: 120, save: { every: 5, keep: 1 } };
  const whole = await redistill(write(path('pipeline-whole'), long));
  expect(whole, whole.stderr).toMatchObject({ code: 0 });
  const out = path('pipeline');
  const cli = new Cli(write(out, long));
  await cli.shows(/^saved .*states\/step-20$/m);
  await cli.stop('SIGKILL');
  const again = await redistill(['run', recipe]);
  expect(again, again.stderr).toMatchObject({ code: 0 });
  expect(again.stderr).toMatch(/^goes on after step \d+ of 120, from /m);
  const files = (folder: string) => {
    const all = contents(join(folder, 'student'));
    return Object.fromEntries(
      Object.entries(all).filter(([name]) => !/^(speed\.jsonl|recipe\.yaml|redistill\.json)$/.test(name)),
    );
  };
  expect(files(out)).toEqual(files(path('pipeline-whole')));

  const cut = path('pipeline-cut');
  const second = new Cli(write(cut, long));
  await second.shows(/^saved .*states\/step-20$/m);
  await second.stop('SIGINT');
  const other = await redistill(write(cut, { ...long, max_steps: 9 }));
  expect(other, other.stderr).toMatchObject({ code: 0 });
  expect(other.stderr).not.toContain('goes on after');
  const steps = readRows(join(cut, 'student/metrics.jsonl')).map(({ step }) => step);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(existsSync(join(cut, 'student/states'))).toBe(false);
});

it('run takes what train --resume has brought to its end, and keeps what it begins anew', async () => {
  const recipe = path('ended.yaml');
  const out = path('ended');
  const student = join(out, 'student');
  const write = (changes: object = {}) => {
    const stage = { name: 'student', stage: 'train', ...keys(), max_steps: 60, ...changes };
    writeFileSync(recipe, toYaml({ out, stages: [stage] }));
    return ['run', recipe];
  };
  const cli = new Cli(write());
  await cli.shows(/^saved .*states\/step-20$/m);
  await cli.stop('SIGKILL');
  const ended = await redistill(['train', '--resume', student]);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const lasting = () => Object.entries(contents(student)).filter(([name]) => name !== 'redistill.json');
  const before = lasting();
  const taken = await redistill(write());
  expect(taken, taken.stderr).toMatchObject({ code: 0 });
  expect(taken.stderr).toContain(`${student} holds this run, and it is done`);
  expect(lasting()).toEqual(before);
  expect((await redistill(write())).stderr).toContain('student: unchanged, skipped');

  rmSync(join(out, 'stages.json'));
  const stopped = new Cli(write({ max_steps: 100_000 }));
  await stopped.shows(/^saved .*states\/step-5$/m);
  expect(readRows(`${student}.kept/metrics.jsonl`)).toHaveLength(60);
  await stopped.stop('SIGINT');

  // What another recipe has begun, and what the advice of the program has brought to another end, stay as well.
  const shorter = new Cli(write({ max_steps: 50_000 }));
  await shorter.shows(/^saved .*states\/step-5$/m);
  await shorter.stop('SIGINT');
  expect(existsSync(`${student}.kept-2/states`)).toBe(true);
  const changes = ['--allow-changes', '--set', 'optimizer.lr=1e-4', '--set', 'max_steps=300'];
  const changed = await redistill(['train', '--resume', student, ...changes]);
  expect(changed, changed.stderr).toMatchObject({ code: 0 });
  const model = contents(join(student, 'model'));
  const anew = await redistill(write());
  expect(anew, anew.stderr).toMatchObject({ code: 0 });
  expect(anew.stderr).toContain(`begins anew, what it has stays in ${student}.kept-3 until you remove it: `);
  expect(anew.stderr).not.toContain(`${student} has no state`);
  expect(contents(`${student}.kept-3/model`)).toEqual(model);
});

describe.skipIf(status !== 0)('a disk that fills during a checkpoint', () => {
  it('is one sentence, and the last state goes on when there is room', async () => {
    const whole = path('disk-whole');
    const save = { every: 3, keep: 1 };
    const undisturbed = await redistill(['train', recipeIn(whole, { save, max_steps: 150 })]);
    expect(undisturbed, undisturbed.stderr).toMatchObject({ code: 0 });
    const out = join(disk, 'run');
    const cli = new Cli(['train', recipeIn(out, { save, max_steps: 150 })]);
    await cli.shows(/^saved .*states\/step-12$/m);
    // It takes what is free whenever something is, so that a checkpoint finds no room.
    const end = { isOver: false };
    void cli.finished.then(() => (end.isOver = true));
    for (let i = 0; !end.isOver; i++) {
      const { bavail, bsize } = statfsSync(disk);
      try {
        if (bavail > 0) writeFileSync(join(disk, `filler-${i}`), 'x'.repeat(bavail * bsize));
      } catch {
        // Something else has taken it.
      }
      await sleep(1);
    }
    const { code, stderr } = await cli.finished;
    expect(code, stderr).toBe(1);
    expect(lastLine(stderr)).toMatch(
      // Which of the two files finds the disk full is a matter of a few bytes.
      /^error: .*(?:cannot be written: the disk is full .*|the disk has [^:]*: )free some space/,
    );
    expect(lastLine(stderr)).toContain(`\`redistill train --resume ${out}\` goes on from its last state.`);
    expect(stderr).not.toMatch(/\n\s+at /);
    for (const name of readdirSync(disk).filter((name) => name.startsWith('filler')))
      rmSync(join(disk, name));
    expect(readdirSync(join(out, 'states')).filter((name) => /^step-\d+$/.test(name))).not.toEqual([]);
    const again = await redistill(['train', '--resume', out]);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    for (const file of ['metrics.jsonl', 'model/model.safetensors'])
      expect(readFileSync(join(out, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
  });
});
