import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { installPip } from '../../test/support/fakePip.js';
import { Sandbox } from '../../test/support/sandbox.js';
import type { Progress } from '../util/progress.js';
import { addonPath, ensureSetup, readSetup } from './index.js';
import { ncclAddonPath } from './record.js';

const native = vi.hoisted(() => ({ dir: '' }));
vi.mock(import('./nativeDir.js'), () =>
  Object.defineProperty({ nativeDir: '' }, 'nativeDir', { get: () => native.dir, enumerable: true }),
);

// The smallest library that Node takes for an addon.
const STUB_SOURCE = 'extern "C" void* napi_register_module_v1(void*, void* exports) { return exports; }';
const built = mkdtempSync(join(tmpdir(), 'redistill-stub-'));
const stub = join(built, 'stub.node');
let sandbox: Sandbox;

beforeAll(() => {
  writeFileSync(join(built, 'stub.cc'), STUB_SOURCE);
  execFileSync('c++', ['-shared', '-fPIC', '-o', stub, join(built, 'stub.cc')]);
});
afterAll(() => {
  rmSync(built, { recursive: true, force: true });
});
beforeEach(() => {
  sandbox = new Sandbox();
  native.dir = join(sandbox.root, 'native');
  mkdirSync(native.dir);
  writeFileSync(join(native.dir, 'addon.cc'), '// first');
  for (const name of ['g++', 'make']) sandbox.program(name, '');
  installCmake();
  installPip(sandbox);
});
afterEach(() => {
  sandbox.dispose();
});

/**
 * A cmake whose `--build` runs the given JavaScript; `build` is the folder. Output that a test looks at goes through
 * `fs.writeSync`: what `console` has written may be lost at `process.exit`.
 */
function installCmake(
  body = `fs.copyFileSync(${JSON.stringify(stub)}, path.join(build, 'redistill.node'));`,
): void {
  sandbox.program(
    'cmake',
    `
if (args[0] === '-S') { fs.mkdirSync(args[args.indexOf('-B') + 1]); process.exit(0); }
const build = args[1];
${body}`,
  );
}

const addons = () => sandbox.cacheFiles().filter((path) => path.endsWith('.node'));
const leftovers = () => sandbox.cacheFiles().filter((path) => /scratch|lock|\.log$|tmp/.test(path));

