/** @file What the watch over a run leaves in its folder. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { savedFiles } from '../../models/modelFiles.js';
import { explained } from '../../util/fileErrors.js';
import { writeFileAtomic } from '../../util/files.js';
import { removeKnown } from '../../util/ownFolder.js';
import type { WatchState } from './state.js';

/** The weights of the best step. */
export const BEST = 'best';

/** Which step's weights they are, and what the sentinel has seen. */
export const [BEST_FILE, SENTINEL_FILE] = ['best.json', 'sentinel.json'];

const account = z.object({ step: z.number(), metric: z.string().optional() });

/** The step whose weights a folder of a run has, and the metric that it was the best by; undefined where it is not known. */
function accountIn(out: string, folder: string, file: string): z.output<typeof account> | undefined {
  if (![folder, file].every((name) => existsSync(join(out, name)))) return undefined;
  try {
    return account.parse(JSON.parse(readFileSync(join(out, file), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The step of the best weights of a run; undefined where it has none. */
export const bestStep = (out: string): number | undefined => accountIn(out, BEST, BEST_FILE)?.step;

/**
 * Forgets the best weights where those on the disk are not those that a state knows of: a future that was given up has replaced
 * them. They are looked for anew.
 * @param metric by which the run looks for its best weights from now on
 */
export function forgetReplaced(out: string, state: WatchState, metric: string | undefined): void {
  const best = accountIn(out, BEST, BEST_FILE);
  if (best === undefined || best.step !== state.best?.step || best.metric !== metric) {
    delete state.best;
    remove(out, BEST, BEST_FILE);
  }
}

function remove(out: string, folder: string, file: string): void {
  removeFile(join(out, file));
  removeKnown(join(out, folder), savedFiles);
}

export function removeFile(path: string): void {
  explained(path, () => {
    rmSync(path, { force: true });
  });
}

export function writeAccount(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
