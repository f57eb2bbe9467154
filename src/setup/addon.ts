/** @file Compiles the addon with CMake into the cache. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../util/errors.js';
import { type Progress, silentProgress } from '../util/progress.js';
import { isInstalled, runCommand } from '../fetch/command.js';
import { diskFull, mentionsFullDisk } from '../fetch/disk.js';
import { type Libtorch } from './libtorch.js';
import { cacheDir } from '../util/cacheDir.js';
import { withScratch } from '../fetch/scratch.js';
import { nativeDir } from './nativeDir.js';

const ADDON_NAME = 'redistill.node';
/** Folder below native/ of the addon for NCCL, which is compiled apart. */
const NCCL_FOLDER = 'nccl';
/** Approximate memory of the compiler for one file that includes ATen. */
const BYTES_PER_JOB = 1.5e9;
const SHOWN_LINES = 15;

/** Returns the path at which the addon for this libtorch and the present sources is, or will be. */
export function addonPathFor(libtorch: Libtorch): string {
  return pathOf(libtorch, ADDON_NAME, (name) => !name.startsWith(NCCL_FOLDER));
}

/** The same of the addon for NCCL. */
export function ncclPathFor(libtorch: Libtorch): string {
  return pathOf(libtorch, 'redistill_nccl.node', (name) => /^(nccl|gloo-stub)/.test(name));
}

function pathOf(libtorch: Libtorch, file: string, isSource: (name: string) => boolean): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([libtorch.version, libtorch.torchDir, nodeApiHeaders().version, process.arch]));
  for (const name of readdirSync(nativeDir, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.(cc|h|hpp|txt)$/.test(name) || !isSource(name)) continue;
    const text = readFileSync(join(nativeDir, name));
    hash.update(`\n${name} ${text.length}\n`).update(text);
  }
  return join(cacheDir(), 'addon', `${libtorch.version}-${hash.digest('hex').slice(0, 16)}`, file);
}

/** Throws a UserError that names the missing build tools; called before anything is downloaded. */
export function requireBuildTools(): void {
  const missing = [
    isInstalled('cmake') ? undefined : 'cmake',
    [process.env.CXX, 'c++', 'g++', 'clang++'].some(
      (name) => name !== undefined && name !== '' && isInstalled(name),
    )
      ? undefined
      : 'a C++ compiler',
    isInstalled('make') || isInstalled('ninja') ? undefined : 'make',
  ].filter((name) => name !== undefined);
  if (missing.length === 0) return;
  throw new UserError(
    `compiling the addon needs ${missing.join(' and ')}, which was not found: run ` +
      '`apt-get install -y g++ cmake make python3-pip` and then `redistill setup` again',
  );
}

export interface BuildOptions {
  progress?: Progress;
}

/**
 * Compiles native/ against `libtorch` into the cache and returns the addon's path; one of an earlier call is used if it
 * can be loaded. The addon appears in one step, after a separate process has loaded it once.
 * @throws UserError if a tool is missing, or with the compiler's first error and the path of the whole log
 */
export async function buildAddon(libtorch: Libtorch, options: BuildOptions = {}): Promise<string> {
  return await build(
    { what: 'the addon', source: nativeDir, target: addonPathFor(libtorch), args: [] },
    libtorch,
    options,
  );
}

/** The same of the addon for NCCL. @param includes folders with CUDA's and NCCL's headers, those of `libtorch`'s own build */
export async function buildNcclAddon(
  libtorch: Libtorch,
  includes: readonly string[],
  options: BuildOptions = {},
): Promise<string> {
  const args = [`-DCUDA_INCLUDES=${includes.join(';')}`];
  return await build(
    {
      what: 'the addon for NCCL',
      source: join(nativeDir, NCCL_FOLDER),
      target: ncclPathFor(libtorch),
      args,
    },
    libtorch,
    options,
  );
}

interface Target {
  /** How sentences call it. */
  what: string;
  /** Folder of its CMakeLists.txt. */
  source: string;
  /** Path of the result. */
  target: string;
  /** Definitions for CMake beside those that all have. */
  args: readonly string[];
}

