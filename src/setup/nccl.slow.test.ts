import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeApiHeaders } from './addon.js';
import { findLibtorch } from './libtorch.js';
import { nativeDir } from './nativeDir.js';
import { ncclHeaders } from './ncclHeaders.js';

it('the addon for NCCL compiles against the headers of torch, CUDA and NCCL, without a GPU', async () => {
  const libtorch = (await findLibtorch())!;
  const includes = await ncclHeaders(libtorch);
  const build = mkdtempSync(join(tmpdir(), 'redistill-nccl-'));
  try {
    const cmake = (...args: string[]) => execFileSync('cmake', args, { encoding: 'utf8' });
    cmake(
      ...['-S', join(nativeDir, 'nccl'), '-B', build, '-DCOMPILE_ONLY=ON'],
      `-DLIBTORCH=${libtorch.torchDir}`,
      `-DNODE_API_HEADERS=${nodeApiHeaders().include}`,
      `-DCUDA_INCLUDES=${includes.join(';')}`,
    );
    expect(cmake('--build', build)).toContain('nccl.cc');
    const object = join(build, 'CMakeFiles/redistill_nccl.dir/nccl.cc.o');
    const symbols = execFileSync('nm', ['-C', object], { encoding: 'utf8' });
    // What it takes from libtorch_cuda.so, and what Node takes from it.
    expect(symbols).toMatch(/U c10d::ProcessGroupNCCL::ProcessGroupNCCL\(/);
    expect(symbols).toMatch(/T napi_register_module_v1/);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
});
