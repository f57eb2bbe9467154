import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installPip } from '../../test/support/fakePip.js';
import { Sandbox } from '../../test/support/sandbox.js';
import { describeLibtorch } from './libtorch.js';
import { ncclHeaders } from './ncclHeaders.js';

const HEADERS = [
  ...['crt/host_defines.h', 'nv/target', 'cuda_runtime_api.h', 'nccl.h'],
  ...['cublas_v2.h', 'cusparse.h', 'cusolverDn.h'],
];
let sandbox: Sandbox;

beforeEach(() => {
  sandbox = new Sandbox();
  installPip(sandbox);
});
afterEach(() => {
  sandbox.dispose();
});

const torch = (version: string) =>
  describeLibtorch(sandbox.torch('torch', version, ['libtorch_cpu.so', 'libc10.so']), 'python')!;
function put(folder: string, headers: readonly string[]): void {
  for (const header of headers) {
    const path = join(sandbox.root, folder, header);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
}
const headersOf = (index: number, end = HEADERS.length) => HEADERS.slice(index, end);

describe('the headers for NCCL', () => {
  it('are those of the wheels beside libtorch and of CUDA_HOME, without a download', async () => {
    put('nvidia/nccl/include', ['nccl.h']);
    put('nvidia/cu13/include', headersOf(4));
    put('toolkit/include', headersOf(0, 3));
    process.env.CUDA_HOME = join(sandbox.root, 'toolkit');
    for (const version of ['2.11.0', '2.9.1'])
      expect(await ncclHeaders(torch(version))).toEqual(
        expect.arrayContaining([
          join(sandbox.root, 'nvidia/cu13/include'),
          join(sandbox.root, 'nvidia/nccl/include'),
          join(sandbox.root, 'toolkit/include'),
        ]),
      );
    expect(sandbox.calls()).toEqual([]);
  });

  it('are fetched where they are missing, and only these, and once', async () => {
    put('nvidia/cu13/include', ['cuda_runtime_api.h', 'cusolverDn.h', 'cublas_v2.h']);
    const found = await ncclHeaders(torch('2.11.0'));
    expect(sandbox.calls('pip3 download').map((call) => call.split(' ').at(-1))).toEqual([
      'nvidia-cuda-crt==13.0.88',
      'nvidia-cuda-cccl==13.0.85',
      'nvidia-nccl-cu13==2.28.9',
      'nvidia-cusparse==12.6.3.3',
    ]);
    const cached = join(sandbox.cache, 'libtorch/2.11.0+headers/nvidia/cu13/include');
    expect(found).toContain(cached);
    expect(sandbox.cacheFiles().filter((path) => /\.(h|so|whl)$|target$/.test(path))).toEqual(
      ['crt/host_defines.h', 'cusparse.h', 'nccl.h', 'nv/target'].map(
        (name) => `libtorch/2.11.0+headers/nvidia/cu13/include/${name}`,
      ),
    );
    expect(await ncclHeaders(torch('2.11.0'))).toEqual(found);
    expect(sandbox.calls('pip3 download')).toHaveLength(4);
  });

  it('are never those of another version of torch', async () => {
    put('nvidia/cu12/include', headersOf(4));
    await expect(ncclHeaders(torch('2.9.1'))).rejects.toThrow(
      /needs crt\/host_defines\.h, nv\/target, cuda_runtime_api\.h, nccl\.h of the CUDA that torch 2\.9\.1 was built with: .*set CUDA_HOME/,
    );
    expect(sandbox.calls()).toEqual([]);
  });
});
