import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HubServer } from '../../test/support/hubServer.js';
import { cacheDir, model, problem, setUpCache } from '../../test/support/modelCache.js';
import { readSafetensorsHeader, writeSafetensors } from '../torch/safetensorsFormat.js';
import { getModel } from './get.js';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, statfsSync: vi.fn(fs.statfsSync) };
});
setUpCache();

describe('getModel of a Hugging Face repository', () => {
  let hub: HubServer;

  function readModel(): Map<string, Buffer> {
    return new Map(readdirSync(model).map((name) => [name, readFileSync(join(model, name))]));
  }

  async function start(files: Map<string, Buffer>): Promise<void> {
    hub = new HubServer('owner/tiny', files);
    vi.stubEnv('HF_ENDPOINT', await hub.listen());
    vi.stubEnv('HF_TOKEN', undefined);
  }

  beforeEach(async () => {
    await start(
      new Map([
        ...readModel(),
        ['README.md', Buffer.from('# Tiny')],
        ['pytorch_model.bin', Buffer.alloc(1000)],
        ['LICENSE', Buffer.from('Apache')],
      ]),
    );
  });
  afterEach(() => hub.close());

  it('fetches the files that are needed, once', async () => {
    const seen: number[] = [];
    const progress = {
      update: (done: number, total: number) => seen.push(done / total),
      log: () => undefined,
      finish: () => undefined,
    };
    const found = await getModel('owner/tiny', { cacheDir, progress });
    expect(found).toMatchObject({
      source: 'hub',
      origin: 'owner/tiny@main',
      commit: hub.commit,
      didWork: true,
    });
    expect(readdirSync(found.path).sort()).toEqual(
      [...readdirSync(model), 'LICENSE', 'redistill-source.json'].sort(),
    );
    for (const [name, bytes] of readModel())
      expect(readFileSync(join(found.path, name)).equals(bytes)).toBe(true);
    expect(Math.max(...seen)).toBe(1);
    expect(readdirSync(join(cacheDir, 'hub', 'owner--tiny'))).toEqual(['main']);

    const { requests } = hub;
    expect(await getModel('owner/tiny', { cacheDir, offline: true })).toEqual({ ...found, didWork: false });
    expect(hub.requests).toBe(requests);
    const pinned = await getModel(`owner/tiny@${hub.commit}`, { cacheDir });
    expect(pinned.path).not.toBe(found.path);
  });

  it('asks what a branch is now, and takes the cache where nobody answers', async () => {
    const first = await getModel('owner/tiny', { cacheDir });
    hub.downloads.length = 0;
    expect(await getModel('owner/tiny', { cacheDir })).toEqual({ ...first, didWork: false });
    expect(hub.downloads).toEqual([]);

    hub.commit = 'beef'.padEnd(40, '0');
    hub.files.set('LICENSE', Buffer.from('MIT'));
    const second = await getModel('owner/tiny', { cacheDir });
    expect(second).toEqual({ ...first, commit: hub.commit });
    expect(readFileSync(join(second.path, 'LICENSE'), 'utf8')).toBe('MIT');

    const { requests } = hub;
    const pinned = await getModel(`owner/tiny@${hub.commit}`, { cacheDir });
    expect(hub.requests).toBeGreaterThan(requests);
    hub.requests = 0;
    expect(await getModel(`owner/tiny@${hub.commit}`, { cacheDir })).toEqual({ ...pinned, didWork: false });
    expect(hub.requests).toBe(0);

    const lines: string[] = [];
    const progress = {
      update: () => undefined,
      log: (line: string) => lines.push(line),
      finish: () => undefined,
    };
    hub.faults.set('revision', { status: 503 });
    expect(await getModel('owner/tiny', { cacheDir, progress })).toEqual({ ...second, didWork: false });
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    expect(await getModel('owner/tiny', { cacheDir, progress })).toEqual({ ...second, didWork: false });
    expect(
      lines.filter((line) => line.includes(`taking what is in the cache (commit ${hub.commit})`)),
    ).toHaveLength(2);
  });

  it('fetches all shards of an index', async () => {
    const { entries, dataStart } = readSafetensorsHeader(join(model, 'model.safetensors'));
    const whole = readFileSync(join(model, 'model.safetensors'));
    const folder = join(cacheDir, 'shards');
    mkdirSync(folder);
    const weight_map: Record<string, string> = {};
    for (const half of [0, 1]) {
      const shard = `model-0000${half + 1}-of-00002.safetensors`;
      const part = entries.filter((_, index) => index % 2 === half);
      for (const { name } of part) weight_map[name] = shard;
      writeSafetensors(
        join(folder, shard),
        part.map((entry) => ({
          ...entry,
          bytes: whole.subarray(dataStart + entry.begin, dataStart + entry.end),
        })),
      );
      hub.files.set(shard, readFileSync(join(folder, shard)));
    }
    hub.files.delete('model.safetensors');
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify({ metadata: {}, weight_map })));
    const { path } = await getModel('owner/tiny', { cacheDir });
    expect(readdirSync(path).filter((name) => name.startsWith('model'))).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
  });

  it('goes on where a connection broke', async () => {
    hub.faults.set('model.safetensors', { cutAfter: 40_000, times: 1 });
    const { path } = await getModel('owner/tiny', { cacheDir });
    expect(
      hub.downloads.filter((request) => request.path === 'model.safetensors').map(({ begin }) => begin),
    ).toEqual([0, 40_000]);
    expect(readFileSync(join(path, 'model.safetensors'))).toEqual(
      readFileSync(join(model, 'model.safetensors')),
    );
  });

  it('fetches the template for tools, which is in a folder', async () => {
    const path = 'additional_chat_templates/tool_use.jinja';
    hub.files.set(path, Buffer.from('{{ tools }}'));
    hub.files.set('additional_chat_templates/rag.jinja', Buffer.from('{{ documents }}'));
    const found = await getModel('owner/tiny', { cacheDir });
    expect(readFileSync(join(found.path, path), 'utf8')).toBe('{{ tools }}');
    expect(readdirSync(join(found.path, 'additional_chat_templates'))).toEqual(['tool_use.jinja']);
  });

  it('needs space only for what has not arrived yet', async () => {
    hub.faults.set('model.safetensors', { cutAfter: 10_000 });
    await problem('owner/tiny');
    hub.faults.clear();
    const rest = statSync(join(model, 'model.safetensors')).size - 40_000;
    const disk = (free: number) => {
      vi.mocked(statfsSync).mockReturnValueOnce({ bavail: free, bsize: 1 } as ReturnType<typeof statfsSync>);
    };
    disk(rest - 1);
    expect(await problem('owner/tiny')).toMatch(/ free and owner\/tiny needs about /);
    disk(rest);
    expect(await getModel('owner/tiny', { cacheDir })).toMatchObject({ didWork: true });
  });

  it('goes on in a later call, and has no model until then', async () => {
    hub.faults.set('model.safetensors', { cutAfter: 10_000 });
    expect(await problem('owner/tiny')).toMatch(/cannot reach|run the same command again to go on/);
    expect(existsSync(join(cacheDir, 'hub', 'owner--tiny', 'main'))).toBe(false);
    hub.faults.clear();
    hub.downloads.length = 0;
    await getModel('owner/tiny', { cacheDir });
    expect(hub.downloads).toEqual([{ path: 'model.safetensors', begin: 40_000 }]);
    expect(readdirSync(join(cacheDir, 'hub', 'owner--tiny'))).toEqual(['main']);
  });

  it('tries again after a server error, then says so', async () => {
    hub.faults.set('config.json', { status: 503, times: 1 });
    await getModel('owner/tiny', { cacheDir });
    rmSync(join(cacheDir, 'hub'), { recursive: true });
    hub.faults.set('revision', { status: 500 });
    expect(await problem('owner/tiny')).toMatch(/answered 500 when asked for owner\/tiny: try again later$/);
  });

  it('refuses weights that arrive damaged', async () => {
    hub.faults.set('model.safetensors', { corrupt: true, times: 1 });
    expect(await problem('owner/tiny')).toContain('arrived damaged (wrong checksum)');
    await getModel('owner/tiny', { cacheDir });
  });

  it('explains repositories that cannot be read', async () => {
    expect(await problem('owner/absent')).toMatch(/has no owner\/absent: check the spelling/);
    expect(await problem('owner/tiny@v9')).toContain('has no owner/tiny@v9');
    hub.token = 'hf_secret';
    expect(await problem('owner/tiny')).toContain('set HF_TOKEN to a token');
    vi.stubEnv('HF_TOKEN', 'hf_other');
    expect(await problem('owner/tiny')).toContain('accept its terms at http');
    vi.stubEnv('HF_TOKEN', 'secret');
    expect(await problem('owner/tiny')).toContain('HF_TOKEN is not a Hugging Face token');
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await getModel('owner/tiny', { cacheDir });
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    expect(await problem('owner/other')).toMatch(/cannot reach http:\/\/127.0.0.1:9 for owner\/other/);
    expect(await problem('owner/other', { offline: true })).toContain('go online once');
  });

  it.each([
    ['null', 'null'],
    ['a page', '<html>Not a hub</html>'],
    ['a list', '[]'],
    ['another object', '{"sha": 5}'],
    ['a text', '"abc"'],
    ['nothing', ''],
  ])('explains an answer of another form: %s', async (_, body) => {
    for (const route of ['revision', 'tree']) {
      hub.faults.clear();
      hub.faults.set(route, { body });
      if (route === 'tree' && body === '[]') continue; // an empty repository
      expect(await problem('owner/tiny')).toMatch(
        /^http:\/\/127.*(answered in another form than a Hugging Face hub when asked for owner\/tiny|names no commit for owner\/tiny@main)/,
      );
    }
  });

  it.each([
    '[null]',
    '[{}]',
    '[{"type":"file","path":"config.json","size":-1}]',
    '[{"type":"file","path":5,"size":1}]',
  ])('explains a list of files of another form: %s', async (body) => {
    hub.faults.set('tree', { body });
    expect(await problem('owner/tiny')).toContain('answered in another form than a Hugging Face hub');
  });

  it('gives up on a hub that says nothing, and says whom it asks', async () => {
    const lines: string[] = [];
    const progress = {
      update: () => undefined,
      log: (line: string) => lines.push(line),
      finish: () => undefined,
    };
    hub.faults.set('revision', { silent: true });
    expect(await problem('owner/tiny', { patienceMs: 200, progress })).toMatch(
      /^cannot reach http.* for owner\/tiny \(no answer\): check the network/,
    );
    expect(lines).toEqual([expect.stringMatching(/^Asking http:\/\/127.* for owner\/tiny\.$/)]);
    hub.faults.clear();
    hub.faults.set('model.safetensors', { cutAfter: 40_000, silent: true, times: 1 });
    await getModel('owner/tiny', { cacheDir, patienceMs: 300 });
    expect(hub.downloads.filter(({ path }) => path === 'model.safetensors')).toHaveLength(2);
  });

  it.each([
    ['two lines', { HF_TOKEN: 'hf_SECRET\nSECRET' }, 'HF_TOKEN has white space or other characters in it'],
    ['another alphabet', { HF_TOKEN: 'hf_SECRETé' }, 'HF_TOKEN has white space or other characters in it'],
    [
      'a password',
      { HF_ENDPOINT: 'http://user:SECRET@127.0.0.1:9' },
      'HF_ENDPOINT is "http://***@127.0.0.1:9", with a',
    ],
    [
      'a user',
      { HF_ENDPOINT: 'https://SECRET@127.0.0.1:9/' },
      'HF_ENDPOINT is "https://***@127.0.0.1:9", with a',
    ],
    ['a key', { HF_ENDPOINT: 'http://127.0.0.1:9/?key=SECRET' }, 'remove what follows the path'],
    [
      'no scheme',
      { HF_ENDPOINT: 'user:SECRET@127.0.0.1:9' },
      'HF_ENDPOINT is "***@127.0.0.1:9", which is not an http(s)',
    ],
    ['a broken address', { HF_ENDPOINT: 'http://user:SECRET@[' }, 'which is not an http(s) address'],
  ])('tells no secret: %s', async (_, variables, message) => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const lines: string[] = [];
    const progress = {
      update: () => undefined,
      log: (line: string) => lines.push(line),
      finish: () => undefined,
    };
    const told = await problem('owner/other', { progress });
    expect(told).toContain(message);
    expect(told + lines.join()).not.toContain('SECRET');
  });

  it('takes a token with the line end of its file', async () => {
    hub.token = 'hf_secret';
    vi.stubEnv('HF_TOKEN', 'hf_secret\r\n');
    expect(await getModel('owner/tiny', { cacheDir })).toMatchObject({ didWork: true });
  });

  it('explains repositories without a model of this kind', async () => {
    hub.files.delete('model.safetensors');
    expect(await problem('owner/tiny')).toContain('has no model.safetensors: take a repository with');
    hub.files.set('tiny-Q4_0.gguf', Buffer.alloc(10));
    expect(await problem('owner/tiny')).toContain('download its tiny-Q4_0.gguf and give that file');
    hub.files.delete('tokenizer.json');
    expect(await problem('owner/tiny')).toContain('has no tokenizer.json');
  });
});
