import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TeacherServer } from '../support/teacherServer.js';
import { redistill } from '../support/tinyModel.js';
import { prepare } from './prepare.js';
import { checkCommand, checkOwn } from './check.js';
import { NOT_OURS, NOT_RUN } from './notRun.js';
import { blocksOf, containersOf, pages, root } from './pages.js';

const work = mkdtempSync(join(tmpdir(), 'redistill-docs-'));
const bin = join(work, 'bin');
const prepared = join(work, 'prepared');
/** Programs of the system that blocks may use. */
const SYSTEM = ['bash', 'cat', 'mkdir', 'head', 'env', 'sleep', 'hostname'];
const used = new Set<string>();
/** Commands that containers start, in blocks of YAML. */
const containers = new Set<string>();

/** A right answer to every other request, a wrong one to the others, and yes to a judge. */
let asked = 0;
const server = new TeacherServer({
  answer: ({ prompt }) => {
    const [, a, b] = /(\d+) ?\+ ?(\d+)/.exec(prompt) ?? ['', '0', '0'];
    const sum = Number(a) + Number(b) + (asked++ % 2);
    return { content: `The sum is \\boxed{${sum}}.` };
  },
});
let endpoint = '';

/** A program that writes down what it was given, and then runs the command if it is one of ours that is run. */
function standIn(program: string, folder = bin): void {
  const path = join(folder, program);
  writeFileSync(
    path,
    `#!${process.execPath}
let args = process.argv.slice(2);
let program = ${JSON.stringify(program)};
if (program === 'node' && args[0] === 'bin/redistill.js') [program, args] = ['redistill', args.slice(1)];
require('node:fs').appendFileSync(process.env.CALLS, JSON.stringify([program, ...args]) + '\\n');
if (program === 'redistill' && !JSON.parse(process.env.NOT_RUN).includes(['redistill', ...args].join(' '))) {
  const own = args.map((arg) => (arg === 'http://127.0.0.1:8000/v1' ? process.env.ENDPOINT : arg));
  const run = require('node:child_process').spawnSync(process.execPath, [${JSON.stringify(join(root, 'bin/redistill.js'))}, ...own], { stdio: 'inherit' });
  const cannotTell = args[0] === 'compare' && run.status === 3;
  process.exit(cannotTell ? 0 : (run.status ?? 1));
}
`,
  );
  chmodSync(path, 0o755);
}

beforeAll(async () => {
  mkdirSync(bin);
  for (const program of ['redistill', 'node', ...Object.keys(NOT_OURS)]) standIn(program);
  // The environment beside the repository that CONTRIBUTING.md makes.
  const oracle = join(work, 'oracle', 'bin');
  mkdirSync(oracle, { recursive: true });
  for (const program of ['pip', 'python']) standIn(program, oracle);
  for (const program of SYSTEM) {
    const path = ['/usr/bin', '/bin'].map((folder) => join(folder, program)).find(existsSync);
    if (path !== undefined) symlinkSync(path, join(bin, program));
  }
  endpoint = await server.listen();
  await prepare(prepared);
});
afterAll(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

interface Ran {
  code: number;
  output: string;
  calls: string[][];
}

/** Runs a block in a folder. */
async function runBlock(script: string, folder: string): Promise<Ran> {
  const calls = join(work, `calls-${Math.random()}`);
  const env = {
    ...{ PATH: bin, HOME: process.env.HOME, OMP_NUM_THREADS: '1', LANG: 'C.UTF-8' },
    ...(process.env.XDG_CACHE_HOME !== undefined && { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
    ...{ CALLS: calls, ENDPOINT: endpoint, NOT_RUN: JSON.stringify(Object.keys(NOT_RUN)) },
  };
  const { code, output } = await new Promise<Omit<Ran, 'calls'>>((resolve) => {
    const child = execFile(
      '/bin/bash',
      ['--norc', '-euo', 'pipefail', '-c', script],
      { cwd: folder, env },
      (error, out, errors) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: out + errors });
      },
    );
    child.stdin?.end();
  });
  const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  return { code, output, calls: lines.map((line) => JSON.parse(line) as string[]) };
}

describe.concurrent('every command of', () => {
  test.each(pages().filter((page) => blocksOf(page).length > 0))('%s', async (page) => {
    const folder = join(work, page.replaceAll('/', '-'));
    cpSync(prepared, folder, { recursive: true, verbatimSymlinks: true });
    for (const command of containersOf(page)) {
      containers.add(command[0]!);
      await checkCommand(command, folder);
    }
    for (const { line, script } of blocksOf(page)) {
      const { code, output, calls } = await runBlock(script, folder);
      expect(code, `${page}:${line}\n${script}\n${output}`).toBe(0);
      for (const [program, ...args] of calls) {
        const words = [program, ...args].join(' ');
        used.add(program === 'redistill' ? words : program!);
        try {
          // What another program starts: a profiler, a launcher.
          const started = args.findIndex((arg) => arg === 'redistill' || arg === 'bin/redistill.js') + 1;
          if (program! in NOT_OURS && started > 0) await checkCommand(args.slice(started), folder);
          else if (program !== 'redistill') checkOwn([program!, ...args]);
          else if (words in NOT_RUN) await checkCommand(args, folder);
        } catch (error) {
          throw new Error(`${page}:${line}: ${words}`, { cause: error });
        }
      }
    }
  });
});

test('nothing is listed as not run that no document has', () => {
  const listed = [...Object.keys(NOT_RUN), ...Object.keys(NOT_OURS)];
  expect(listed.filter((words) => !used.has(words))).toEqual([]);
  expect([...containers].sort()).toEqual(['collect', 'train']);
});

test('a misspelled option, an unknown command and an unknown program fail', async () => {
  mkdirSync(join(work, 'wrong'));
  for (const script of ['redistill curate --ruel redi', 'redistill trian recipe.yaml', 'npx-redistill'])
    expect((await runBlock(script, join(work, 'wrong'))).code, script).not.toBe(0);
  await expect(checkCommand(['train', 'recipes/redi.yaml', '--set', 'optimizer.rl=1'])).rejects.toThrow('rl');
  await expect(checkCommand(['serve', '--model', './student', '--prot', '1'])).rejects.toThrow('--prot');
  expect((await redistill(['--version'])).code).toBe(0);
});
