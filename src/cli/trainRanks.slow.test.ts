import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml, stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli, contents, redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { Random } from '../util/random.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-train-ranks-'));
const path = (...names: string[]) => join(root, ...names);

beforeAll(() => {
  writeTinyModel(path('model'));
  const answers = (i: number) => ({
    chosen: turns(`${i}+1?`, `${i + 1}`),
    rejected: turns(`${i}+1?`, `about ${i + 3}`),
  });
  writeRows(
    path('pairs.jsonl'),
    Array.from({ length: 50 }, (_, i) => answers(i)),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const env = { OMP_NUM_THREADS: '1' };

/** Writes the recipe of a run into a folder of its own. @returns where its command runs */
function runIn(name: string, changes: object): string {
  const cwd = path(name);
  mkdirSync(cwd);
  const recipe = {
    ...{ model: '../model', data: '../pairs.jsonl', out: 'run', dtype: 'f32', doctor: 'off', proofs: 'off' },
    // Several packs a step, some of them of one row.
    ...{ optimizer: { lr: 1e-3 }, batch_size: 8, max_steps: 20, token_budget: 60, ...changes },
  };
  writeFileSync(join(cwd, 'recipe.yaml'), toYaml(recipe));
  return cwd;
}

const start = (cwd: string, nproc: number): string[] => [
  ...['train', ...(existsSync(join(cwd, 'run/states')) ? ['--resume', 'run'] : ['recipe.yaml'])],
  ...['--nproc', String(nproc)],
];

async function trained(cwd: string, nproc: number): Promise<string> {
  const { code, stderr } = await redistill(start(cwd, nproc), { cwd, env });
  expect(code, stderr).toBe(0);
  return stderr;
}

/** The whole lines that a run has written so far. */
function linesIn(cwd: string): Record<string, unknown>[] {
  const file = join(cwd, 'run/metrics.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Expects that two runs have the same numbers in every step but for the order in which sums are made. */
function expectSame(found: string, expected: string, bound: number): void {
  const [some, others] = [linesIn(found), linesIn(expected)];
  expect(some.map((line) => Object.keys(line))).toEqual(others.map((line) => Object.keys(line)));
  some.forEach((line, i) => {
    for (const [name, value] of Object.entries(line as Record<string, number>)) {
      const other = others[i]![name] as number;
      // Metrics that are differences of large numbers have no relative size of their own.
      const size = ['loss', 'grad_norm'].includes(name) ? Math.abs(other) : Math.max(1, Math.abs(other));
      expect(Math.abs(value - other) <= bound * size, `${name}: ${value} for ${other}, line ${i}`).toBe(true);
    }
  });
}

/** All files of a run but those that say how fast it was, and which command ended it. */
const lasting = (cwd: string) =>
  Object.fromEntries(
    Object.entries(contents(join(cwd, 'run'))).filter(
      ([name]) => !/^(speed\.jsonl|redistill\.json)$/.test(name),
    ),
  );

const lora = { rank: 4, alpha: 8 };
const objectives: [keys: Record<string, unknown>, bound: number][] = [
  [{ objective: 'sft' }, 1e-5],
  [{ objective: 'redi' }, 1e-5],
  [{ objective: 'dpo' }, 1e-5],
  [{ objective: 'qcrd' }, 1e-5], // coupled by group
  [{ objective: 'kto' }, 1e-5], // coupled by step, with responses that are only scored
  [{ objective: 'glow' }, 1e-5], // remembers
  [{ objective: 'sft', lora }, 1e-5],
  [{ objective: 'dpo', lora: { ...lora, use_dora: true } }, 1e-5], // the adapters' base is the reference
  // A weight that is rounded the other way is another by 2⁻⁸.
  [{ objective: 'redi', dtype: 'bf16' }, 1e-2],
];

describe.each(objectives)('train %o', (keys, bound) => {
  it('in two and four processes has the numbers of one', { timeout: 240_000 }, async () => {
    const name = Object.values(keys).map((value) => (typeof value === 'string' ? value : 'lora'));
    const runs = [1, 2, 4].map((nproc) => {
      const watched = { evaluation: { rows: 4, every: 10 }, save: { every: 10, states: 1 } };
      return [nproc, runIn([...name, nproc].join('-'), { ...keys, ...watched })] as const;
    });
    for (const [nproc, cwd] of runs) await trained(cwd, nproc);
    const [[, one], ...several] = runs as [(typeof runs)[0], ...typeof runs];
    expect(linesIn(one).filter((line) => 'learning_rate' in line)).toHaveLength(20);
    for (const [, cwd] of several) {
      expectSame(cwd, one, bound);
      expect(Object.keys(lasting(cwd))).toEqual(Object.keys(lasting(one)));
    }
  });
});

it(
  'a run that is proved, watched and compared with another model has the numbers of one process',
  { timeout: 240_000 },
  async () => {
    const keys = {
      ...{
        objective: { name: 'dpo', beta: 0.5 },
        reference: '../other',
        proofs: 'on',
        best: { metric: 'eval_loss' },
      },
      evaluation: { rows: 6, every: 4 },
      save: { every: 4, states: 2, keep: 1 },
      tensorboard: true,
    };
    writeTinyModel(path('other'), { rms_norm_eps: 1e-2 });
    const [one, two] = ['looked-at-1', 'looked-at-2'].map((name) => runIn(name, keys)) as [string, string];
    const said = [await trained(one, 1), await trained(two, 2)];
    expectSame(two, one, 1e-5);
    expect(Object.keys(lasting(two))).toEqual(Object.keys(lasting(one)));
    for (const text of said) expect(text).toContain('proofs: ');
    const { code, stderr } = await redistill(['train', '--resume', 'run', '--verify', '--nproc', '2'], {
      cwd: two,
      env,
    });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('is that of metrics.jsonl to the last bit');
    const alone = await redistill(['train', '--resume', 'run', '--verify'], { cwd: two, env });
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain('it was computed in one process, and 2 before');
  },
);

/** The processes that train for a command, by their ranks. */
function ranksOf(pid: number): Map<number, number> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return new Map(
    children.flatMap((child) => {
      const rank = /(?:^|\0)RANK=(\d+)/.exec(readFileSync(`/proc/${child}/environ`, 'utf8'))?.[1];
      return rank === undefined ? [] : [[Number(rank), Number(child)]];
    }),
  );
}

/** Waits for so many steps. */
async function steps(cwd: string, count: number, cli: Cli): Promise<void> {
  const end = { isOver: false };
  void cli.finished.then(() => (end.isOver = true));
  while (!end.isOver && linesIn(cwd).length < count) await sleep(2);
}

let refused = 0;

describe('a run in several processes', () => {
  const long = { objective: 'redi', max_steps: 100_000, save: { every: 3, states: 2, keep: 0 } };

  it(
    'that is stopped in four goes on in two and in one, and in four byte for byte',
    { timeout: 300_000 },
    async () => {
      const keys = { ...long, dtype: 'bf16', max_steps: 30, save: { every: 7, states: 2 } };
      const whole = runIn('whole', keys);
      await trained(whole, 4);
      const one = runIn('one', keys);
      await trained(one, 1);
      for (const numbers of [
        [4, 4, 4],
        [4, 2, 1],
      ]) {
        const cwd = runIn(`stopped-${numbers.join('-')}`, keys);
        for (const [i, nproc] of numbers.entries()) {
          const cli = new Cli(start(cwd, nproc), { cwd, env });
          if (i < 2) {
            await steps(cwd, 10 * (i + 1), cli);
            const { code, stderr } = await cli.stop('SIGINT');
            expect(code, stderr).toBe(130);
            expect(stderr).toContain('goes on from its last state');
          } else expect(await cli.finished).toMatchObject({ code: 0 });
          if (i > 0) {
            const before = numbers[i - 1]!;
            const now = nproc === 1 ? 'one process' : `${nproc} processes`;
            if (before !== nproc) expect(cli.stderr).toContain(`in ${now}, and ${before} before`);
          }
        }
        if (numbers.at(-1) === 4) expect(lasting(cwd)).toEqual(lasting(whole));
        else expectSame(cwd, one, 1e-2);
      }
    },
  );

  const KILLS = Number(process.env.REDISTILL_KILLS ?? 4);

  it(
    `of which one is killed at a random moment ends with a sentence, ${KILLS} times, and goes on byte for byte`,
    { timeout: 60_000 + 20_000 * KILLS },
    async () => {
      const random = new Random(Number(process.env.REDISTILL_KILLS_SEED ?? 7));
      const keys = { ...long, max_steps: 40 * (KILLS + 1) };
      const whole = runIn('whole-of-3', keys);
      await trained(whole, 3);
      const cwd = runIn('killed', keys);
      for (let kill = 0; kill < KILLS; kill++) {
        const cli = new Cli(start(cwd, 3), { cwd, env });
        if (kill % 4 === 3) {
          // While they begin.
          while (ranksOf(cli.pid).size < 3) await sleep(2);
          await sleep(random.nextInt(1000));
        } else await steps(cwd, linesIn(cwd).length + 1 + random.nextInt(10), cli);
        const rank = random.nextInt(3);
        const ranks = ranksOf(cli.pid);
        expect([...ranks.keys()].sort(), cli.stderr).toEqual([0, 1, 2]);
        process.kill(ranks.get(rank)!, 'SIGKILL');
        const ended = await Promise.race([cli.finished, sleep(10_000, undefined, { ref: false })]);
        expect(ended?.code, `${kill}: ${cli.stderr}`).toBe(1);
        const errors = cli.stderr.split('\n').filter((line) => line.startsWith('error: '));
        expect(errors, cli.stderr).toHaveLength(1);
        expect(errors[0]).toContain(`rank ${rank} was killed (SIGKILL)`);
        for (const pid of ranks.values()) expect(existsSync(`/proc/${pid}`)).toBe(false);
      }
      await trained(cwd, 3);
      expect(lasting(cwd)).toEqual(lasting(whole));
    },
  );

  it('says what is wrong in a sentence, from rank 0 alone', async () => {
    const cwd = runIn('wrong', { objective: 'sft', model: '../no-model' });
    const { code, stderr } = await redistill(start(cwd, 2), { cwd, env });
    expect(code, stderr).toBe(2);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toContain('no-model');
  });

  it.each<[string[], Record<string, string>, string]>([
    [
      ['train', 'recipe.yaml', '--set', 'device=cuda:1', '--nproc', '2'],
      {},
      'device: cuda:1 is one GPU, and 2 processes do not share one: write cuda',
    ],
    [
      ['train', 'recipe.yaml', '--set', 'device=cuda:1', '--estimate', '--nproc', '2'],
      {},
      'device: cuda:1 is one GPU, and 2 processes do not share one: write cuda',
    ],
    [['train', 'recipe.yaml', '--nproc', '1000000'], {}, 'must be a whole number from 1 to 256'],
    ...['run', 'study', 'evaluate'].map((command): [string[], Record<string, string>, string] => [
      [command, 'recipe.yaml'],
      { RANK: '0', WORLD_SIZE: '2', MASTER_PORT: '29500' },
      `${command}: a launcher has started 2 processes (WORLD_SIZE), and only \`redistill train\` divides`,
    ]),
  ])('refuses %o', async (args, launched, message) => {
    const cwd = runIn(`refused-${++refused}`, { objective: 'sft' });
    const { code, stderr } = await redistill(args, { cwd, env: { ...env, ...launched } });
    expect(code, stderr).toBe(2);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toContain(message);
    expect(readdirSync(cwd)).toEqual(['recipe.yaml']);
  });

  it('is refused within a launcher that has started processes itself', async () => {
    const cwd = runIn('twice', { objective: 'sft' });
    const launched = { RANK: '1', WORLD_SIZE: '2', MASTER_PORT: '29500' };
    const { code, stderr } = await redistill(start(cwd, 2), { cwd, env: { ...env, ...launched } });
    expect(code).toBe(2);
    expect(stderr).toContain('a launcher has started this one as rank 1 of 2');
    expect(readdirSync(cwd)).toEqual(['recipe.yaml']);
  });
});

describe('--nproc of what trains in stages', () => {
  const keys = { objective: 'redi', max_steps: 3 };
  const inTwo = (text: string) => text.match(/in the first of 2 processes/g)?.length;
  /** Writes what is around a stage that trains as `runIn` has it. */
  const staged = (name: string, around: (student: object) => object): string => {
    const cwd = runIn(name, keys);
    const recipe = parseYaml(readFileSync(join(cwd, 'recipe.yaml'), 'utf8')) as object;
    const student = { name: 'student', stage: 'train', ...recipe, out: undefined };
    writeFileSync(join(cwd, 'staged.yaml'), toYaml({ out: 'out', ...around(student) }));
    return cwd;
  };

  it('a pipeline trains as `train --nproc` does, and is done for any number', async () => {
    const own = runIn('own-stage', keys);
    await trained(own, 2);
    const cwd = staged('pipeline', (student) => ({ stages: [student] }));
    const { code, stderr } = await redistill(['run', 'staged.yaml', '--nproc', '2'], { cwd, env });
    expect(code, stderr).toBe(0);
    expect(inTwo(stderr)).toBe(1);
    const metrics = (path: string) => readFileSync(join(path, 'metrics.jsonl'), 'utf8');
    expect(metrics(join(cwd, 'out/student'))).toBe(metrics(join(own, 'run')));
    const again = await redistill(['run', 'staged.yaml'], { cwd, env });
    expect(again.stderr).toContain('student: unchanged, skipped');
  });

  it('a study trains all its arms so', async () => {
    writeRows(path('problems.jsonl'), [{ problem: '1+1?', answer: 2 }]);
    const problems = { data: '../problems.jsonl', sampling: { max_tokens: 2 } };
    const cwd = staged('study', (student) => ({
      ...{ seeds: [1], control: 'redi', model: '@student', stages: [student], tests: { problems } },
      arms: [
        { name: 'redi' },
        { name: 'less', patch: { student: { objective: { name: 'redi', alpha: 0.2 } } } },
      ],
    }));
    const { code, stderr } = await redistill(['study', 'staged.yaml', '--nproc', '2'], { cwd, env });
    expect(code, stderr).toBe(0);
    expect(inTwo(stderr)).toBe(2);
  });
});

const python = process.env.REDISTILL_ORACLE_PYTHON ?? '';
const torchrun = join(dirname(python), 'torchrun');
const hasTorchrun = python !== '' && existsSync(torchrun);
if (!hasTorchrun)
  console.warn('skipped: training under torchrun, since REDISTILL_ORACLE_PYTHON names no Python with torch');

/** Starts training in two processes as a launcher does. */
function launch(cwd: string): ChildProcessByStdio<null, Readable, Readable> {
  const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
  const launcher = ['--no-python', '--standalone', '--nproc-per-node', '2'];
  return spawn(torchrun, [...launcher, process.execPath, program, 'train', 'recipe.yaml'], {
    ...{ cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  });
}

describe.skipIf(!hasTorchrun)('torchrun', () => {
  it('starts it, and the run is that of --nproc byte for byte', { timeout: 120_000 }, async () => {
    const keys = { objective: 'redi', max_steps: 5 };
    const [own, theirs] = ['own', 'theirs'].map((name) => runIn(name, keys)) as [string, string];
    await trained(own, 2);
    const child = launch(theirs);
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    expect(await once(child, 'close'), await stderr).toEqual([0, null]);
    expect(await stdout).toBe('model: run/model\n');
    // Rank 0 speaks for all.
    expect((await stderr).match(/saved run\/model/g)).toHaveLength(1);
    expect(lasting(theirs)).toEqual(lasting(own));
  });

  it('ends when a rank is killed, which a sentence names', { timeout: 120_000 }, async () => {
    const cwd = runIn('launched-and-killed', { objective: 'sft', max_steps: 100_000 });
    const child = launch(cwd);
    const [ended, stderr] = [once(child, 'close'), text(child.stderr)];
    while (child.exitCode === null && linesIn(cwd).length < 3) await sleep(5);
    const commands = ranksOf(child.pid!);
    expect([...commands.keys()].sort()).toEqual([0, 1]);
    const training = ranksOf(commands.get(1)!).get(1)!;
    process.kill(training, 'SIGKILL');
    const result = await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    expect(result?.[0]).toBe(1);
    expect(await stderr).toContain('rank 1 was killed (SIGKILL)');
    expect([...commands.values()].filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });
});
