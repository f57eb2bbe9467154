import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileReplacement, replaceTogether, siblingPath, writeFileAtomic } from './files.js';
import { temporaryName } from './temporary.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-files-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  return path;
}
const text = (path: string) => readFileSync(path, 'utf8');

describe('a file that is replaced', () => {
  it('is the old one until the new one is whole, and nothing else is left', () => {
    const dir = folder('replace');
    const path = join(dir, 'a.txt');
    writeFileAtomic(path, 'old');
    const file = new FileReplacement(path);
    file.write('new');
    expect(text(path)).toBe('old');
    file[Symbol.dispose]();
    expect(text(path)).toBe('old');
    expect(readdirSync(dir)).toEqual(['a.txt']);
    writeFileAtomic(path, 'new');
    expect(text(path)).toBe('new');
    expect(readdirSync(dir)).toEqual(['a.txt']);
  });

  it('keeps its permissions', () => {
    const path = join(folder('mode'), 'a.txt');
    writeFileSync(path, '');
    chmodSync(path, 0o640);
    writeFileAtomic(path, 'x');
    expect(statSync(path).mode & 0o7777).toBe(0o640);
  });

  it('is the one behind a link, also where that is yet to be made', () => {
    const dir = folder('links');
    symlinkSync('there/t.txt', join(dir, 'link'));
    symlinkSync('link', join(dir, 'second'));
    mkdirSync(join(dir, 'there'));
    for (const name of ['link', 'second']) {
      writeFileAtomic(join(dir, name), name);
      expect(lstatSync(join(dir, name)).isSymbolicLink()).toBe(true);
      expect(text(join(dir, 'there/t.txt'))).toBe(name);
    }
    symlinkSync('circle', join(dir, 'circle'));
    expect(() => {
      writeFileAtomic(join(dir, 'circle'), '');
    }).toThrow('its links lead in a circle');
  });

  it('is written to as it is where it is a device or a pipe', async () => {
    const dir = folder('devices');
    const fifo = join(dir, 'pipe');
    execFileSync('mkfifo', [fifo]);
    expect(() => new FileReplacement(fifo)).toThrow(`${fifo} cannot be used: nobody reads from it`);
    const reader = import('node:fs/promises').then(({ readFile }) => readFile(fifo, 'utf8'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const long = 'x'.repeat(1 << 15);
    writeFileAtomic(fifo, long);
    expect(await reader).toBe(long);
    expect(statSync(fifo).isFIFO()).toBe(true);
    writeFileAtomic('/dev/null', 'x');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  }, 20_000);

  it('is added to where it is what a shell has opened', () => {
    const path = join(folder('stdout'), 'log');
    const script = `import('${new URL('./files.ts', import.meta.url).href}').then((f) => f.writeFileAtomic('/dev/stdout', 'b'))`;
    writeFileSync(path, 'a');
    const { status } = spawnSync('sh', ['-c', `${process.execPath} --import tsx -e "${script}" >> ${path}`]);
    expect(status).toBe(0);
    expect(text(path)).toBe('ab');
  }, 30_000);

  it('is refused at once where it cannot be written', () => {
    const dir = folder('refused');
    writeFileSync(join(dir, 'file'), '');
    const open = (path: string) => () => new FileReplacement(path);
    expect(open(dir)).toThrow(`${dir} is a folder: name a file`);
    expect(open('')).toThrow('The path to write to is empty');
    expect(open(`${dir}/a\0b`)).toThrow('has a NUL character');
    expect(open(join(dir, 'file/x'))).toThrow(/file is a file: name a folder|a part of the path is a file/);
    expect(open(join(dir, 'x'.repeat(300)))).toThrow('the name is too long');
    expect(open('/proc/nowhere/x.jsonl')).toThrow('cannot be used');
    expect(open('/proc/nowhere')).toThrow('cannot be used');
    expect(readdirSync(dir)).toEqual(['file']);
  });

  it('follows no link that is laid in the place of its temporary file', () => {
    const dir = folder('laid');
    writeFileSync(join(dir, 'victim'), 'precious');
    symlinkSync('victim', temporaryName(join(dir, 'a.txt')));
    writeFileAtomic(join(dir, 'a.txt'), 'x');
    expect(text(join(dir, 'victim'))).toBe('precious');
    expect(readdirSync(dir)).toEqual(['a.txt', 'victim']);
  });

  it('leaves no folder where it is given up', () => {
    const path = join(root, 'new/folder/a.txt');
    const file = new FileReplacement(path);
    expect(existsSync(join(root, 'new/folder'))).toBe(true);
    file[Symbol.dispose]();
    expect(existsSync(join(root, 'new'))).toBe(false);
  });

  it('clears away what killed processes left for it, and nothing else', () => {
    const dir = folder('dead');
    const path = join(dir, 'a.txt');
    const dead = spawnSync('true').pid;
    const left = temporaryName(path).replace(/\d+\.tmp$/, `${dead}.tmp`);
    const living = temporaryName(path).replace(/\d+\.tmp$/, `${process.ppid}.tmp`);
    const users = [join(dir, 'a.txt.tmp'), join(dir, 'a.txt.12.tmp'), join(dir, 'b.txt')];
    for (const name of [left, living, ...users]) writeFileSync(name, 'x');
    writeFileAtomic(path, 'new');
    expect(existsSync(left)).toBe(false);
    for (const name of [living, ...users]) expect(text(name)).toBe('x');
  });
});

it('files of one result come together, with those of an earlier one gone', () => {
  const dir = folder('together');
  const paths = ['a', 'b', 'c'].map((name) => join(dir, name));
  for (const path of paths) writeFileSync(path, 'old');
  using a = new FileReplacement(paths[0]!);
  using b = new FileReplacement(paths[1]!);
  a.write('new');
  b.write('new');
  replaceTogether([a, b], [paths[2]!]);
  expect(readdirSync(dir)).toEqual(['a', 'b']);
  expect([text(paths[0]!), text(paths[1]!)]).toEqual(['new', 'new']);
});

it('a sibling has the name without its ending', () => {
  expect(siblingPath('a.b/c.d.jsonl', 'x.md')).toBe('a.b/c.d.x.md');
  expect(siblingPath('a.b/c', 'x.md')).toBe('a.b/c.x.md');
  expect(siblingPath('.hidden', 'x.md')).toBe('.hidden.x.md');
});
