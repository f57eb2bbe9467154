/** @file Sets up libtorch and the addon; this is `redistill/setup`. */
/// <reference types="node" preserve="true" />

import { join } from 'node:path';
import { type Progress, silentProgress } from '../util/progress.js';
import { buildAddon, buildNcclAddon, loadFault, ncclPathFor, requireBuildTools } from './addon.js';
import { explainDiskError } from '../fetch/disk.js';
import { fetchLibtorch } from './fetchLibtorch.js';
import { findLibtorch } from './libtorch.js';
import { ncclHeaders } from './ncclHeaders.js';
import { cacheDir } from '../util/cacheDir.js';
import { type Setup, readSetup, writeSetup } from './record.js';
import { removeAbandonedLock, removeStaleScratch, withLock } from '../fetch/scratch.js';

export { buildAddon } from './addon.js';
export { type FetchOptions, fetchLibtorch } from './fetchLibtorch.js';
export { type FindOptions, type Libtorch, findLibtorch } from './libtorch.js';
export { cacheDir } from '../util/cacheDir.js';
export { type Setup, addonPath, readSetup } from './record.js';

export interface SetupOptions {
  /** Whether the CUDA libraries are required. */
  cuda?: boolean;
  /** Whether the addon for NCCL is required too, and with it the CUDA libraries. */
  nccl?: boolean;
  /** The caller calls `finish`. */
  progress?: Progress;
}

/**
 * Finds or fetches libtorch and compiles the addon for it. If that has been done, the addon is only loaded once, in
 * another process; one that cannot be loaded is compiled again. Several processes may call it at once: one works, the
 * others wait for it.
 * @throws UserError that says what to do if something is missing or fails; the cache then holds nothing incomplete
 */
export async function ensureSetup(options: SetupOptions = {}): Promise<Setup & { didWork: boolean }> {
  const { nccl = false, cuda = nccl, progress = silentProgress } = options;
  const isLoadable = async (path: string) => (await loadFault(path)) === undefined;
  const present = async (): Promise<Setup | null> => {
    const setup = readSetup();
    if (setup === null || (cuda && !setup.libtorch.cuda)) return null;
    if (nccl && !(await isLoadable(ncclPathFor(setup.libtorch)))) return null;
    return (await isLoadable(setup.addonPath)) ? setup : null;
  };
  const lock = join(cacheDir(), 'setup.lock');
  removeAbandonedLock(lock);
  for (const folder of ['libtorch', 'addon']) removeStaleScratch(join(cacheDir(), folder));
  const ready = await present();
  if (ready !== null) return { ...ready, didWork: false };
  requireBuildTools();
  const waiting = () => {
    progress.log('Another process is setting up; waiting for it.');
  };
  try {
    return await withLock(lock, waiting, async () => {
      const meanwhile = await present();
      if (meanwhile !== null) return { ...meanwhile, didWork: false };
      const log = (line: string) => {
        progress.log(line);
      };
      const libtorch = (await findLibtorch({ cuda, log })) ?? (await fetchLibtorch({ cuda, progress }));
      const addonPath = await buildAddon(libtorch, { progress });
      if (nccl) await buildNcclAddon(libtorch, await ncclHeaders(libtorch, progress), { progress });
      writeSetup(libtorch);
      return { libtorch, addonPath, didWork: true };
    });
  } catch (error) {
    throw explainDiskError(error);
  }
}
