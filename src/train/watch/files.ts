/** @file What the watch over a run leaves in its folder. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { savedFiles } from '../../models/modelFiles.js';
import { explained } from '../../util/fileErrors.js';
import { writeFileAtomic } from '../../util/files.js';
import { freeName } from '../../util/folders.js';
import { giveWay, removeKnown, requireKnown } from '../../util/ownFolder.js';
import type { WatchState } from './state.js';

/**
 * The weights of the best step, and those of a run that has gone on from before it in another way, the later ones with a number
 * behind that name.
 */
export const [BEST, EARLIER_BEST] = ['best', 'best.previous'];

/** The folders of best weights from before a run went on in another way. */
export const earlierBests = (out: string): string[] =>
  readdirSync(out)
    .filter((name) => name === EARLIER_BEST || /^-[0-9]+$/.test(name.replace(EARLIER_BEST, '')))
    .map((name) => join(out, name));

/** Which step's weights are the best, and what the sentinel has seen. */
export const [BEST_FILE, SENTINEL_FILE] = ['best.json', 'sentinel.json'];

const bestAccount = z.object({ step: z.number(), metric: z.string().optional() });

/** The step whose weights are in the folder of the best, and the metric that they are the best by; undefined where it is not known. */
function bestIn(out: string): z.output<typeof bestAccount> | undefined {
  if (![BEST, BEST_FILE].every((name) => existsSync(join(out, name)))) return undefined;
  try {
    return bestAccount.parse(JSON.parse(readFileSync(join(out, BEST_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The step of the best weights of a run; undefined where it has none. */
export const bestStep = (out: string): number | undefined => bestIn(out)?.step;

/**
 * Forgets the best weights where those on the disk are not those that a state knows of: a future that was given up has replaced
 * them. They are looked for anew.
 * @param metric by which the run looks for its best weights from now on
 * @param keeps keeps them under another name: the run goes on in another way, and does not come to them again
 * @returns what has become of them, if anything
 */
export function forgetReplaced(
  out: string,
  state: WatchState,
  { metric, keeps }: { metric: string | undefined; keeps: boolean },
): string | undefined {
  const best = bestIn(out);
  if (best !== undefined && best.step === state.best?.step && best.metric === metric) return undefined;
  delete state.best;
  const path = join(out, BEST);
  if (!keeps || !existsSync(path)) {
    removeBest(out);
    return undefined;
  }
  requireKnown(path, savedFiles);
  const earlier = freeName(join(out, EARLIER_BEST));
  explained(path, () => {
    renameSync(path, earlier);
  });
  removeFile(join(out, BEST_FILE));
  // A process that was killed while it exchanged them has left no account of them.
  const step = best === undefined ? 'a step that is not known' : `step ${best.step}`;
  return `the best weights so far, of ${step}, are in ${earlier}: from here on the run looks for its own`;
}

/** Removes the best weights of a run, and the account of them first: it is there only while it is so. */
export function removeBest(out: string): void {
  removeFile(join(out, BEST_FILE));
  const path = join(out, BEST);
  if (existsSync(path)) removeKnown(giveWay(path, savedFiles), savedFiles);
}

/** Removes a file that may not be there. */
export function removeFile(path: string): void {
  explained(path, () => {
    rmSync(path, { force: true });
  });
}

export function writeAccount(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
