/** @file Whether somebody works in a folder, and how far the work is. */
import { isAbandoned, isWorkedIn } from '../../util/folderLock.js';
import type { Activity } from '../live.js';
import type { FoundFolder } from '../read/folders.js';
import { changedAt } from './seen.js';

export type { Activity };

/** Where nothing has been written for so long, the work stands still; without a process, it has stopped. */
export const STALLED_MS = 5 * 60_000;
/** The library writes without a lock: it counts as alive so long after its last line. */
const SILENT_MS = 60_000;

/** What is known of work beside its folder. */
interface Progress extends Pick<
  Activity,
  'unit' | 'done' | 'planned' | 'secondsLeft' | 'samples' | 'link' | 'graded'
> {
  /** Milliseconds since 1970, of the last line. */
  changed: number | undefined;
  /** The file that is there when the work is done, and older than the last line where it has begun again. */
  finished: string;
}

/** @param now milliseconds since 1970 */
export function activityOf({ dir, name, record }: FoundFolder, now: number, of: Progress): Activity {
  const { changed, finished, ...progress } = of;
  const end = changedAt(finished);
  const isAlive = isWorkedIn(dir);
  const isDone = end !== undefined && !(isAlive && changed !== undefined && changed > end);
  const silence = changed === undefined ? 0 : now - changed;
  const isSilent = changed === undefined || silence > SILENT_MS || isAbandoned(dir);
  const state = isDone ? 'done' : stateOfWork(isAlive, silence, isSilent);
  return {
    ...{ name, kind: record.command, state, ...progress },
    changed: changed ?? null,
    secondsLeft: state === 'running' ? progress.secondsLeft : null,
    samples: isDone ? [] : progress.samples,
  };
}

function stateOfWork(isAlive: boolean, silence: number, isSilent: boolean): Activity['state'] {
  if (isAlive) return silence > STALLED_MS ? 'stalled' : 'running';
  return isSilent ? 'stopped' : 'running';
}
