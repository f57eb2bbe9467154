/** @file The account of a run that is done, by which a later start knows it: its states go when there is a model. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { explained } from '../util/fileErrors.js';
import { writeFileAtomic } from '../util/files.js';
import { fingerprintPath } from '../util/fingerprint.js';
import { differences, runIdentity, type RunIdentity } from './identity.js';
import { FINISHED } from './stateFolder.js';
import { lastingMetrics, type LastingMetrics } from './metricsFiles.js';
import { BEST, SENTINEL_FILE } from './watch/files.js';
import { sighting, type Sighting } from './watch/state.js';

/** The folders of a run's weights. */
const MODELS = ['model', BEST];

const finishedRun = z.strictObject({
  version: z.literal(2),
  identity: runIdentity,
  last: lastingMetrics,
  sentinel: sighting.optional(),
  /** Whether it was seen to collapse at any step: what it came to follows from `sentinel.act` then. */
  collapsed: z.boolean(),
  /** Digests of its models: what has been put in their place since is no result of this run. */
  models: z.record(z.string(), z.string()),
});

/** What a run came to. */
export interface Finished {
  /** The line of its last step. */
  last: LastingMetrics;
  sentinel: Sighting | undefined;
}

/** Says that the run is done, after its model is whole and before its states go. */
export function writeFinished(out: string, identity: RunIdentity, { last, sentinel }: Finished): void {
  const content: z.input<typeof finishedRun> = {
    version: 2,
    identity,
    last,
    ...(sentinel && { sentinel }),
    collapsed: hasCollapsed(out),
    models: modelsOf(out),
  };
  writeFileAtomic(join(out, FINISHED), `${JSON.stringify(content, null, 2)}\n`);
}

/** Whether a run was done here, whichever it was. */
export const hasFinished = (out: string): boolean => existsSync(join(out, FINISHED));

/** What a run came to, where it is done and its models are those that it made; undefined where they are not. */
export function finishedOf(out: string, identity: RunIdentity): Finished | undefined {
  const found = accountOf(out);
  return found && otherwise(out, found, identity).length === 0 ? found : undefined;
}

/** What makes the run that is done in a folder another one than this, in words; empty where it is this one. */
export function whatDiffers(out: string, identity: RunIdentity): string {
  const found = accountOf(out);
  return found ? otherwise(out, found, identity).join('; ') : `its ${FINISHED} cannot be read`;
}

type Account = z.output<typeof finishedRun>;

function accountOf(out: string): (Account & Finished) | undefined {
  if (!hasFinished(out)) return undefined;
  const text = explained(join(out, FINISHED), () => readFileSync(join(out, FINISHED), 'utf8'));
  const { data } = finishedRun.safeParse(parsed(text));
  return data && { ...data, sentinel: data.sentinel };
}

function otherwise(out: string, { identity: then, models, collapsed }: Account, now: RunIdentity): string[] {
  const isChanged = !sameRecord(models, modelsOf(out));
  const [before, act] = [actOf(then), actOf(now)];
  const ended = collapsed ? 'had collapsed' : 'was not watched';
  return [
    ...differences(then, now).run,
    ...(isChanged ? ['what is in its folders of weights has been changed since'] : []),
    ...(endsAlike(before, act, collapsed)
      ? []
      : [`it ${ended} under sentinel.act ${before}, which is ${act} now`]),
  ];
}

/** Whether a run comes to the same under both values of `sentinel.act`: one that stayed healthy does, where somebody looked. */
function endsAlike(then: string, now: string, collapsed: boolean): boolean {
  const ends = [then, now].map((act) => act === 'stop' || act === 'rollback');
  if (then === now || ends.every((is) => !is)) return true;
  return !collapsed && then !== 'off';
}

const actOf = ({ settings }: RunIdentity): string => JSON.parse(settings['sentinel.act']!) as string;

/** Whether the sentinel saw the run collapse, by what it has left. */
function hasCollapsed(out: string): boolean {
  const path = join(out, SENTINEL_FILE);
  if (!existsSync(path)) return false;
  const text = explained(path, () => readFileSync(path, 'utf8'));
  return z
    .array(sighting)
    .parse(parsed(text))
    .some(({ verdict }) => verdict === 'collapse');
}

const modelsOf = (out: string): Record<string, string> =>
  Object.fromEntries(
    MODELS.flatMap((name) => {
      const digest = fingerprintPath(join(out, name));
      return digest === undefined ? [] : [[name, digest]];
    }),
  );

const sameRecord = (a: Record<string, string>, b: Record<string, string>): boolean =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => a[key] === b[key]);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
