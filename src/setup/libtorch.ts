/** @file Finds a libtorch that is already on this machine and reads its version. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../util/errors.js';
import { runCommand } from '../fetch/command.js';
import { cacheDir } from '../util/cacheDir.js';

export interface Libtorch {
  /** Version in torch's own headers, for example "2.11.0". */
  version: string;
  /** Folder that holds include/ and lib/. */
  torchDir: string;
  source: 'LIBTORCH' | 'python' | 'wheel';
  /** Whether libtorch_cuda.so is there. */
  cuda: boolean;
}

/** Version that is fetched if none is found. */
export const TORCH_VERSION = '2.11.0';
const OLDEST_MINOR = 9;
const NEWEST_MINOR = 12;
const SUPPORTED = `2.${OLDEST_MINOR} to 2.${NEWEST_MINOR}`;

/** Reads version and kind of the libtorch in `torchDir`; null if headers or libraries are missing. */
export function describeLibtorch(torchDir: string, source: Libtorch['source']): Libtorch | null {
  const lib = (name: string) => existsSync(join(torchDir, 'lib', name));
  if (!lib('libtorch_cpu.so') || !lib('libc10.so')) return null;
  const version = headerVersion(join(torchDir, 'include'));
  return version === null ? null : { version, torchDir, source, cuda: lib('libtorch_cuda.so') };
}

export function isSupported(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 2 && minor! >= OLDEST_MINOR && minor! <= NEWEST_MINOR;
}

/** Reads the version from the headers, since the addon is compiled with them. */
function headerVersion(include: string): string | null {
  // Up to 2.8 the macros are in the first file; since 2.9 it only includes the second.
  for (const path of ['torch/csrc/api/include/torch/version.h', 'torch/headeronly/version.h']) {
    let text: string;
    try {
      text = readFileSync(join(include, path), 'utf8');
    } catch {
      continue;
    }
    const part = (name: string) => new RegExp(`#define TORCH_VERSION_${name}\\s+(\\d+)`).exec(text)?.[1];
    const parts = [part('MAJOR'), part('MINOR'), part('PATCH')];
    if (parts.every((value) => value !== undefined)) return parts.join('.');
  }
  return null;
}

/** Checks the folder that `LIBTORCH` names; null if the variable is not set. */
export function libtorchFromEnvironment(): Libtorch | null {
  const value = process.env.LIBTORCH;
  if (value === undefined || value === '') return null;
  const found = describeLibtorch(resolve(value), 'LIBTORCH');
  if (found === null) {
    throw new UserError(
      `LIBTORCH=${value} holds no libtorch: point it to the folder with include/ and lib/libtorch_cpu.so, or unset it`,
    );
  }
  if (!isSupported(found.version)) {
    throw new UserError(
      `LIBTORCH=${value} is torch ${found.version} and redistill works with ${SUPPORTED}: point it to one of those, ` +
        `or unset it and torch ${TORCH_VERSION} is fetched`,
    );
  }
  return found;
}

/** Returns the folder into which a wheel is unpacked: `torch/` below it is a `torchDir`. */
export function wheelDir(cuda: boolean): string {
  return join(cacheDir(), 'libtorch', cuda ? `${TORCH_VERSION}+cuda` : TORCH_VERSION);
}

export function cachedWheel(cuda: boolean): Libtorch | null {
  return describeLibtorch(join(wheelDir(cuda), 'torch'), 'wheel');
}

export interface FindOptions {
  /** Whether to accept only one with libtorch_cuda.so. */
  cuda?: boolean;
  /** Receives the reason why a torch that was found is not used. */
  log?: (line: string) => void;
}

/**
 * Finds a libtorch on this machine: `LIBTORCH`, then Python's torch, then what an earlier set-up fetched. Null if none
 * is usable. A `LIBTORCH` that cannot be used is a UserError, since the user named it; an unsuitable Python torch is
 * skipped with a line to `log`.
 */
export async function findLibtorch({ cuda = false, log }: FindOptions = {}): Promise<Libtorch | null> {
  const named = libtorchFromEnvironment();
  if (named !== null) {
    if (cuda && !named.cuda) {
      throw new UserError(
        `LIBTORCH=${named.torchDir} has no CUDA (lib/libtorch_cuda.so): point it to a CUDA build, or unset it and one is fetched`,
      );
    }
    return named;
  }
  return (await pythonLibtorch(cuda, log)) ?? cachedWheel(cuda) ?? (cuda ? null : cachedWheel(true));
}

/** Python code that finds torch without importing it (milliseconds, not seconds) and outside the current folder. */
const FIND_TORCH = `
import sys
sys.path = [p for p in sys.path if p]
from importlib.util import find_spec
spec = find_spec('torch')
if spec is not None and spec.origin:
    print(list(spec.submodule_search_locations)[0])
`;

async function pythonLibtorch(cuda: boolean, log?: (line: string) => void): Promise<Libtorch | null> {
  const venv = process.env.VIRTUAL_ENV;
  const seen = new Set<string>();
  for (const python of [...(venv === undefined ? [] : [join(venv, 'bin', 'python')]), 'python3', 'python']) {
    const answer = await runCommand(python, ['-c', FIND_TORCH]);
    const folder = answer.code === 0 ? answer.stdout.trim() : '';
    if (folder === '' || !existsSync(folder) || seen.has(folder)) continue;
    seen.add(folder);
    const found = describeLibtorch(realpathSync(folder), 'python');
    const problem =
      found === null
        ? 'without the C++ headers and libraries'
        : !isSupported(found.version)
          ? `version ${found.version}, outside ${SUPPORTED}`
          : cuda && !found.cuda
            ? 'built without CUDA'
            : undefined;
    if (problem === undefined) return found;
    log?.(`Not used: Python's torch in ${folder} (${problem}).`);
  }
  return null;
}
