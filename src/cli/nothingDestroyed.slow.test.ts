import { execFileSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  contents,
  redistill,
  turns,
  writeRows,
  writeTinyModel,
  type Finished,
} from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-destroy-'));
const template = join(root, 'template');

beforeAll(() => {
  mkdirSync(template);
  writeTinyModel(join(template, 'model'));
  const numbers = Array.from({ length: 4 }, (_, i) => i);
  const rows = numbers.map((i) => ({
    ...{
      problem: `What is ${i}+1?`,
      answer: String(i + 1),
      generations: [`It is ${i + 1}.`, `It is ${i + 3}.`],
    },
    correct: [true, false],
  }));
  writeRows(join(template, 'traces.jsonl'), rows);
  writeRows(
    join(template, 'problems.jsonl'),
    rows.map(({ problem, answer }) => ({ problem, answer })),
  );
  writeRows(
    join(template, 'pairs.jsonl'),
    numbers.map((i) => ({ chosen: turns(`${i}+1?`, `${i + 1}`), rejected: turns(`${i}+1?`, `${i + 3}`) })),
  );
  writeFileSync(join(template, 'train.yaml'), `# my notes\n${toYaml(trainKeys)}`);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const trainKeys = {
  ...{
    model: 'model',
    data: 'pairs.jsonl',
    out: 'out',
    objective: { name: 'redi' },
    optimizer: { lr: 1e-3 },
  },
  ...{ batch_size: 2, max_steps: 2, dtype: 'f32', schedule: { warmup_ratio: 0 } },
};
let folders = 0;
/** A folder of the user's, in which commands are run. */
function workplace(): string {
  const dir = join(root, `place-${++folders}`);
  cpSync(template, dir, { recursive: true });
  return dir;
}
const run = (dir: string, args: readonly string[]): Promise<Finished> => redistill(args, { cwd: dir });

/** The commands that write, each with its flags but for the place of the result. */
const commands: Record<string, string[]> = {
  score: ['score', '--model', 'model', '--data', 'pairs.jsonl'],
  columns: ['columns', 'pairs.jsonl', '--model', 'model', '--as', 'teacher'],
  generate: [
    'generate',
    '--model',
    'model',
    '--prompts',
    'problems.jsonl',
    '--max-tokens',
    '4',
    '--dtype',
    'f32',
  ],
  doctor: ['doctor', 'pairs.jsonl', '--model', 'model'],
  verify: ['verify', 'traces.jsonl', '--threads', '1'],
  curate: ['curate', 'traces.jsonl', '--no-length-filter'],
  rewards: ['rewards', 'traces.jsonl'],
  collect: ['collect', 'problems.jsonl', '--model', 'model', '--max-tokens', '4', '--dtype', 'f32'],
  evaluate: ['evaluate', 'problems.jsonl', '--model', 'model', '--max-tokens', '4', '--dtype', 'f32'],
};
const inputOf: Record<string, string> = {
  score: 'pairs.jsonl',
  columns: 'pairs.jsonl',
  doctor: 'pairs.jsonl',
  generate: 'problems.jsonl',
  verify: 'traces.jsonl',
  rewards: 'traces.jsonl',
};

function expectRefused({ code, stderr }: Finished, ...parts: string[]): void {
  expect(code, stderr).toBe(2);
  const lines = stderr.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^error: /);
  for (const part of parts) expect(lines.at(-1)).toContain(part);
}

describe.concurrent('a file that the command reads stays as it is', () => {
  it.each(Object.entries(inputOf))('as --out of %s, by name, link and hard link', async (command, input) => {
    const dir = workplace();
    symlinkSync(input, join(dir, 'link.jsonl'));
    linkSync(join(dir, input), join(dir, 'hard.jsonl'));
    const before = contents(dir);
    const readsModel = commands[command]!.includes('--model');
    for (const out of [input, './link.jsonl', 'hard.jsonl', ...(readsModel ? ['model/config.json'] : [])])
      expectRefused(await run(dir, [...commands[command]!, '--out', out]), 'would be overwritten');
    if (readsModel)
      expectRefused(
        await run(dir, [...commands[command]!, '--out', 'model/new.jsonl']),
        'model/new.jsonl would be added to model',
      );
    expect(contents(dir)).toEqual(before);
    expect(lstatSync(join(dir, 'link.jsonl')).isSymbolicLink()).toBe(true);
  });

  it('as the page of doctor, the table, and what stands beside the result of verify', async () => {
    const dir = workplace();
    cpSync(join(dir, 'traces.jsonl'), join(dir, 'v.quarantine.jsonl'));
    const before = contents(dir);
    expectRefused(await run(dir, [...commands.doctor!, '--html', 'pairs.jsonl']), 'would be overwritten');
    expectRefused(await run(dir, [...commands.doctor!, '--html', 'x', '--out', './x']), 'written twice');
    expectRefused(
      await run(dir, ['verify', 'v.quarantine.jsonl', '--out', 'v.jsonl']),
      'would be overwritten',
    );
    expectRefused(
      await run(dir, [...commands.verify!, '--out', 'v.jsonl']),
      'v.quarantine.jsonl is in the way',
    );
    const judge = ['--judge', '--base-url', 'http://127.0.0.1:9/v1', '--judge-model', 'm'];
    for (const ending of ['judge.jsonl', 'disagreements.md']) {
      const beside = join(dir, `w.${ending}`);
      writeFileSync(beside, 'precious');
      const refused = await run(dir, [...commands.verify!, ...judge, '--out', 'w.jsonl']);
      expectRefused(refused, `w.${ending} is in the way`);
      expect(readFileSync(beside, 'utf8')).toBe('precious');
      rmSync(beside);
    }
    expect(contents(dir)).toEqual(before);
  });

  it('as the quarantine that curate would replace, and any file of its folder', async () => {
    const dir = workplace();
    const curate = (data: string) => run(dir, ['curate', data, '--no-length-filter', '--out', 'c']);
    expect((await curate('traces.jsonl')).code).toBe(0);
    cpSync(join(dir, 'traces.jsonl'), join(dir, 'c/quarantine.jsonl'));
    const before = contents(dir);
    for (const data of ['c/quarantine.jsonl', 'c/pref.jsonl']) expectRefused(await curate(data), data);
    expectRefused(await curate('traces.jsonl'), 'c/quarantine.jsonl is in the way');
    expect(contents(dir)).toEqual(before);
  });

  it('as the model and the recipe of train', async () => {
    const dir = workplace();
    const before = contents(dir);
    for (const out of ['.', './', 'model', '../' + dir.split('/').at(-1)!])
      expectRefused(await run(dir, ['train', 'train.yaml', '--set', `out=${out}`]), 'read by this command');
    cpSync(join(dir, 'train.yaml'), join(dir, 'recipe.yaml'));
    expectRefused(
      await run(dir, ['train', 'recipe.yaml', '--set', 'out=.', '--set', 'model=model']),
      'name another',
    );
    rmSync(join(dir, 'recipe.yaml'));
    expect(contents(dir)).toEqual(before);
  });
});

describe.concurrent('a folder that redistill has not made stays as it is', () => {
  it.each(['curate', 'collect', 'evaluate'])('as --out of %s', async (command) => {
    const dir = workplace();
    mkdirSync(join(dir, 'mine'));
    writeFileSync(join(dir, 'mine/summary.json'), 'precious');
    const before = contents(dir);
    expectRefused(await run(dir, [...commands[command]!, '--out', 'mine']), 'mine was not made by redistill');
    expectRefused(await run(dir, [...commands[command]!, '--out', '.']), 'was not made by redistill');
    expectRefused(await run(dir, [...commands[command]!, '--out', 'train.yaml']), 'train.yaml is a file');
    expect(contents(dir)).toEqual(before);
  });

  it('as a stage of run, and what a user keeps in one that it made', async () => {
    const dir = workplace();
    const stage = {
      name: 'sft',
      stage: 'evaluate',
      model: 'model',
      data: 'problems.jsonl',
      dtype: 'f32',
      sampling: { max_tokens: 4 },
    };
    writeFileSync(join(dir, 'line.yaml'), toYaml({ out: 'mine', stages: [stage] }));
    expect(await run(dir, ['run', 'line.yaml'])).toMatchObject({ code: 0 });
    writeFileSync(join(dir, 'mine/sft/notes.txt'), 'precious');
    writeFileSync(join(dir, 'mine/notes.txt'), 'precious');
    const before = contents(dir);
    expectRefused(await run(dir, ['run', 'line.yaml', '--force']), 'mine/sft/notes.txt is in the way');
    expect(readFileSync(join(dir, 'mine/sft/notes.txt'), 'utf8')).toBe('precious');
    rmSync(join(dir, 'mine/sft/notes.txt'));
    expect(await run(dir, ['run', 'line.yaml', '--force'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'mine/notes.txt'), 'utf8')).toBe('precious');
    mkdirSync(join(dir, 'other/sft'), { recursive: true });
    writeFileSync(join(dir, 'other/sft/notes.txt'), 'precious');
    expectRefused(
      await run(dir, ['run', 'line.yaml', '--set', 'out=other']),
      'other was not made by redistill',
    );
    expectRefused(await run(dir, ['run', 'line.yaml', '--set', 'out=.']), 'was not made by redistill');
    expect(contents(dir)['mine/sft/samples.jsonl']).toBe(before['mine/sft/samples.jsonl']);
  });

  it('as what a user put into a trained model', async () => {
    const dir = workplace();
    expect(await run(dir, ['train', 'train.yaml'])).toMatchObject({ code: 0 });
    writeFileSync(join(dir, 'out/model/model.gguf'), 'precious');
    const before = contents(dir);
    expectRefused(
      await run(dir, ['train', 'train.yaml', '--set', 'seed=7']),
      'out/model/model.gguf is in the way',
    );
    expect(contents(dir)).toEqual(before);
    rmSync(join(dir, 'out/model/model.gguf'));
    expect(await run(dir, ['train', 'train.yaml', '--set', 'seed=7'])).toMatchObject({ code: 0 });
  });
});

describe.concurrent('what is no regular file', () => {
  it.each(Object.keys(inputOf).filter((command) => command !== 'verify'))(
    'is written to by %s',
    async (command) => {
      const dir = workplace();
      writeFileSync(join(dir, 'target'), 'old');
      symlinkSync('target', join(dir, 'link'));
      execFileSync('mkfifo', [join(dir, 'pipe')]);
      const into = (out: string) => run(dir, [...commands[command]!, '--out', out]);
      expect(await into('link')).toMatchObject({ code: 0 });
      const written = readFileSync(join(dir, 'target'), 'utf8');
      expect(written.trimEnd().split('\n').length).toBeGreaterThanOrEqual(4);
      expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
      const [read] = await Promise.all([readFile(join(dir, 'pipe'), 'utf8'), into('pipe')]);
      expect(read).toBe(written);
      expect(statSync(join(dir, 'pipe')).isFIFO()).toBe(true);
      expect(await into('/dev/null')).toMatchObject({ code: 0 });
      expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
      expectRefused(await into('.'), 'is a folder');
      expectRefused(await into(''), 'is empty');
      expectRefused(await into('/proc/never/ends'), 'cannot be used');
    },
  );
});
