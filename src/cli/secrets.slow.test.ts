import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { HubServer, type HubFault } from '../../test/support/hubServer.js';
import { TeacherServer, type Fault, type TeacherRequest } from '../../test/support/teacherServer.js';
import { redistill, writeRows } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-secrets-'));
const servers: TeacherServer[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(root, { recursive: true });
});

const NAMES = ['Environment', 'Query', 'Field', 'Header', 'Deep', 'Organisation', 'Custom'] as const;
/** All begin alike, so that none is missed. Words that a URL and JSON write in another way are in some. */
const SECRET = Object.fromEntries(NAMES.map((name) => [name, `hunter2${name}/+"x`])) as Record<
  (typeof NAMES)[number],
  string
>;
const ENVIRONMENT = {
  TEACHER_KEY: SECRET.Environment,
  OPENAI_API_KEY: SECRET.Environment,
  OPENAI_ORG_ID: `${SECRET.Organisation}\nmore`,
  OPENAI_CUSTOM_HEADERS: `x: ${SECRET.Custom}\r\ny`,
};
const BODY = {
  api_key: SECRET.Field,
  extra_headers: { Authorization: `Bearer ${SECRET.Header}` },
  options: [{ auth: { user: SECRET.Deep } }],
};

/** Repeats everything that it was sent. */
const echo = ({ headers, body, path }: TeacherRequest): string =>
  JSON.stringify({ headers, ...body, messages: undefined, path }) + decodeURIComponent(path);

/** What befalls the requests, and whether the command is to succeed. */
const PATHS: Record<string, { fault?: (request: TeacherRequest) => Fault; code: number }> = {
  success: { code: 0 },
  refusal: { fault: (asked) => ({ status: 400, error: { message: echo(asked) } }), code: 1 },
  'a wrong key': { fault: (asked) => ({ status: 401, error: echo(asked) }), code: 2 },
  'no model': { fault: (asked) => ({ status: 404, error: { message: echo(asked) } }), code: 2 },
  redirection: {
    fault: (asked) => ({
      status: 307,
      headers: { location: `http://${encodeURIComponent(SECRET.Field)}@h.example${asked.path}` },
    }),
    code: 2,
  },
  'server trouble': { fault: (asked) => ({ status: 500, error: echo(asked) }), code: 1 },
  'an odd answer': { fault: (asked) => ({ status: 200, error: echo(asked) }), code: 1 },
  'an odd end': {
    fault: (asked) => ({
      status: 200,
      error: JSON.stringify({
        choices: [{ message: { content: '4' }, finish_reason: echo(asked) }],
      }) as never,
    }),
    code: 0,
  },
};

async function withServer(path: keyof typeof PATHS): Promise<string> {
  const { fault } = PATHS[path]!;
  const server = new TeacherServer({
    answer: () => ({ content: '{"verdict": "correct", "explanation": "4"}' }),
    ...(fault && { fault: (_, asked) => fault(asked) }),
  });
  servers.push(server);
  const url = await server.listen();
  return `${url}?key=${encodeURIComponent(SECRET.Query)}`;
}

/** The texts of all files below a folder, by their names. */
function filesOf(dir: string): [string, string][] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => [path, readFileSync(path, 'latin1')]);
}

let folders = 0;
type Command = (url: string, dir: string, problems: string) => string[];
const COMMANDS: Record<string, Command> = {
  collect: (url, dir, problems) => [
    ...['collect', problems, '--model', 'm', '--base-url', url, '--api-key-env', 'TEACHER_KEY'],
    ...['--extra-body', JSON.stringify(BODY), '--retries', '0', '--out', join(dir, 'out')],
  ],
  evaluate: (url, dir, problems) => [
    ...['--debug', 'evaluate', problems, '--model', 'm', '--base-url', url],
    ...['--extra-body', JSON.stringify(BODY), '--retries', '0', '--out', join(dir, 'out')],
  ],
  'verify --judge': (url, dir) => [
    ...['verify', writeRows(join(dir, 'in.jsonl'), [{ problem: '2+2?', gold: '4', pred: '4' }])],
    ...['--judge', '--base-url', url, '--judge-model', 'm', '--judge-key-env', 'TEACHER_KEY'],
    ...['--retries', '0', '--out', join(dir, 'out.jsonl')],
  ],
  run: (url, dir, problems) => {
    const sampling = { extra_body: BODY };
    const stage = {
      name: 'a',
      stage: 'collect',
      data: problems,
      model: 'm',
      base_url: url,
      sampling,
      retries: 0,
    };
    const recipe = join(root, `recipe-${++folders}.yaml`);
    writeFileSync(recipe, toYaml({ out: join(dir, 'run'), stages: [stage] }));
    return ['run', recipe];
  },
};

const CASES = Object.keys(COMMANDS).flatMap((command) =>
  Object.keys(PATHS).map((path): [string, string] => [command, path]),
);

it.each(CASES)('%s, %s: no secret is printed or stored', async (command, path) => {
  const dir = mkdtempSync(join(root, 'case-'));
  const problems = writeRows(join(dir, 'problems.jsonl'), [{ problem: '2+2?', answer: '4' }]);
  const { code, stdout, stderr } = await redistill(
    COMMANDS[command]!(await withServer(path), dir, problems),
    { env: ENVIRONMENT },
  );
  expect(code, stderr).toBe(PATHS[path]!.code);
  for (const [name, text] of [['output', stdout], ['errors', stderr], ...filesOf(dir)])
    expect(text, name).not.toMatch(/hunter2/i);
});

