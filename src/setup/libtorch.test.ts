import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from '../../test/support/sandbox.js';
import { findLibtorch, isSupported } from './libtorch.js';

const CUDA = ['libtorch_cpu.so', 'libc10.so', 'libtorch_cuda.so'];
let sandbox: Sandbox;

beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => {
  sandbox.dispose();
});

function installPython(torchDir: string, folder?: string, name = 'python3'): void {
  sandbox.program(
    name,
    `if (args[0] === '-c') console.log(${JSON.stringify(torchDir)}); else process.exit(1);`,
    folder,
  );
}

function realPython(): string | undefined {
  try {
    return execFileSync('/usr/bin/python3', ['-c', 'import sys; print(sys.executable)'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
}

describe('findLibtorch', () => {
  it('finds nothing on a bare machine', async () => {
    expect(await findLibtorch()).toBeNull();
  });

  it('takes LIBTORCH before Python, Python before the cache, and the cache last', async () => {
    const named = sandbox.torch('named', '2.9.1');
    const python = sandbox.torch('python-torch', '2.10.0', CUDA);
    const wheel = sandbox.torch('cache/redistill/libtorch/2.11.0/torch', '2.11.0');
    expect(await findLibtorch()).toEqual({
      version: '2.11.0',
      torchDir: wheel,
      source: 'wheel',
      cuda: false,
    });
    installPython(python);
    expect(await findLibtorch()).toEqual({
      version: '2.10.0',
      torchDir: python,
      source: 'python',
      cuda: true,
    });
    process.env.LIBTORCH = named;
    const before = sandbox.calls().length;
    expect(await findLibtorch()).toEqual({
      version: '2.9.1',
      torchDir: named,
      source: 'LIBTORCH',
      cuda: false,
    });
    expect(sandbox.calls().length, 'Python is not asked').toBe(before);
  });

  it('asks the active virtual environment before PATH', async () => {
    installPython(sandbox.torch('system-torch', '2.9.0'));
    process.env.VIRTUAL_ENV = join(sandbox.root, 'venv');
    const inside = sandbox.torch('venv-torch', '2.12.0');
    installPython(inside, join(sandbox.root, 'venv', 'bin'), 'python');
    expect((await findLibtorch())?.torchDir).toBe(inside);
  });

  it('says what to do about a LIBTORCH that cannot be used', async () => {
    process.env.LIBTORCH = sandbox.root;
    await expect(findLibtorch()).rejects.toThrow(/^LIBTORCH=.* holds no libtorch: point it to the folder/);
    process.env.LIBTORCH = sandbox.torch('old', '2.8.0');
    await expect(findLibtorch()).rejects.toThrow(
      /is torch 2\.8\.0 and redistill works with 2\.9 to 2\.12: point it/,
    );
    process.env.LIBTORCH = sandbox.torch('cpu', '2.11.0');
    await expect(findLibtorch({ cuda: true })).rejects.toThrow(/has no CUDA .*: point it to a CUDA build/);
  });

  it('passes over an unsuitable Python torch and says why', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    installPython(sandbox.torch('new', '2.14.1'));
    expect(await findLibtorch({ log })).toBeNull();
    installPython(sandbox.torch('headers-only', '2.11.0', []));
    expect(await findLibtorch({ log })).toBeNull();
    installPython(sandbox.torch('cpu', '2.11.0'));
    expect(await findLibtorch({ cuda: true, log })).toBeNull();
    expect(lines).toEqual([
      `Not used: Python's torch in ${join(sandbox.root, 'new')} (version 2.14.1, outside 2.9 to 2.12).`,
      `Not used: Python's torch in ${join(sandbox.root, 'headers-only')} (without the C++ headers and libraries).`,
      `Not used: Python's torch in ${join(sandbox.root, 'cpu')} (built without CUDA).`,
    ]);
  });

  const python = realPython();
  it.skipIf(python === undefined)(
    'asks a real Python without importing torch or looking in the cwd',
    async () => {
      symlinkSync(python!, join(sandbox.bin, 'python3'));
      const site = join(sandbox.root, 'site');
      const torch = sandbox.torch('site/torch', '2.11.0');
      writeFileSync(join(torch, '__init__.py'), 'raise SystemExit("torch was imported")');
      const saved = [process.env.PYTHONPATH, process.cwd()] as const;
      try {
        process.env.PYTHONPATH = site;
        expect((await findLibtorch())?.torchDir).toBe(torch);
        process.env.PYTHONPATH = join(sandbox.root, 'empty');
        mkdirSync(process.env.PYTHONPATH);
        process.chdir(site);
        expect((await findLibtorch())?.torchDir).not.toBe(torch);
      } finally {
        process.chdir(saved[1]);
        if (saved[0] === undefined) delete process.env.PYTHONPATH;
        else process.env.PYTHONPATH = saved[0];
      }
    },
  );
});

describe('isSupported', () => {
  it.each(['2.9.0', '2.10.1', '2.11.0', '2.12.9'])('%s', (version) => {
    expect(isSupported(version)).toBe(true);
  });
  it.each(['1.13.1', '2.8.0', '2.13.0', '3.10.0'])('not %s', (version) => {
    expect(isSupported(version)).toBe(false);
  });
});
