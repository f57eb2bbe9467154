import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkModelDirectory } from '../models/directory.js';
import { UserError } from '../util/errors.js';
import type { ModelLocation } from './cache.js';
import { getModel } from './get.js';
import { copyModel } from './ownCopy.js';

const gguf = fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'own-copy-'));
let cached: ModelLocation;
beforeAll(async () => {
  cached = await getModel(gguf, { cacheDir: join(root, 'cache') });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});
const inode = (dir: string, file: string): number => statSync(join(dir, file)).ino;

describe('copyModel', () => {
  it('makes a folder that is the model’s own, with the cache’s weights', async () => {
    const out = join(root, 'deep', 'student');
    expect(await copyModel(cached, out)).toEqual({ ...cached, path: out, didWork: true });
    checkModelDirectory(out);
    expect(inode(out, 'model.safetensors')).toBe(inode(cached.path, 'model.safetensors'));
    expect(inode(out, 'config.json')).not.toBe(inode(cached.path, 'config.json'));
    for (const name of readdirSync(out))
      expect(readFileSync(join(out, name)).equals(readFileSync(join(cached.path, name)))).toBe(true);
    expect(readdirSync(join(root, 'deep'))).toEqual(['student']);
  });

  it('copies all of a directory of the user’s, and leaves other files there', async () => {
    const mine = await copyModel(cached, join(root, 'mine'));
    writeFileSync(join(mine.path, 'optimizer.bin'), 'x');
    const location = await getModel(mine.path);
    const out = join(root, 'empty');
    mkdirSync(out);
    await copyModel(location, out);
    expect(inode(out, 'model.safetensors')).not.toBe(inode(mine.path, 'model.safetensors'));
    expect(existsSync(join(out, 'optimizer.bin'))).toBe(false);
  });

  it('replaces nothing', async () => {
    const out = join(root, 'taken');
    mkdirSync(out);
    writeFileSync(join(out, 'notes.txt'), 'precious');
    await expect(copyModel(cached, out)).rejects.toThrow(
      new UserError(`${out} is there already and is not empty: name another --out`),
    );
    const file = join(out, 'notes.txt');
    await expect(copyModel(cached, file)).rejects.toThrow(UserError);
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(readdirSync(out)).toEqual(['notes.txt']);
  });
});
