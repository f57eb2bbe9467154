/** @file A model directory, and a cache for models that is new for each test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { getModel } from '../../src/hub/get.js';
import { convertGguf } from '../../src/hub/gguf/convert.js';
import { UserError } from '../../src/util/errors.js';

export const gguf = fileURLToPath(new URL('../fixtures/gguf/llama-smollm.gguf', import.meta.url));
export const root = mkdtempSync(join(tmpdir(), 'get-model-'));
/** A model directory. */
export const model = join(root, 'model');
/** The cache of the present test. */
export let cacheDir: string;

/** Makes the model for the tests of a file and a cache for each of them, and removes everything after them. */
export function setUpCache(): void {
  beforeAll(() => convertGguf(gguf, model));
  beforeEach(() => {
    cacheDir = mkdtempSync(join(root, 'cache-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
}

/** Returns the one sentence with which a model is refused. */
export async function problem(name: string, options = {}): Promise<string> {
  const error = await getModel(name, { cacheDir, ...options }).then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}