it.each<[string, string[], Record<string, string>?]>([
  ['a key in place of its name', ['--api-key-env', 'hunter2-itself']],
  ['a key as an option', ['--api-key=hunter2']],
  ['a body that is no JSON', ['--extra-body', '{"api_key": "hunter2"']],
  ['a key of two lines', ['--api-key-env', 'TEACHER_KEY'], { TEACHER_KEY: 'hunter2\nhunter2' }],
  ['a password in the URL', ['--base-url', 'http://user:hunter2@127.0.0.1:9/v1']],
  ['a URL that is none', ['--base-url', 'user:hunter2@127.0.0.1/v1?key=hunter2']],
])('%s is refused without repeating it', async (_, flags, env = {}) => {
  const problems = writeRows(join(root, 'few.jsonl'), [{ problem: '2+2?', answer: '4' }]);
  const out = join(root, 'refused');
  const named = flags.includes('--base-url') ? [] : ['--base-url', 'http://127.0.0.1:9/v1'];
  const args = ['collect', problems, '--model', 'm', ...named, '--retries', '0', '--out', out, ...flags];
  const { code, stdout, stderr } = await redistill(args, { env });
  expect(code, stderr).toBe(2);
  expect(stdout + stderr).not.toContain('hunter2');
});

describe('models get', () => {
  const FILES = new Map([['config.json', Buffer.from('{}')]]);
  const TOKEN = 'hf_hunter2';

  it.each<[string, Partial<Record<'HF_TOKEN' | 'HF_ENDPOINT', string>>]>([
    ['a user and a password in the address', { HF_ENDPOINT: 'http://hunter2:hunter2@127.0.0.1:9' }],
    ['a key in the address', { HF_ENDPOINT: 'http://127.0.0.1:9/?key=hunter2' }],
    ['a fragment in the address', { HF_ENDPOINT: 'http://127.0.0.1:9/#hunter2' }],
    ['an address that is none', { HF_ENDPOINT: 'hunter2@127.0.0.1?key=hunter2' }],
    ['a token of another kind', { HF_TOKEN: 'hunter2' }],
    ['a token of two lines', { HF_TOKEN: `${TOKEN}\nhunter2` }],
    ['a hub that is not there', { HF_ENDPOINT: 'http://127.0.0.1:9', HF_TOKEN: TOKEN }],
  ])('%s is not repeated', async (_, env) => {
    const cache = mkdtempSync(join(root, 'cache-'));
    const args = ['--debug', 'models', 'get', 'someone/model', '--out', join(cache, 'out')];
    const { code, stdout, stderr } = await redistill(args, {
      env: { XDG_CACHE_HOME: cache, HF_TOKEN: '', HF_ENDPOINT: 'http://127.0.0.1:9', ...env },
    });
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/^error: /m);
    for (const [name, text] of [['output', stdout], ['errors', stderr], ...filesOf(cache)])
      expect(text, name).not.toMatch(/hunter2/i);
  });

  it.each<[string, HubFault]>([
    ['refuses', { status: 401 }],
    ['has trouble', { status: 500 }],
    ['answers with the token', { body: `{"error": "${TOKEN}"}` }],
    ['answers with the token and no JSON', { body: TOKEN }],
  ])('the token is not repeated where the hub %s', async (_, fault) => {
    const hub = new HubServer('someone/model', FILES);
    hub.faults.set('revision', fault);
    const cache = mkdtempSync(join(root, 'cache-'));
    const env = { XDG_CACHE_HOME: cache, HF_TOKEN: TOKEN, HF_ENDPOINT: await hub.listen() };
    const args = ['--debug', 'models', 'get', 'someone/model'];
    const { code, stdout, stderr } = await redistill(args, { env }).finally(() => hub.close());
    expect(code, stderr).toBe(2);
    for (const [name, text] of [['output', stdout], ['errors', stderr], ...filesOf(cache)])
      expect(text, name).not.toMatch(/hunter2/i);
  });
});

it('a folder that an earlier version began goes on, and does not tell what that stored', async () => {
  const dir = mkdtempSync(join(root, 'case-'));
  const problems = writeRows(join(dir, 'problems.jsonl'), [{ problem: '2+2?', answer: '4' }]);
  const url = await withServer('success');
  const args = COMMANDS.collect!(url, dir, problems);
  expect((await redistill(args, { env: ENVIRONMENT })).code).toBe(0);
  const journal = join(dir, 'out', 'journal.jsonl');
  const stored = readFileSync(journal, 'utf8');
  expect(stored).toContain('"api_key":"***"');
  writeFileSync(journal, stored.replace('"api_key":"***"', '"api_key":"hunter2 of old"'));
  const { code, stderr } = await redistill([...args, '--temperature', '1'], { env: ENVIRONMENT });
  expect(code).toBe(2);
  expect(stderr).toContain('temperature (0.6 then, 1 now)');
  expect(stderr).not.toContain('hunter2');
  expect((await redistill(args, { env: ENVIRONMENT })).code).toBe(0);
});
