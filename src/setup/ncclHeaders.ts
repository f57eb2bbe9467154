/** @file Finds the headers with which the addon for NCCL is compiled, and fetches those that are missing. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { downloadWheels, findPip } from '../fetch/pip.js';
import { withScratch } from '../fetch/scratch.js';
import { unpackWheel } from '../fetch/wheel.js';
import { cacheDir } from '../util/cacheDir.js';
import { UserError } from '../util/errors.js';
import { makeFolder } from '../util/folders.js';
import { type Progress, silentProgress } from '../util/progress.js';
import { CUDA_HEADER } from './fetchLibtorch.js';
import { type Libtorch, TORCH_VERSION } from './libtorch.js';

/** A header of each package that is needed, with the version with which torch's wheel was made. */
const NEEDED: readonly [header: string, wheel: string][] = [
  ['crt/host_defines.h', 'nvidia-cuda-crt==13.0.88'],
  ['nv/target', 'nvidia-cuda-cccl==13.0.85'],
  ['cuda_runtime_api.h', 'nvidia-cuda-runtime==13.0.96'],
  ['nccl.h', 'nvidia-nccl-cu13==2.28.9'],
  ['cublas_v2.h', 'nvidia-cublas==13.1.0.3'],
  ['cusparse.h', 'nvidia-cusparse==12.6.3.3'],
  ['cusolverDn.h', 'nvidia-cusolver==12.0.4.66'],
];

/**
 * Returns folders that hold CUDA's and NCCL's headers: those of the wheels beside libtorch, of CUDA_HOME, and of what is fetched into
 * the cache for the rest. NCCL's header decides how its options lie in memory, so that it must be of the version with which libtorch
 * was built: for another libtorch than the one that is fetched, nothing is.
 * @throws UserError that names what is missing
 */
export async function ncclHeaders(
  libtorch: Libtorch,
  progress: Progress = silentProgress,
): Promise<string[]> {
  const cached = join(cacheDir(), 'libtorch', `${TORCH_VERSION}+headers`);
  const isOurs = libtorch.version === TORCH_VERSION;
  const here = () => [
    ...wheelFolders(dirname(libtorch.torchDir)),
    ...[process.env.CUDA_HOME, '/usr/local/cuda'].flatMap((home) => (home ? [join(home, 'include')] : [])),
    ...(isOurs ? wheelFolders(cached) : []),
  ];
  const folders = here();
  const missing = NEEDED.filter(([header]) => !folders.some((folder) => existsSync(join(folder, header))));
  if (missing.length === 0) return folders;
  if (!isOurs)
    throw new UserError(
      `the addon for NCCL needs ${missing.map(([header]) => header).join(', ')} of the CUDA that torch ${libtorch.version} ` +
        `was built with: install the wheels of these packages beside it (${missing.map(([, wheel]) => wheel.replace(/==.*/, '')).join(', ')}) or set CUDA_HOME`,
    );
  await fetchHeaders(
    cached,
    // The folder is replaced as a whole.
    NEEDED.filter(
      (needed) =>
        missing.includes(needed) ||
        wheelFolders(cached).some((folder) => existsSync(join(folder, needed[0]))),
    ),
    progress,
  );
  return here();
}

/** The include folders of NVIDIA's wheels that are unpacked in a folder. */
function wheelFolders(root: string): string[] {
  const nvidia = join(root, 'nvidia');
  if (!existsSync(nvidia)) return [];
  return readdirSync(nvidia)
    .map((name) => join(nvidia, name, 'include'))
    .filter((folder) => existsSync(folder));
}

async function fetchHeaders(
  target: string,
  needed: readonly (readonly [header: string, wheel: string])[],
  progress: Progress,
): Promise<void> {
  const pip = await findPip("fetching CUDA's headers", 'set CUDA_HOME to a CUDA toolkit with NCCL');
  makeFolder(dirname(target));
  await withScratch(dirname(target), async (scratch) => {
    const tree = join(scratch, 'tree');
    mkdirSync(tree);
    for (const [header, requirement] of needed) {
      const label = requirement.replace('==', ' ');
      const remedy = 'run `redistill setup --nccl` again, or set CUDA_HOME to a CUDA toolkit with NCCL';
      const wheels = await downloadWheels(pip, [requirement], scratch, {
        remedy,
        onProgress: (done, total) => {
          progress.update(Math.min(done, total ?? 0), total ?? 1, `downloading ${label}`);
        },
      });
      for (const wheel of wheels) {
        await unpackWheel(wheel, tree, { keep: (path) => CUDA_HEADER.test(path), remedy });
        await rm(wheel);
      }
      if (!wheelFolders(tree).some((folder) => existsSync(join(folder, header))))
        throw new UserError(
          `the wheel ${requirement} that pip found holds no ${header}: set CUDA_HOME to a CUDA toolkit with NCCL`,
        );
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(tree, target);
  });
}
