import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killedAt } from '../../test/support/killedAt.js';
import { Cli, contents, redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { Random } from '../util/random.js';

/** Interruptions of each run; REDISTILL_KILLS=25 for more. */
const KILLS = Number(process.env.REDISTILL_KILLS ?? 4);
/** How they are interrupted in turn: within what a run does to the disk, and somewhere in its steps. */
const WAYS = ['within a write', 'SIGKILL', 'SIGINT', 'SIGTERM'] as const;
const STEPS = 60;
/** A run changes the disk about so often: the last kills come when it is done. */
const CHANGES = 260;

const root = mkdtempSync(join(tmpdir(), 'redistill-train-kills-'));
const path = (...names: string[]) => join(root, ...names);

beforeAll(() => {
  writeTinyModel(path('model'));
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  writeRows(path('problems.jsonl'), [
    { problem: '1+1?', answer: '2' },
    { problem: '2+1?', answer: '3' },
  ]);
  writeRows(
    path('pairs.jsonl'),
    numbers.map((i) => ({
      chosen: turns(`${i}+1?`, `${i + 1}`),
      rejected: turns(`${i}+1?`, `about ${i + 3}`),
    })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** All files of a run but those that say how fast it was, and which command ended it. Its paths are the same, since each is made in a folder of its own. */
const lasting = (folder: string) =>
  Object.fromEntries(
    Object.entries(contents(folder)).filter(([name]) => !/^(speed\.jsonl|redistill\.json)$/.test(name)),
  );

const linesIn = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);

describe.concurrent.each(['sft', 'redi', 'dpo'])('train %s', (objective) => {
  it.each(['bf16', 'f32'])(
    'in %s, killed and stopped at random moments, is the undisturbed run to the last byte',
    { timeout: 120_000 + 30_000 * KILLS },
    async (dtype) => {
      const folderOf = (name: string) => path(`${objective}-${dtype}-${name}`);
      const recipe = {
        ...{ model: '../model', data: '../pairs.jsonl', out: 'run', objective, dtype },
        ...{ optimizer: { lr: 1e-3 }, batch_size: 4, max_steps: STEPS, doctor: 'off' },
        save: { every: 7, keep: 2, states: 2 },
        // What is measured on the way, in one of them.
        ...(objective === 'redi' && {
          evaluation: { rows: 5, every: 9 },
          development: { data: '../problems.jsonl', every: 20, sampling: { max_tokens: 6 } },
          best: { metric: 'eval_loss' },
          sentinel: { act: 'rollback', every: 10 },
        }),
      };
      const start = (name: string) => {
        const cwd = folderOf(name);
        mkdirSync(cwd, { recursive: true });
        writeFileSync(join(cwd, 'recipe.yaml'), toYaml(recipe));
        const states = join(cwd, 'run', 'states');
        const hasState = existsSync(states) && readdirSync(states).some((state) => /^step-\d+$/.test(state));
        return { cwd, args: hasState ? ['train', '--resume', 'run'] : ['train', 'recipe.yaml'] };
      };
      const whole = start('whole');
      const done = await redistill(whole.args, { cwd: whole.cwd });
      expect(done, done.stderr).toMatchObject({ code: 0 });

      const random = new Random(objective.length + dtype.length);
      for (let kill = 0; kill < KILLS; kill++) {
        const { args, cwd } = start('killed');
        const metrics = join(cwd, 'run/metrics.jsonl');
        const way = WAYS[kill % WAYS.length]!;
        if (way === 'within a write') {
          // A checkpoint that is half written, or half in its place. One that is done before ends well.
          const { code, signal, stderr } = await redistill(args, {
            cwd,
            ...killedAt(random.nextInt(CHANGES)),
          });
          expect(signal === 'SIGKILL' || code === 0, stderr).toBe(true);
          continue;
        }
        // Somewhere in the steps.
        const wanted = linesIn(metrics) + random.nextInt(STEPS / 3);
        const cli = new Cli(args, { cwd });
        const end = { isOver: false };
        void cli.finished.then(() => (end.isOver = true));
        while (!end.isOver && linesIn(metrics) < wanted) await sleep(1);
        const { code, signal, stderr } = await cli.stop(way);
        // One that comes before the command listens ends it as a kill does.
        const isInterrupted = signal === way || (way !== 'SIGKILL' && code === 130);
        const hasEnded = code === 0 && linesIn(metrics) >= STEPS;
        expect(isInterrupted || hasEnded, `${way}: ${code} ${signal} ${stderr}`).toBe(true);
      }
      const last = start('killed');
      const ended = await redistill(last.args, { cwd: last.cwd });
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(lasting(join(last.cwd, 'run'))).toEqual(lasting(join(whole.cwd, 'run')));
      expect(linesIn(join(last.cwd, 'run/speed.jsonl'))).toBe(STEPS);
    },
  );
});

it('a run killed between any two changes of the disk keeps a whole model and a whole state, though a command is refused first', async () => {
  const recipe = {
    ...{ model: path('model'), data: path('pairs.jsonl'), objective: 'sft', dtype: 'f32', doctor: 'off' },
    ...{ optimizer: { lr: 1e-3 }, batch_size: 4, max_steps: 3, proofs: 'off', save: { states: 1 } },
  };
  const whole = path('whole');
  writeFileSync(`${whole}.yaml`, toYaml({ ...recipe, out: whole }));
  const done = await redistill(['train', `${whole}.yaml`]);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  const saved = (run: string) =>
    Object.fromEntries(
      Object.entries(contents(run)).filter(([name]) => /^(model|states\/step-\d+)\//.test(name)),
    );
  rmSync(join(whole, 'finished.json')); // what ends a run is to be written again: model and last state are exchanged
  const resume = ['renameSync', 'unlinkSync', 'unlink', 'rmdirSync'];
  let kills = 0;
  for (; ; kills++) {
    const run = path(`kill-${kills}`);
    cpSync(whole, run, { recursive: true });
    const { signal, stderr } = await redistill(['train', '--resume', run], killedAt(kills, resume));
    const refused = await redistill(['train', '--resume', run, '--set', 'max_steps=2']);
    expect(refused.code, refused.stderr).toBe(2);
    expect(saved(run), `after kill ${kills}: ${stderr}`).toEqual(saved(whole));
    if (signal !== 'SIGKILL') break;
  }
  expect(kills).toBeGreaterThan(8);
}, 300_000);
