import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify as toYaml } from 'yaml';
import { afterAll, expect, it } from 'vitest';
import { TeacherServer } from '../../test/support/teacherServer.js';
import { redistill, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-output-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const path = (...names: string[]) => join(root, ...names);
const model = writeTinyModel(path('tiny'));
const problems = writeRows(path('problems.jsonl'), [{ problem: '2+2?', answer: '4' }]);
const messages = writeRows(path('messages.jsonl'), Array(600).fill({ messages: turns('2+2?', '4') }));

const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));
/** A shell's line in which `$R` is the command line. */
function shell(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn('bash', ['-c', line], {
    env: { ...process.env, R: `${process.execPath} ${program}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

const talkative: [string, string][] = [
  ['help', '--help'],
  ['the help of a command', 'train --help'],
  ['version', '--version'],
  ['verify', 'verify --gold 1 --pred 1'],
  ['verify --json', 'verify --gold 1 --pred 1 --json'],
  ['score', `score --model ${model} --data ${messages} --tokens`],
  ['models inspect', `models inspect ${model}`],
];

it.each(talkative)('%s ends in silence where nobody reads on', async (_, args) => {
  const { stdout, stderr } = await shell(`{ $R ${args}; echo "ended with $?" >&2; } | true`);
  expect(stdout).toBe('');
  expect(stderr.replace(/^score: .*\n/gm, '')).toMatch(/^ended with (141|0)\n$/);
});

it('the first lines can be had', async () => {
  const { stdout, stderr } = await shell(
    `set -o pipefail; $R ${talkative[5]![1]} | head -2 | wc -l; echo $?`,
  );
  expect(stdout).toBe('2\n141\n');
  expect(stderr).not.toMatch(/EPIPE|at |Error/);
});

it.each(talkative)('%s says that standard output is full', async (_, args) => {
  const { code, stderr } = await shell(`$R ${args} > /dev/full`);
  expect(code).toBe(1);
  expect(stderr.replace(/^score: .*\n/gm, '')).toBe(
    'error: standard output cannot be written: there is no space left\n',
  );
});

it('nobody has to hear what is said on standard error', async () => {
  const { code, stdout } = await shell('$R verify --gold 1 --pred 1 2> /dev/full');
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('right') as string });
  expect((await shell('$R train absent.yaml 2> /dev/full')).code).toBe(2);
  expect((await shell('$R train absent.yaml 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}')).code).toBe(2);
});

// Node 20 follows no links to packages once it has looked at a pipe; what is needed must have been loaded before.
// Standard output goes elsewhere: Node makes it non-blocking, and cat, which would share it, cannot write to such a pipe when it is full.
it.each([
  ['score', `score --data ${messages}`, 600],
  ['generate', `generate --max-tokens 2 --prompts ${problems}`, 1],
])('%s writes into a pipe where packages are links', async (_, args, rows) => {
  const source = fileURLToPath(new URL('../..', import.meta.url));
  const installed = mkdtempSync(path('installed-'));
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(source, name), join(installed, name), { recursive: true });
  for (const name of ['native', 'node_modules']) symlinkSync(join(source, name), join(installed, name));
  const { stdout, stderr } = await shell(
    `${process.execPath} ${installed}/bin/redistill.js ${args} --model ${model} --out >(cat) >/dev/null`,
  );
  expect(stdout.split('\n'), stderr).toHaveLength(rows + 1);
});

const ESC = '\u001B]0;pwned\u0007\u001B[31m\u001B[2K\r\u202E\u009B1m';
/** What a terminal obeys: control characters but for tab and newline, and turned directions. */
const OBEYED = /(?![\t\n])[\p{Cc}\u202E]/u;

it.each<[string, (dir: string) => string[] | Promise<string[]>]>([
  ['an answer', () => ['verify', '--gold', '1', '--pred', `\\boxed{${ESC}5}`]],
  ['an answer as JSON', () => ['verify', '--gold', '1', '--pred', `\\boxed{${ESC}5}`, '--json']],
  ['an unknown option', () => ['verify', `--${ESC}`]],
  ['an unknown command', () => [ESC]],
  ['a choice', () => ['verify', '--preset', ESC]],
  ['a file name', () => ['score', '--model', model, '--data', `absent${ESC}.jsonl`]],
  ['a model', () => ['models', 'inspect', ESC]],
  [
    'a label',
    async (dir) => {
      await redistill(['evaluate', problems, '--model', model, '--max-tokens', '4', '--out', join(dir, 'a')]);
      return ['table', `${ESC}=${join(dir, 'a')}`];
    },
  ],
  [
    'a line that is not JSON',
    (dir) => {
      writeFileSync(join(dir, 'bad.jsonl'), `{"prompt": ${ESC}}\n`);
      return ['score', '--model', model, '--data', join(dir, 'bad.jsonl')];
    },
  ],
  [
    'what a template says',
    (dir) => {
      const student = writeTinyModel(join(dir, 'student'));
      writeFileSync(join(student, 'chat_template.jinja'), `{{ raise_exception('${ESC}') }}`);
      return ['score', '--model', student, '--data', messages];
    },
  ],
  [
    'a kind of model',
    (dir) => {
      const student = writeTinyModel(join(dir, 'student'), { model_type: ESC });
      return ['models', 'inspect', student];
    },
  ],
  [
    'a problem and its answer',
    (dir) => {
      const rows = writeRows(join(dir, 'hostile.jsonl'), [{ problem: `2+2${ESC}?`, answer: '4' }]);
      const stage = { name: 'a', stage: 'evaluate', model, data: rows, sampling: { max_tokens: 4 } };
      const recipe = join(dir, 'p.yaml');
      writeFileSync(recipe, toYaml({ out: join(dir, 'run'), stages: [stage] }));
      return ['run', recipe];
    },
  ],
  [
    'the name of a stage',
    (dir) => {
      const recipe = join(dir, 'p.yaml');
      writeFileSync(recipe, toYaml({ out: join(dir, 'run'), stages: [{ name: ESC, stage: 'doctor' }] }));
      return ['run', recipe];
    },
  ],
])('%s does not steer the terminal', async (_, args) => {
  const dir = path(`hostile-${++folders}`);
  mkdirSync(dir);
  const { stdout, stderr } = await redistill(await args(dir));
  expect(stdout + stderr).not.toMatch(OBEYED);
  // The verifier reads control characters as blanks, but not all of them.
  expect(stdout + stderr).toMatch(/‹U\+00[19]B›|\\u00[19]b/);
});
let folders = 0;

it.each<[string, number, string]>([
  ['an error', 400, JSON.stringify({ error: { message: `no ${ESC}` } })],
  ['a page', 503, `<html><title>${ESC}</title></html>`],
  [
    'the reason of an end',
    200,
    JSON.stringify({ choices: [{ message: { content: ESC }, finish_reason: ESC }] }),
  ],
  ['an event', 200, `event: thread.x\ndata: ${ESC}\n\n`],
])('%s of an endpoint does not steer the terminal', async (_, status, error) => {
  const server = new TeacherServer({
    answer: () => ({ content: '4' }),
    fault: () => ({
      status,
      error,
      ...(error.startsWith('event') && { headers: { 'content-type': 'text/event-stream' } }),
    }),
  });
  const url = await server.listen();
  const out = path(`asked-${++folders}`);
  const asking = ['--base-url', url, '--model', 'm', '--retries', '0', '--out', out];
  const { stdout, stderr } = await redistill(['collect', problems, ...asking]);
  await server.close();
  expect(stdout + stderr).not.toMatch(OBEYED);
  expect(existsSync(out)).toBe(true);
});

it('a fault of ours is a sentence, and its place is shown when it is asked for', async () => {
  // A type that no code of ours expects here: commander's own arguments cannot bring one about.
  const lines = `await import('${fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))}'); setTimeout(() => { null.x; }, 0);`;
  const run = (...args: string[]) =>
    shell(`${process.execPath} --input-type=module -e "${lines}" -- redistill ${args.join(' ')} --version`);
  const quiet = await run();
  expect(quiet.code).toBe(1);
  expect(quiet.stderr).toMatch(
    /^error: this is a fault of redistill: Cannot read .*--debug shows where.*\n$/,
  );
  expect((await run('--debug')).stderr).toMatch(/\n {4}at /);
});
