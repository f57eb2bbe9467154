/** @file Work that leaves neither steps nor responses while it goes on: curations, columns, studies and the like, and how many stages of a pipeline are done. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Activity } from '../live.js';
import type { FoundFolder } from '../read/folders.js';
import { readJson } from '../read/json.js';
import { resultOf } from '../read/results.js';
import { changedAt } from './seen.js';

/** Commands that are followed by what they write on the way. */
const FOLLOWED = ['train', 'evaluate', 'collect'];
/** Commands that take no time: they are told of as long as they are not done. */
const QUICK = ['get', 'choose', 'table', 'compare'];

const pipeline = z.object({ recipe: z.object({ stages: z.array(z.object({ name: z.string() })) }) });
const cache = z.object({ stages: z.record(z.string(), z.unknown()) });

/** How far a pipeline is, in stages. */
function stagesOf({ dir, record }: FoundFolder): Pick<Activity, 'done' | 'planned'> | undefined {
  const stages = pipeline.safeParse(record).data?.recipe.stages;
  if (!stages) return undefined;
  const done = readJson(join(dir, 'stages.json'), cache)?.stages ?? {};
  return { done: stages.filter(({ name }) => Object.hasOwn(done, name)).length, planned: stages.length };
}

/**
 * What there is of such work in a folder; undefined for a command that is followed otherwise, or is not known.
 * @param isUnderWay whether somebody works in it
 */
export function workIn(folder: FoundFolder, isUnderWay: boolean): Activity | undefined {
  const { dir, name, record } = folder;
  const stages = record.command === 'run' ? stagesOf(folder) : undefined;
  const result = stages ? 'stages.json' : resultOf(record.command);
  if (result === undefined || FOLLOWED.includes(record.command)) return undefined;
  const end = changedAt(join(dir, result));
  const isDone = stages ? stages.done === stages.planned : end !== undefined;
  const state = isUnderWay ? 'running' : isDone ? 'done' : 'stopped';
  if (state === 'done' && QUICK.includes(record.command)) return undefined;
  return {
    ...{ name, kind: record.command, state, unit: 'stage', done: null, planned: null, ...stages },
    ...{ changed: end ?? null, secondsLeft: null, samples: [] },
  };
}
