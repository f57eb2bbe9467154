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
import { fileURLToPath } from 'node:url';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killedAt } from '../../test/support/killedAt.js';
import {
  Cli,
  contents,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type StartOptions,
} from '../../test/support/tinyModel.js';
import { Random } from '../util/random.js';

/** Kills of each command; REDISTILL_KILLS=60 for more. */
const KILLS = Number(process.env.REDISTILL_KILLS ?? 4);
/** All commands are killed side by side, and each kill is followed by a run to the end. */
const timeout = 300_000 + 60_000 * KILLS;

const root = mkdtempSync(join(tmpdir(), 'redistill-kills-'));
const path = (...names: string[]) => join(root, ...names);
const gguf = fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url));

beforeAll(() => {
  writeTinyModel(path('model'));
  for (const [name, shift] of [
    ['old', 1],
    ['new', 7],
  ] as const) {
    const numbers = Array.from({ length: 300 }, (_, i) => i + shift);
    writeRows(
      path(`${name}.traces.jsonl`),
      numbers.map((i) => ({
        ...{ problem: `What is ${i}+1?`, answer: String(i + 1), correct: [true, false] },
        generations: [`It is ${i + 1}.`, `It is ${i + 3}.`],
      })),
    );
    writeRows(
      path(`${name}.pairs.jsonl`),
      numbers.map((i) => ({ chosen: turns(`${i}+1?`, `${i + 1}`), rejected: turns(`${i}+1?`, `${i + 3}`) })),
    );
    writeRows(
      path(`${name}.prompts.jsonl`),
      numbers.slice(0, 60).map((i) => ({ problem: `What is ${i}+1?` })),
    );
    const stages = [
      { name: 'curated', stage: 'curate', data: path(`${name}.traces.jsonl`), length_filter: false },
      { name: 'scores', stage: 'score', model: path('model'), data: '@curated/pref.jsonl' },
    ];
    writeFileSync(path(`${name}.yaml`), toYaml({ out: 'set by the command line', stages }));
  }
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

type Which = 'old' | 'new';
const model = ['--model', path('model')];
/** The commands with the folder in which their results are. */
const commands: [string, (which: Which, dir: string) => string[]][] = [
  [
    'score',
    (which, dir) => [
      'score',
      ...model,
      '--data',
      path(`${which}.pairs.jsonl`),
      '--out',
      join(dir, 's.jsonl'),
    ],
  ],
  [
    'columns',
    (which, dir) => [
      ...['columns', path(`${which}.pairs.jsonl`), ...model, '--as', 'teacher'],
      ...['--out', join(dir, 'c.jsonl')],
    ],
  ],
  [
    'generate',
    (which, dir) => [
      ...['generate', ...model, '--dtype', 'f32', '--max-tokens', '6'],
      ...['--prompts', path(`${which}.prompts.jsonl`), '--out', join(dir, 'g.jsonl')],
    ],
  ],
  [
    'doctor',
    (which, dir) => [
      ...['doctor', path(`${which}.pairs.jsonl`), ...model, '--html', join(dir, 'd.html')],
      ...['--out', join(dir, 'd.jsonl')],
    ],
  ],
  [
    'verify',
    (which, dir) => [
      'verify',
      path(`${which}.traces.jsonl`),
      '--threads',
      '1',
      '--out',
      join(dir, 'v.jsonl'),
    ],
  ],
  [
    'curate',
    (which, dir) => ['curate', path(`${which}.traces.jsonl`), '--no-length-filter', '--out', join(dir, 'c')],
  ],
  ['run', (which, dir) => ['run', path(`${which}.yaml`), '--set', `out=${join(dir, 'r')}`]],
];

/** What a run leaves, without its account of itself. */
function results(dir: string): Record<string, string> {
  const account = /(^|\/)(redistill\.json|stages\.json|recipe\.yaml|report\.html)$/;
  return Object.fromEntries(Object.entries(contents(dir)).filter(([name]) => !account.test(name)));
}

/** What a killed run leaves, and none that has come to its end. */
const isRubbish = (name: string): boolean =>
  /\.tmp$|\.previous|\.partial|\.curate-spool|\.scratch-|\.part$|\.begun$/.test(name);
/** What these have begun goes on with the same input, and is refused to another. */
const goOn = ['generate'];

describe.concurrent.each(commands)('%s, killed at random moments', (name, args) => {
  it('leaves whole results of one run, and the next run clears away what is left', { timeout }, async () => {
    const random = new Random(name.length);
    const whole = {} as Record<Which, Record<string, string>>;
    let longest = 0;
    for (const which of ['old', 'new'] as const) {
      mkdirSync(path(name, which), { recursive: true });
      const begun = performance.now();
      const done = await redistill(args(which, path(name, which)));
      expect(done, done.stderr).toMatchObject({ code: 0 });
      longest = performance.now() - begun;
      whole[which] = results(path(name, which));
    }
    expect(whole.old).not.toEqual(whole.new);
    const dir = path(name, 'killed');
    mkdirSync(dir);
    const again = await redistill(args('old', dir));
    expect(again, again.stderr).toMatchObject({ code: 0 });
    for (let kill = 0; kill < KILLS; kill++) {
      const cli = new Cli(args(kill % 2 === 0 || goOn.includes(name) ? 'new' : 'old', dir));
      await sleep(longest * (0.3 + 0.8 * random.nextFloat()));
      await cli.stop('SIGKILL');
      const left = results(dir);
      // A stage that is under way has its earlier result beside it.
      const stages = name === 'run' ? ['r/curated', 'r/scores'] : [''];
      for (const stage of stages) {
        const part = (all: Record<string, string>, at: string) =>
          Object.fromEntries(
            Object.entries(all)
              .filter(([file]) => file.startsWith(at) && (at === stage || file.startsWith(`${at}/`)))
              .map(([file, digest]): [string, string] => [file.slice(at.length), digest])
              .filter(([file]) => !isRubbish(file)),
          );
        const places = stage === '' ? [''] : [`${stage}/`, `${stage}.previous/`];
        const found = places.map((at) => JSON.stringify(part(left, at)));
        const known = [whole.old, whole.new].map((all) =>
          JSON.stringify(part(all, stage === '' ? '' : `${stage}/`)),
        );
        expect(
          known.some((state) => found.includes(state)),
          `after kill ${kill} of ${stage}: ${found.join(' | ')}`,
        ).toBe(true);
      }
    }
    const last = await redistill(args('new', dir));
    expect(last, last.stderr).toMatchObject({ code: 0 });
    expect(results(dir)).toEqual(whole.new);
    expect(readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(isRubbish)).toEqual([]);
  });
});

it('run, killed before any file is removed, can be run again', { timeout }, async () => {
  const run = (which: Which, dir: string, options?: StartOptions) =>
    redistill(['run', path(`${which}.yaml`), '--set', `out=${dir}`], options);
  await run('old', path('removed-old'));
  await run('new', path('removed-new'));
  const whole = results(path('removed-new'));
  let kills = 0;
  for (; ; kills++) {
    const dir = path(`removed-${kills}`);
    cpSync(path('removed-old'), dir, { recursive: true });
    const { signal } = await run('new', dir, killedAt(kills, ['unlinkSync']));
    const last = await run('new', dir);
    expect(last, `after kill ${kills}: ${last.stderr}`).toMatchObject({ code: 0 });
    expect(results(dir)).toEqual(whole);
    if (signal !== 'SIGKILL') break;
  }
  expect(kills).toBeGreaterThan(5);
});

it('evaluate, killed at random moments, comes to what an undisturbed run comes to', { timeout }, async () => {
  const random = new Random(2);
  const problems = path('problems.jsonl');
  writeRows(
    problems,
    Array.from({ length: 80 }, (_, i) => ({ problem: `What is ${i}+1?`, answer: String(i + 1) })),
  );
  const args = (dir: string) => [
    ...['evaluate', ...model, '--data', problems, '--dtype', 'f32', '--max-tokens', '40'],
    ...['--samples', '4', '--temperature', '1', '--batch-size', '8', '--out', path(dir)],
  ];
  const result = (dir: string) =>
    ['samples.jsonl', 'summary.json'].map((name) => readFileSync(path(dir, name), 'utf8'));
  const begun = performance.now();
  const sound = await redistill(args('evaluated'));
  expect(sound, sound.stderr).toMatchObject({ code: 0 });
  const longest = performance.now() - begun;
  const whole = result('evaluated');
  let found = 0; // runs that found answers of one that was killed
  for (let kill = 0; kill < KILLS; kill++) {
    const dir = 'evaluated-again';
    if (existsSync(path(dir, 'summary.json'))) {
      expect(result(dir)).toEqual(whole);
      rmSync(path(dir), { recursive: true });
    }
    const cli = new Cli(args(dir));
    await sleep(longest * (0.3 + 0.7 * random.nextFloat()));
    await cli.stop('SIGKILL');
    found += Number(existsSync(path(dir, 'journal.jsonl')) && !existsSync(path(dir, 'summary.json')));
  }
  const last = await redistill(args('evaluated-again'));
  expect(last, last.stderr).toMatchObject({ code: 0 });
  expect(result('evaluated-again')).toEqual(whole);
  expect(found).toBeGreaterThan(0);
});

it('models get, killed at random moments, leaves a whole model or none', { timeout }, async () => {
  const random = new Random(1);
  const start = (cache: string) =>
    new Cli(['models', 'get', gguf, '--json'], { env: { XDG_CACHE_HOME: cache } });
  const models = (cache: string) => join(cache, 'redistill', 'models');
  const begun = performance.now();
  const sound = await start(path('sound')).finished;
  expect(sound, sound.stderr).toMatchObject({ code: 0 });
  const longest = performance.now() - begun;
  const whole = contents(models(path('sound')));
  for (let kill = 0; kill < KILLS; kill++) {
    const cli = start(path('cache'));
    await sleep(longest * (0.3 + 0.8 * random.nextFloat()));
    await cli.stop('SIGKILL');
    if (!existsSync(models(path('cache')))) continue;
    const left = Object.entries(contents(models(path('cache')))).filter(
      ([name]) => !/\.lock$|\.scratch-/.test(name), // the next run takes the lock over and removes the scratch
    );
    for (const [name, digest] of left) expect(digest, name).toBe(whole[name]);
    const weights = left.filter(([name]) => name.endsWith('.safetensors'));
    if (weights.length > 0) expect(Object.fromEntries(left)).toEqual(whole);
  }
  const last = await start(path('cache')).finished;
  expect(last, last.stderr).toMatchObject({ code: 0 });
  expect(contents(models(path('cache')))).toEqual(whole);
});
