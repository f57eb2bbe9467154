import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'redistill-native-'));
  vi.resetModules();
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** Loads `native.ts` over an addon with these contents. */
function importOver(contents: string, name = 'redistill.node') {
  const addon = join(root, name);
  writeFileSync(addon, contents);
  vi.stubEnv('REDISTILL_ADDON', addon);
  return import('./native.js');
}

it('says in one sentence that an addon cannot be loaded, and what mends it', async () => {
  await expect(importOver('cut off')).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(
      /^the addon \S+ cannot be loaded \([^\n]+\): run `redistill setup`, which mends it$/,
    ) as string,
  });
});

it('loads the CUDA half before anything is computed, after which libtorch would not see it any more', async () => {
  const { native } = await importOver(
    `const loaded = [];
     exports.loadLibrary = (name) => void loaded.push(name);
     exports.listOps = () => loaded;`,
    'addon.cjs',
  );
  expect(native.listOps('')).toEqual(['libc10_cuda.so', 'libtorch_cuda.so']);
});

it('does without a CUDA half that cannot be loaded', async () => {
  const { native } = await importOver(
    `exports.loadLibrary = (name) => { throw Object.assign(new Error(name + ' is not there'), { code: 'ERR_LIBRARY' }); };
     exports.threads = () => 3;`,
    'addon.cjs',
  );
  expect(native.threads()).toBe(3);
  expect(() => {
    native.loadLibrary('libc10_cuda.so');
  }).toThrow('libc10_cuda.so is not there');
});