async function build(
  { what, source, target, args }: Target,
  libtorch: Libtorch,
  { progress = silentProgress }: BuildOptions,
): Promise<string> {
  const [folder, file] = [dirname(target), basename(target)];
  if (existsSync(target)) {
    const fault = await loadFault(target);
    if (fault === undefined) return target;
    progress.log(`The addon ${target} cannot be loaded (${fault}); it is compiled again.`);
    rmSync(folder, { recursive: true, force: true });
  }
  requireBuildTools();
  progress.log(`Compiling ${what} for torch ${libtorch.version} (${libtorch.torchDir}).`);
  await withScratch(dirname(folder), async (scratch) => {
    const made = join(scratch, 'build');
    const log = { path: join(scratch, 'output'), keptAs: `${folder}.log` };
    await step(`configuring ${what}`, log, [
      ...['-S', source, '-B', made, '-DCMAKE_BUILD_TYPE=Release'],
      ...(process.env.CMAKE_GENERATOR === undefined && isInstalled('ninja') ? ['-G', 'Ninja'] : []),
      `-DLIBTORCH=${libtorch.torchDir}`,
      `-DNODE_API_HEADERS=${nodeApiHeaders().include}`,
      ...args,
    ]);
    await step(`compiling ${what}`, log, ['--build', made, '--parallel', String(parallelJobs())], (line) => {
      // Ninja prints "[2/8] Building …", make "[ 25%] Building …".
      const ninja = /^\[(\d+)\/(\d+)\]/.exec(line);
      const make = /^\[ *(\d+)%\]/.exec(line);
      if (ninja !== null) progress.update(Number(ninja[1]), Number(ninja[2]), `compiling ${what}`);
      else if (make !== null) progress.update(Number(make[1]), 100, `compiling ${what}`);
    });
    await requireLoadable(join(made, file), libtorch);
    const finished = join(scratch, 'finished');
    mkdirSync(finished);
    renameSync(join(made, file), join(finished, file));
    // Another process may have finished first; anything else at that path is damaged.
    if (existsSync(target)) return;
    rmSync(folder, { recursive: true, force: true });
    renameSync(finished, folder);
  });
  rmSync(`${folder}.log`, { force: true });
  return target;
}

interface Log {
  path: string;
  /** Path to which it is moved if the step fails. */
  keptAs: string;
}

async function step(name: string, log: Log, args: string[], onLine?: (line: string) => void): Promise<void> {
  const result = await runCommand('cmake', args, { logFile: log.path, onLine });
  if (result.code === 0) return;
  if (mentionsFullDisk(result.tail.join('\n'))) throw diskFull();
  renameSync(log.path, log.keptAs);
  throw new UserError(
    `${name} failed (the whole output is in ${log.keptAs}); its first error is\n${firstError(result.tail)}`,
  );
}

/** Returns lines from the first error on, since later errors usually follow from it; without one, the last lines. */
function firstError(tail: readonly string[]): string {
  const lines = tail.filter((line) => line.trim() !== '');
  const first = lines.findIndex((line) => /\berror\b/i.test(line));
  const from = Math.max(0, first === -1 ? lines.length - SHOWN_LINES : first);
  return lines
    .slice(from, from + SHOWN_LINES)
    .map((line) => `  ${line}`)
    .join('\n');
}

async function requireLoadable(addon: string, libtorch: Libtorch): Promise<void> {
  const fault = await loadFault(addon);
  if (fault === undefined) return;
  throw new UserError(
    `the addon was compiled but libtorch in ${libtorch.torchDir} does not load (${fault}): ` +
      'set LIBTORCH to a complete torch, or remove that one and run `redistill setup` again',
  );
}

/** Loads an addon in a process of its own, which a damaged one may end; returns why it cannot be loaded, if it cannot. */
export async function loadFault(addon: string): Promise<string | undefined> {
  const script = 'process.dlopen({ exports: {} }, process.argv[1])';
  const result = await runCommand(process.execPath, ['-e', script, addon]);
  if (result.code === 0) return undefined;
  const reason = result.tail.find((line) => /^Error: /.test(line)) ?? result.tail.at(-1) ?? 'no reason given';
  return reason.replace(/^Error: /, '');
}

function parallelJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_JOB)));
}

export function nodeApiHeaders(): { include: string; version: string } {
  const manifest = createRequire(import.meta.url).resolve('node-api-headers/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { include: join(dirname(manifest), 'include'), version };
}
