/** @file Remembers which libtorch was set up, and finds the addon that belongs to it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { addonPathFor, ncclPathFor } from './addon.js';
import { type Libtorch, describeLibtorch, libtorchFromEnvironment } from './libtorch.js';
import { cacheDir } from '../util/cacheDir.js';

export interface Setup {
  libtorch: Libtorch;
  addonPath: string;
}

/** What cannot be derived; version and addon are read again each time, so that the record cannot contradict them. */
interface SetupRecord {
  torchDir: string;
  source: Libtorch['source'];
}

function recordPath(): string {
  return join(cacheDir(), 'setup.json');
}

export function writeSetup({ torchDir, source }: Libtorch): void {
  writeFileAtomic(recordPath(), `${JSON.stringify({ torchDir, source } satisfies SetupRecord, null, 2)}\n`);
}

/**
 * Returns the result of set-up, or null if it has to run: it never ran, libtorch is gone or has another version, the
 * addon's sources have changed, or `LIBTORCH` names another libtorch now. Reads only small files and starts no program.
 */
export function readSetup(): Setup | null {
  const record = parseRecord();
  const named = libtorchFromEnvironment();
  const libtorch = named ?? (record === null ? null : describeLibtorch(record.torchDir, record.source));
  if (libtorch === null) return null;
  const addonPath = addonPathFor(libtorch);
  return existsSync(addonPath) ? { libtorch, addonPath } : null;
}

/**
 * Returns the path of the compiled addon: `REDISTILL_ADDON` if that is set, otherwise that of set-up.
 * @throws UserError if there is none for the present libtorch and sources
 */
export function addonPath(): string {
  const explicit = process.env.REDISTILL_ADDON;
  if (explicit !== undefined && explicit !== '') {
    if (!existsSync(explicit))
      throw new UserError(`REDISTILL_ADDON=${explicit} does not exist: correct or unset it`);
    return explicit;
  }
  const setup = readSetup();
  if (setup === null) throw new UserError('libtorch is not set up; run `redistill setup`');
  return setup.addonPath;
}

/**
 * Returns the path of the addon for NCCL.
 * @throws UserError if there is none for the present libtorch and sources
 */
export function ncclAddonPath(): string {
  const setup = readSetup();
  const path = setup && ncclPathFor(setup.libtorch);
  if (path === null || !existsSync(path))
    throw new UserError(
      'several processes with a GPU each need the addon for NCCL, which is not there: run `redistill setup --nccl`',
    );
  return path;
}

function parseRecord(): SetupRecord | null {
  try {
    const record = JSON.parse(readFileSync(recordPath(), 'utf8')) as Partial<Record<string, unknown>> | null;
    const { torchDir, source } = record ?? {};
    const known = source === 'LIBTORCH' || source === 'python' || source === 'wheel';
    return typeof torchDir === 'string' && known ? { torchDir, source } : null;
  } catch {
    return null;
  }
}
