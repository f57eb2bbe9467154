import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkModelDirectory } from '../models/directory.js';
import { UserError } from '../util/errors.js';
import { SOURCE_FILE, type ModelLocation } from './cache.js';
import { getModel } from './get.js';
import { copyModel, requireNewFolder } from './ownCopy.js';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, copyFileSync: vi.fn(fs.copyFileSync) };
});

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
    for (const name of readdirSync(out).filter((one) => one !== SOURCE_FILE))
      expect(readFileSync(join(out, name)).equals(readFileSync(join(cached.path, name)))).toBe(true);
    // What it is, and nothing of the machine on which it was made.
    expect(JSON.parse(readFileSync(join(out, SOURCE_FILE), 'utf8'))).toEqual({
      ...{ source: 'gguf', origin: 'llama-smollm.gguf' },
    });
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

  it('writes where it has looked: .. after a link means one folder, which stays where it is not empty', async () => {
    mkdirSync(join(root, 'far/away'), { recursive: true });
    mkdirSync(join(root, 'far/theirs'));
    mkdirSync(join(root, 'theirs'));
    writeFileSync(join(root, 'theirs/config.json'), 'precious');
    symlinkSync(join(root, 'far/away'), join(root, 'away'));
    await expect(copyModel(cached, `${root}/away/../theirs`)).rejects.toThrow('is not empty');
    expect(readFileSync(join(root, 'theirs/config.json'), 'utf8')).toBe('precious');
    expect(readdirSync(join(root, 'theirs'))).toEqual(['config.json']);
  });

  it('fills an empty folder that is there, also through a link, and leaves the folder itself in place', async () => {
    const [out, link] = [join(root, 'kept'), join(root, 'link')];
    mkdirSync(out, { mode: 0o750 });
    symlinkSync(out, link);
    const before = statSync(out);
    expect(await copyModel(cached, link)).toMatchObject({ path: link });
    checkModelDirectory(out);
    expect(readlinkSync(link)).toBe(out);
    expect([statSync(out).ino, statSync(out).mode]).toEqual([before.ino, before.mode]);
  });

  it.each([
    ['', /^The path to write to is empty/],
    ['dangling', /dangling is there already and is no folder: name another --out$/],
    ['pipe/model', /model cannot be used: a part of the path is a file, not a folder/],
  ])('refuses --out %j before anything is fetched', (name, message) => {
    rmSync(join(root, 'dangling'), { force: true });
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'));
    writeFileSync(join(root, 'pipe'), '');
    const out = name === '' ? '' : join(root, name);
    expect(() => {
      requireNewFolder(out);
    }).toThrow(UserError);
    expect(() => {
      requireNewFolder(out);
    }).toThrow(message);
  });

  it('takes the template for tools along, which is in a folder', async () => {
    const mine = await copyModel(cached, join(root, 'with-tools'));
    const template = join('additional_chat_templates', 'tool_use.jinja');
    mkdirSync(join(mine.path, 'additional_chat_templates'));
    writeFileSync(join(mine.path, template), '{{ tools }}');
    const { path } = await copyModel(await getModel(mine.path), join(root, 'tools-too'));
    expect(readFileSync(join(path, template), 'utf8')).toBe('{{ tools }}');
  });

  it('leaves nothing where it fails', async () => {
    const mine = await copyModel(cached, join(root, 'broken'));
    const location = await getModel(mine.path);
    vi.mocked(copyFileSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
    const out = join(root, 'half', 'model');
    await expect(copyModel(location, out)).rejects.toThrow(
      new RegExp(`^${out}/config.json cannot be written: the disk is full`),
    );
    expect(existsSync(join(root, 'half'))).toBe(false);
  });

  it('takes a folder in which a copy was killed', async () => {
    const out = join(root, 'killed');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    mkdirSync(join(out, `.scratch-${hostname()}-${pid}-abcdef`), { recursive: true });
    await copyModel(cached, out);
    checkModelDirectory(out);
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
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
