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
import { BEST } from './watch/files.js';
import { sighting, type Sighting } from './watch/state.js';

/** The folders of a run's weights. */
const MODELS = ['model', BEST];

const finishedRun = z.strictObject({
  version: z.literal(1),
  identity: runIdentity,
  last: lastingMetrics,
  sentinel: sighting.optional(),
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
    version: 1,
    identity,
    last,
    ...(sentinel && { sentinel }),
    models: modelsOf(out),
  };
  writeFileAtomic(join(out, FINISHED), `${JSON.stringify(content, null, 2)}\n`);
}

/** Whether a run was done here, whichever it was. */
export const hasFinished = (out: string): boolean => existsSync(join(out, FINISHED));

/** What a run came to, where it is done and its models are those that it made; undefined where they are not. */
export function finishedOf(out: string, identity: RunIdentity): Finished | undefined {
  if (!hasFinished(out)) return undefined;
  const text = explained(join(out, FINISHED), () => readFileSync(join(out, FINISHED), 'utf8'));
  const found = finishedRun.safeParse(parsed(text));
  if (!found.success) return undefined;
  const { identity: then, last, sentinel, models } = found.data;
  const isSame = differences(then, identity).run.length === 0 && sameRecord(models, modelsOf(out));
  return isSame ? { last, sentinel } : undefined;
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