describe('ensureSetup', () => {
  it('fetches, compiles and records; the second time it starts none of these programs', async () => {
    const notes = new Set<string>();
    const lines: string[] = [];
    const progress: Progress = {
      update: (done, total, note) => {
        expect(done).toBeLessThanOrEqual(total);
        notes.add(note ?? '');
      },
      log: (line) => lines.push(line),
      finish: () => undefined,
    };
    installCmake(
      `console.log('[ 50%] Building'); fs.copyFileSync(${JSON.stringify(stub)}, build + '/redistill.node');`,
    );
    const first = await ensureSetup({ progress });
    expect(first.didWork).toBe(true);
    expect(first.libtorch.torchDir).toBe(join(sandbox.cache, 'libtorch/2.11.0/torch'));
    expect(readFileSync(first.addonPath).equals(readFileSync(stub))).toBe(true);
    expect(sandbox.calls('cmake')[0]).toContain(`-DLIBTORCH=${first.libtorch.torchDir} -DNODE_API_HEADERS=`);
    expect([...notes]).toEqual(expect.arrayContaining(['unpacking torch 2.11.0', 'compiling the addon']));
    expect(lines).toHaveLength(2);
    expect(leftovers()).toEqual([]);

    const calls = sandbox.calls().length;
    const started = performance.now();
    const second = await ensureSetup();
    expect(performance.now() - started).toBeLessThan(1000);
    expect(second).toEqual({ ...first, didWork: false });
    expect(readSetup()).toEqual({ libtorch: first.libtorch, addonPath: first.addonPath });
    expect(addonPath()).toBe(first.addonPath);
    expect(sandbox.calls()).toHaveLength(calls);
  });

  it('compiles anew when sources or libtorch change, and finds the earlier addon when they change back', async () => {
    process.env.LIBTORCH = sandbox.torch('torch', '2.11.0');
    const first = await ensureSetup();
    writeFileSync(join(native.dir, 'addon.cc'), '// second');
    expect(readSetup()).toBeNull();
    expect(() => addonPath()).toThrow('libtorch is not set up; run `redistill setup`');
    expect((await ensureSetup()).addonPath).not.toBe(first.addonPath);
    sandbox.torch('torch', '2.10.0');
    expect(readSetup(), 'upgraded in place').toBeNull();
    expect((await ensureSetup()).libtorch.version).toBe('2.10.0');
    process.env.LIBTORCH = sandbox.torch('other', '2.11.0');
    expect(readSetup(), 'LIBTORCH names another').toBeNull();

    process.env.LIBTORCH = sandbox.torch('torch', '2.11.0');
    writeFileSync(join(native.dir, 'addon.cc'), '// first');
    const builds = sandbox.calls('cmake').length;
    expect((await ensureSetup()).addonPath).toBe(first.addonPath);
    expect(sandbox.calls('cmake')).toHaveLength(builds);
  });

  it('fetches CUDA beside an earlier CPU set-up when asked to', async () => {
    await ensureSetup();
    const cuda = await ensureSetup({ cuda: true });
    expect(cuda.didWork && cuda.libtorch.cuda).toBe(true);
    expect((await ensureSetup()).libtorch, 'the CUDA one serves both').toEqual(cuda.libtorch);
  });

  it('compiles the addon for NCCL apart, when it is asked for', async () => {
    const cuda = ['libtorch_cpu.so', 'libc10.so', 'libtorch_cuda.so'];
    process.env.LIBTORCH = sandbox.torch('torch', '2.11.0', cuda);
    process.env.CUDA_HOME = join(sandbox.root, 'toolkit');
    for (const header of [
      ...['crt/host_defines.h', 'nv/target', 'cuda_runtime_api.h', 'nccl.h'],
      ...['cublas_v2.h', 'cusparse.h', 'cusolverDn.h'],
    ]) {
      const path = join(process.env.CUDA_HOME, 'include', header);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
    }
    mkdirSync(join(native.dir, 'nccl'));
    writeFileSync(join(native.dir, 'nccl/nccl.cc'), '// first');
    const first = await ensureSetup();
    expect(() => ncclAddonPath()).toThrow('run `redistill setup --nccl`');
    installCmake(
      `for (const name of ['redistill', 'redistill_nccl']) fs.copyFileSync(${JSON.stringify(stub)}, path.join(build, name + '.node'));`,
    );
    expect(await ensureSetup({ nccl: true })).toEqual({ ...first, didWork: true });
    expect(ncclAddonPath()).toMatch(/redistill_nccl\.node$/);
    expect(sandbox.calls('cmake').at(-2)).toContain(
      `-DCUDA_INCLUDES=${join(process.env.CUDA_HOME, 'include')}`,
    );
    expect(await ensureSetup({ nccl: true })).toEqual({ ...first, didWork: false });
    writeFileSync(join(native.dir, 'nccl/nccl.cc'), '// second');
    expect(readSetup(), 'the other addon does not depend on it').not.toBeNull();
    expect(() => ncclAddonPath()).toThrow('run `redistill setup --nccl`');
    truncateSync((await ensureSetup({ nccl: true }), ncclAddonPath()), 100);
    expect((await ensureSetup({ nccl: true })).didWork, 'one that does not load').toBe(true);
    expect(readFileSync(ncclAddonPath()).equals(readFileSync(stub))).toBe(true);
  });

  it.each([
    [
      'cmake',
      /^compiling the addon needs cmake, which was not found: run `apt-get install -y g\+\+ cmake make/,
    ],
    ['g++', /needs a C\+\+ compiler, which/],
    ['make', /needs make, which/],
  ])('without %s it says what to install, before any download', async (tool, message) => {
    sandbox.remove(tool);
    await expect(ensureSetup()).rejects.toThrow(message);
    expect(sandbox.calls()).toEqual([]);
    expect(sandbox.cacheFiles()).toEqual([]);
  });

  it('shows the first compiler error and keeps the log', async () => {
    installCmake(`
const lines = Array.from({ length: 300 }, (_, i) => 'note ' + i);
fs.writeSync(2, [...lines, 'addon.cc:7:1: error: expected ;', '1 error generated', ''].join('\\n'));
process.exitCode = 2;`);
    const failure = await ensureSetup().catch((error: unknown) => String(error));
    expect(failure).toContain('compiling the addon failed (the whole output is in ');
    expect(failure).toMatch(
      /its first error is\n {2}addon\.cc:7:1: error: expected ;\n {2}1 error generated$/,
    );
    const log = /is in (\S+\.log)\)/.exec(failure as string)![1]!;
    expect(readFileSync(log, 'utf8')).toContain('note 0\n');
    expect(addons()).toEqual([]);
    expect(leftovers()).toEqual([log.slice(sandbox.cache.length + 1)]);
    installCmake();
    await ensureSetup();
    expect(leftovers(), 'the log goes with the next success').toEqual([]);
  });

  it('keeps no addon that does not load, and none of a full disk', async () => {
    installCmake(`fs.writeFileSync(path.join(build, 'redistill.node'), 'not a library');`);
    await expect(ensureSetup()).rejects.toThrow(
      /compiled but libtorch in .* does not load \(.*\): set LIBTORCH/s,
    );
    installCmake(
      `fs.writeSync(2, 'fatal error: error writing to x.o: No space left on device'); process.exit(1);`,
    );
    await expect(ensureSetup()).rejects.toThrow(/^the disk of .* is full/);
    expect(addons()).toEqual([]);
    expect(leftovers()).toEqual([]);
    expect(readSetup()).toBeNull();
  });

  it('compiles an addon again that cannot be loaded, and says so', async () => {
    const first = await ensureSetup();
    truncateSync(first.addonPath, 100);
    const lines: string[] = [];
    const progress = {
      update: () => undefined,
      log: (line: string) => lines.push(line),
      finish: () => undefined,
    };
    expect(await ensureSetup({ progress })).toEqual(first);
    expect(readFileSync(first.addonPath).equals(readFileSync(stub))).toBe(true);
    expect(lines[0]).toMatch(/^The addon \S+ cannot be loaded \(.+\); it is compiled again\.$/);
    expect(sandbox.calls('pip3 download'), 'libtorch is still there').toHaveLength(2);
    expect(await ensureSetup()).toEqual({ ...first, didWork: false });
    expect(leftovers()).toEqual([]);
  });

  it('works once when called twice at the same time', async () => {
    const results = await Promise.all([ensureSetup(), ensureSetup(), ensureSetup()]);
    expect(results.map(({ didWork }) => didWork).sort()).toEqual([false, false, true]);
    expect(new Set(results.map((result) => result.addonPath)).size).toBe(1);
    expect(sandbox.calls('pip3 download')).toHaveLength(2);
    expect(sandbox.calls('cmake --build')).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  it.each([['absent'], ['there']])(
    'clears up after a process that died, with all %s, and leaves a living one alone',
    async (state) => {
      if (state === 'there') await ensureSetup();
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      const folder = (pid: number, host = hostname()) =>
        join(sandbox.cache, 'libtorch', `.scratch-${host}-${pid}-abcdef`);
      for (const path of [
        folder(dead),
        folder(process.ppid),
        folder(1, 'elsewhere'),
        folder(2, 'elsewhere'),
      ]) {
        mkdirSync(path, { recursive: true });
        writeFileSync(join(path, 'half.whl'), '');
      }
      const longAgo = new Date(Date.now() - 48 * 3_600_000);
      utimesSync(folder(1, 'elsewhere'), longAgo, longAgo);
      writeFileSync(join(sandbox.cache, 'setup.lock'), JSON.stringify({ host: hostname(), pid: dead }));
      await ensureSetup();
      expect(existsSync(folder(dead))).toBe(false);
      expect(existsSync(folder(1, 'elsewhere'))).toBe(false);
      expect(existsSync(folder(process.ppid))).toBe(true);
      expect(existsSync(folder(2, 'elsewhere'))).toBe(true);
      expect(existsSync(join(sandbox.cache, 'setup.lock'))).toBe(false);
    },
  );

  it('ends its programs and clears up when a signal comes', async () => {
    const pidFile = join(sandbox.root, 'pid');
    installCmake(
      `fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => 0, 1000);`,
    );
    const passedOn: (string | number | undefined)[] = [];
    const kill = process.kill.bind(process);
    const spy = vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (pid !== process.pid) return kill(pid, signal);
      passedOn.push(signal);
      return true;
    });
    try {
      const setup = ensureSetup().catch((error: unknown) => error);
      while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '')
        await new Promise((r) => setTimeout(r, 20));
      process.emit('SIGINT', 'SIGINT');
      expect(passedOn).toEqual(['SIGINT']);
      expect(leftovers()).toEqual([]);
      expect(await setup).toBeInstanceOf(Error);
      expect(() => kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH');
    } finally {
      spy.mockRestore();
    }
  });

  it('names the cache folder when it cannot be made', async () => {
    process.env.XDG_CACHE_HOME = stub;
    await expect(ensureSetup()).rejects.toThrow(/^cannot create the cache folder .*: set XDG_CACHE_HOME/);
  });
});

describe('addonPath', () => {
  it.each(['', '{', 'null', '[]', '{"torchDir": 3, "source": "wheel"}', '{"torchDir": "/", "source": "x"}'])(
    'takes the record %j as no set-up',
    (text) => {
      mkdirSync(sandbox.cache, { recursive: true });
      writeFileSync(join(sandbox.cache, 'setup.json'), text);
      expect(() => addonPath()).toThrow('libtorch is not set up; run `redistill setup`');
    },
  );

  it('prefers REDISTILL_ADDON, which must exist', () => {
    process.env.REDISTILL_ADDON = stub;
    expect(addonPath()).toBe(stub);
    process.env.REDISTILL_ADDON = '/nowhere/x.node';
    expect(() => addonPath()).toThrow('REDISTILL_ADDON=/nowhere/x.node does not exist');
  });
});
