/** @file Downloads libtorch from torch's wheel into the cache. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../util/folders.js';
import { UserError } from '../util/errors.js';
import { type Progress, silentProgress } from '../util/progress.js';
import { requireSpace } from '../fetch/disk.js';
import { type Libtorch, TORCH_VERSION, cachedWheel, describeLibtorch, wheelDir } from './libtorch.js';
import { type Pip, downloadWheels, findPip } from '../fetch/pip.js';
import { withScratch } from '../fetch/scratch.js';
import { readWheelMetadata, unpackWheel } from '../fetch/wheel.js';

/** Packages of the libraries that libtorch_cpu.so of the CUDA build is linked to, even on machines without a GPU. */
const CPU_COMPANIONS = ['nvidia-cuda-runtime==13.0.96', 'nvidia-cuda-cupti==13.0.85'];
const CPU_SPACE = 2e9;
const CUDA_SPACE = 8e9;
const REPEAT = 'run `redistill setup` again';

export interface FetchOptions {
  /** Whether to fetch the CUDA libraries too (2.5 GB more). */
  cuda?: boolean;
  progress?: Progress;
}

/**
 * Downloads torch's wheel with pip, without its Python dependencies, and unpacks the needed files into the cache in one
 * step: the folder is complete or absent. Returns at once what an earlier call fetched.
 * @throws UserError that says what to do if pip, network, disk or wheel fail
 */
export async function fetchLibtorch(options: FetchOptions = {}): Promise<Libtorch> {
  const { cuda = false, progress = silentProgress } = options;
  const cached = cachedWheel(cuda);
  if (cached !== null) return cached;
  requireGlibc();
  const target = wheelDir(cuda);
  makeFolder(dirname(target));
  const pip = await findPip(
    'fetching libtorch',
    'set LIBTORCH to a folder with include/ and lib/ of a torch you have',
  );
  requireSpace(dirname(target), cuda ? CUDA_SPACE : CPU_SPACE, 'set-up');
  await withScratch(dirname(target), async (scratch) => {
    const tree = join(scratch, 'tree');
    mkdirSync(tree);
    await fillTree(pip, tree, scratch, cuda, progress);
    if (describeLibtorch(join(tree, 'torch'), 'wheel') === null) {
      throw new UserError(
        `the wheel torch==${TORCH_VERSION} that pip found holds no libtorch for this machine: set LIBTORCH to one that you have`,
      );
    }
    // Another process may have finished first; anything else at that path is damaged.
    if (cachedWheel(cuda) !== null) return;
    rmSync(target, { recursive: true, force: true });
    renameSync(tree, target);
  });
  return cachedWheel(cuda)!;
}

async function fillTree(
  pip: Pip,
  tree: string,
  scratch: string,
  cuda: boolean,
  progress: Progress,
): Promise<void> {
  const fetchInto = async (label: string, requirements: readonly string[], withDependencies = false) => {
    const wheels = await downloadWheels(pip, requirements, scratch, {
      withDependencies,
      remedy: `${REPEAT}, or set LIBTORCH to a torch you have`,
      onProgress: (done, total) => {
        const size = total === undefined ? '' : ` (${Math.round(total / 1e6)} MB)`;
        progress.update(Math.min(done, total ?? 0), total ?? 1, `downloading ${label}${size}`);
      },
    });
    let metadata = '';
    for (const wheel of wheels) {
      await unpackWheel(wheel, tree, {
        keep: (path) => isWanted(path, cuda),
        remedy: REPEAT,
        onProgress: (done, total) => {
          progress.update(done, total, `unpacking ${packageOf(wheel)}`);
        },
      });
      metadata += await readWheelMetadata(wheel);
      await rm(wheel);
    }
    return metadata;
  };

  progress.log(`Fetching torch ${TORCH_VERSION} with pip (about 530 MB) into ${wheelDir(cuda)}.`);
  const requirements = cudaRequirements(
    await fetchInto(`torch ${TORCH_VERSION}`, [`torch==${TORCH_VERSION}`]),
  );
  // A wheel from an index of CPU builds lists none of these and needs none.
  if (requirements.length === 0) return;
  if (cuda) await fetchInto('the CUDA libraries', requirements, true);
  else await fetchInto('cudart and CUPTI', CPU_COMPANIONS);
}

/** Returns "torch 2.11.0" for ".../torch-2.11.0-cp311-….whl". */
function packageOf(wheel: string): string {
  return basename(wheel).split('-').slice(0, 2).join(' ');
}

/** Lists the CUDA packages among a wheel's requirements, without environment markers. */
export function cudaRequirements(metadata: string): string[] {
  return [...metadata.matchAll(/^Requires-Dist: ((?:nvidia-|cuda-toolkit)[^;\r\n]*)(?:;([^\r\n]*))?$/gm)]
    .filter(([, , marker = '']) => !marker.includes('extra =='))
    .map(([, requirement]) => requirement!.trim());
}

const CUDA_ONLY = /cuda|nvrtc|nvshmem/;
/** A header of CUDA or NCCL, with which the addon for NCCL is compiled. */
export const CUDA_HEADER = /^nvidia\/[^/]+\/include\//;
const PYTHON_ONLY = /libtorch_python|libshm/;

/** Tells whether a C++ program needs this file of the wheels: headers, shared libraries and licences. */
export function isWanted(path: string, cuda: boolean): boolean {
  if (/^[^/]+\.dist-info\/(METADATA|licenses\/|LICENSE|NOTICE|License)/.test(path)) return true;
  if (path.startsWith('torch/include/')) return true;
  if (cuda && CUDA_HEADER.test(path)) return true;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!/\.so(\.|$)/.test(name)) return false;
  if (/^nvidia\/[^/]+\/lib\//.test(path)) return cuda || /^lib(cudart|cupti)\.so/.test(name);
  if (!path.startsWith('torch/lib/') && !path.startsWith('torch.libs/')) return false;
  return !PYTHON_ONLY.test(name) && (cuda || !CUDA_ONLY.test(name));
}

/** Refuses systems without glibc, for which torch's Linux wheels are built. */
function requireGlibc(): void {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  if (process.platform === 'linux' && header?.glibcVersionRuntime !== undefined) return;
  throw new UserError(
    'torch can be fetched only for Linux with glibc, which this machine does not have: use Debian, Ubuntu or a similar system',
  );
}
