/** @file Which of several evaluations is the earlier: what files say of models, of stages and of time, and not what folders are called. */
import { join, dirname, basename } from 'node:path';
import { z } from 'zod';
import { samplesFile } from '../../evaluate/samples.js';
import { recordOf } from '../../util/ownFolder.js';
import { newestOf, type FoundFolder } from './folders.js';
import type { Lineage, Origin } from './lineage.js';

const pipeline = z.object({ recipe: z.object({ stages: z.array(z.object({ name: z.string() })) }) });

/**
 * Evaluations in the order of time: that of a model before those of the models that were trained from it; else in the order of the stages of
 * their recipe; else the one whose responses came first; else as they are.
 */
export function inTime(evaluations: readonly FoundFolder[], lineage: Lineage): FoundFolder[] {
  const left = bySteps(evaluations).map((folder) => ({
    folder,
    origin: lineage.of(folder),
  }));
  const sorted: FoundFolder[] = [];
  while (left.length > 0) {
    // A model with fewer trainings than any other comes of none of them, so that there always is one.
    const next = left.findIndex(
      (one) => !left.some((other) => other !== one && isAncestor(other.origin, one.origin)),
    );
    sorted.push(left.splice(next, 1)[0]!.folder);
  }
  return sorted;
}

/** Whether a model has had the first of the trainings of another, and not all of them. */
function isAncestor(a: Origin | undefined, b: Origin | undefined): boolean {
  if (a === undefined || b === undefined || a.trainings.length >= b.trainings.length) return false;
  const isSameBase =
    a.digest === undefined || b.digest === undefined ? a.base === b.base : a.digest === b.digest;
  return isSameBase && a.trainings.every(({ dir }, i) => b.trainings[i]!.dir === dir);
}

/** Stages of one recipe together and in its order, else by time. */
function bySteps(evaluations: readonly FoundFolder[]): FoundFolder[] {
  const groups = new Map<string, FoundFolder[]>();
  for (const folder of evaluations) {
    const parent = dirname(folder.dir);
    const key = groups.has(parent) || stagesIn(parent) ? parent : folder.dir;
    groups.set(key, [...(groups.get(key) ?? []), folder]);
  }
  return [...groups]
    .map(([parent, folders]) => {
      const stages = folders.length > 1 ? (stagesIn(parent) ?? []) : [];
      const places = new Map(stages.map((name, i) => [name, i]));
      const place = ({ dir }: FoundFolder) => places.get(basename(dir)) ?? stages.length;
      return {
        folders: folders.toSorted((a, b) => place(a) - place(b)),
        time: Math.min(...folders.map(timeOf)),
      };
    })
    .sort((a, b) => a.time - b.time)
    .flatMap(({ folders }) => folders);
}

/** The names of a recipe's stages in their order; undefined where the folder is not that of a recipe. */
const stagesIn = (dir: string): string[] | undefined =>
  pipeline.safeParse(recordOf(dir)).data?.recipe.stages.map(({ name }) => name);

/** When the last response came: grading again writes the samples anew, and not the journal. */
const timeOf = ({ dir }: FoundFolder): number =>
  (newestOf([join(dir, 'journal.jsonl')]) ?? newestOf([join(dir, samplesFile)]) ?? new Date(0)).getTime();
