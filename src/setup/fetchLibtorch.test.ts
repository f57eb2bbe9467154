import { renameSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CPU_LIBRARIES, TORCH_METADATA, installPip, torchWheel } from '../../test/support/fakePip.js';
import { Sandbox } from '../../test/support/sandbox.js';
import { cudaRequirements, fetchLibtorch, isWanted } from './fetchLibtorch.js';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, statfsSync: vi.fn(fs.statfsSync) };
});

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => {
  sandbox.dispose();
});

/** Nothing of a failed fetch stays: neither the result nor a temporary folder. */
async function expectFailure(pattern: RegExp): Promise<void> {
  await expect(fetchLibtorch()).rejects.toThrow(pattern);
  expect(sandbox.cacheFiles()).toEqual(['libtorch']);
}

const libraries = () =>
  sandbox
    .cacheFiles()
    .filter((path) => path.includes('.so'))
    .map((path) => path.replace(/^libtorch\/[^/]+\//, ''));

describe('fetchLibtorch', () => {
  it('puts the CPU half in the cache, with cudart and CUPTI beside it', async () => {
    installPip(sandbox);
    const found = await fetchLibtorch();
    const torchDir = join(sandbox.cache, 'libtorch/2.11.0/torch');
    expect(found).toEqual({ version: '2.11.0', torchDir, source: 'wheel', cuda: false });
    const cpu = CPU_LIBRARIES.map((name) => `torch/lib/${name}`);
    expect(libraries()).toEqual([
      'nvidia/cu13/lib/libcudart.so.13',
      'nvidia/cu13/lib/libcupti.so.13',
      ...cpu.sort(),
    ]);
    expect(
      sandbox.cacheFiles().filter((path) => /\.(py|whl)$|scratch|\/(bin|test)(\/|$)/.test(path)),
    ).toEqual([]);
    const downloads = sandbox.calls('pip3 download');
    expect(downloads).toHaveLength(2);
    expect(downloads[0]).toMatch(/--only-binary=:all: .*--no-deps torch==2\.11\.0$/);
    expect(downloads[1]).toMatch(/--no-deps nvidia-cuda-runtime==13\.0\.96 nvidia-cuda-cupti==13\.0\.85$/);
    await fetchLibtorch();
    expect(sandbox.calls('pip3 download')).toHaveLength(2);
  });

  it('takes the CUDA libraries that torch names when they are asked for', async () => {
    installPip(sandbox);
    const found = await fetchLibtorch({ cuda: true });
    expect(found.cuda).toBe(true);
    expect(found.torchDir).toBe(join(sandbox.cache, 'libtorch/2.11.0+cuda/torch'));
    expect(sandbox.calls('pip3 download')[1]).toMatch(
      / cuda-toolkit\[cublas,cudart\]==13\.0\.2 nvidia-cudnn-cu13==9\.19\.0\.56$/,
    );
    expect(sandbox.calls('pip3 download')[1]).not.toContain('--no-deps');
    expect(libraries()).toEqual(
      expect.arrayContaining([
        'nvidia/cu13/lib/libcublas.so.13',
        'nvidia/cu13/lib/libcudnn.so.9',
        'torch/lib/libtorch_cuda.so',
      ]),
    );
    expect(libraries()).not.toContain('torch/lib/libtorch_python.so');
  });

  it('fetches nothing beside a wheel that is built without CUDA', async () => {
    installPip(sandbox, '', torchWheel(['Requires-Dist: filelock']));
    await fetchLibtorch();
    expect(sandbox.calls('pip3 download')).toHaveLength(1);
  });

  it('asks for the tags of CPython 3.11 when the local Python has no wheel', async () => {
    installPip(
      sandbox,
      `if (!args.includes('--python-version')) fail('ERROR: No matching distribution found for torch==2.11.0');`,
    );
    await fetchLibtorch();
    expect(sandbox.calls('pip3 download')[1]).toMatch(
      /--python-version 3\.11 --implementation cp --abi cp311 .*--platform manylinux_2_28_\w+ .* torch==2\.11\.0$/,
    );
  });

  it('falls back to python3 -m pip', async () => {
    installPip(sandbox);
    sandbox.program('pip', 'process.exit(127)');
    sandbox.program(
      'python3',
      `if (args[1] !== 'pip') process.exit(1);
const { status } = require('node:child_process').spawnSync(${JSON.stringify(join(sandbox.root, 'pip-module'))}, args.slice(2));
process.exit(status);`,
    );
    renameSync(join(sandbox.bin, 'pip3'), join(sandbox.root, 'pip-module'));
    expect((await fetchLibtorch()).version).toBe('2.11.0');
  });

  it('says how to install pip', async () => {
    await expectFailure(
      /needs pip, which was not found: run `apt-get install -y python3-pip`, or set LIBTORCH/,
    );
  });

  it("passes pip's reason on", async () => {
    installPip(sandbox, `say('WARNING: retrying'); fail('ERROR: Could not connect to the index');`);
    await expectFailure(
      /^pip could not download torch==2\.11\.0 \(Could not connect to the index\): check the network/,
    );
  });

  it('notices a download cut short', async () => {
    const wheel = torchWheel();
    installPip(sandbox, '', wheel.subarray(0, wheel.length - 200));
    await expectFailure(/torch-2\.11\.0-cp311.*\.whl is damaged .*: run `redistill setup` again/);
  });

  it('checks the space before the download', async () => {
    installPip(sandbox);
    vi.mocked(statfsSync).mockReturnValueOnce({ bavail: 1000, bsize: 1_000_000 } as ReturnType<
      typeof statfsSync
    >);
    await expectFailure(/ has 1 GB free and set-up needs about 2 GB: free some space, or set XDG_CACHE_HOME/);
    expect(sandbox.calls('pip3 download')).toEqual([]);
  });

  it('says so when pip runs out of disk', async () => {
    installPip(
      sandbox,
      `fail('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device');`,
    );
    await expectFailure(/^the disk of .* is full: free some space/);
  });

  it('replaces a damaged folder of an earlier version', async () => {
    sandbox.torch('cache/redistill/libtorch/2.11.0/torch', '2.11.0', ['libc10.so']);
    installPip(sandbox);
    expect((await fetchLibtorch()).source).toBe('wheel');
  });
});

describe('cudaRequirements', () => {
  it('reads the CUDA packages from the metadata, without markers and extras', () => {
    expect(cudaRequirements(TORCH_METADATA.join('\n'))).toEqual([
      'cuda-toolkit[cublas,cudart]==13.0.2',
      'nvidia-cudnn-cu13==9.19.0.56',
    ]);
  });
});

describe('isWanted', () => {
  it.each([
    ['torch/lib/libtorch_cpu.so', true, true],
    ['torch.libs/libopenblas.so.0', true, true],
    ['torch/include/ATen/ATen.h', true, true],
    ['torch-2.11.0.dist-info/licenses/LICENSE', true, true],
    ['nvidia/cu13/lib/libcudart.so.13', true, true],
    ['nvidia/cu13/lib/libnvperf_host.so', false, true],
    ['nvidia/nccl/include/nccl.h', false, true],
    ['nvidia/cu13/include/crt/host_defines.h', false, true],
    ['torch/lib/libtorch_cuda_linalg.so', false, true],
    ['torch/lib/libcaffe2_nvrtc.so', false, true],
    ['torch/lib/libtorch_nvshmem.so', false, true],
    ['torch/lib/libtorch_python.so', false, false],
    ['torch/_C.cpython-311-x86_64-linux-gnu.so', false, false],
    ['torch/bin/protoc', false, false],
    ['torch/version.py', false, false],
    ['nvidia/cu13/lib/libcudart_static.a', false, false],
  ])('%s', (path, cpu, cuda) => {
    expect([isWanted(path, false), isWanted(path, true)]).toEqual([cpu, cuda]);
  });
});
