/** @file Makes room for a stage that begins anew. What took long and is no recorded result stays until somebody removes it. */
import { existsSync, renameSync } from 'node:fs';
import { freeName } from '../util/folders.js';
import { commandOf, removeOwn, requireRemovable, type FolderUse } from '../util/ownFolder.js';
import { stageKinds, type StageKind } from './stages/index.js';
import type { StageDefinition } from './stages/stage.js';

/** What a stage left before is kept until there is a new result. */
export const previousOf = (dir: string): string => `${dir}.previous`;

/** The kind of the stage that made a folder, where that is another one: the recipe may have had it there. */
export function otherMaker(dir: string, kind: StageKind): StageKind | undefined {
  const maker = makerOf(dir);
  return maker === kind ? undefined : maker;
}

/** What is known of a stage's folder. */
export interface Left {
  /** It holds the result that is recorded, as it was. */
  isResult: boolean;
  /** It may hold one that is not recorded any more. */
  mayBeWhole: boolean;
}

/** Where a folder is now, whether it stays there when the stage is done, and that in words. */
export interface Moved {
  to: string;
  stays: boolean;
  words: string;
}

/**
 * Takes what a stage has left out of its folder's place.
 * @returns undefined where nothing was there
 * @throws UserError where something in it was not written by a stage
 */
export function makeRoom(dir: string, { isResult, mayBeWhole }: Left): Moved | undefined {
  if (!existsSync(dir)) return undefined;
  requireRemovableResult(dir);
  const work = holdsWork(dir);
  const previous = previousOf(dir);
  if (work === 'under way' || (work === 'done' && !isResult)) {
    const to = freeName(`${dir}.kept`);
    renameSync(dir, to);
    return { to, stays: true, words: `what it has stays in ${to} until you remove it` };
  }
  if (isResult) removeResult(previous);
  if (!(isResult || mayBeWhole) || existsSync(previous)) {
    removeResult(dir);
    return { to: dir, stays: false, words: 'what it has is removed' };
  }
  renameSync(dir, previous);
  return { to: previous, stays: false, words: `what it has goes to ${previous} until it is done` };
}

export function removeResult(dir: string): void {
  removeOwn(dir, useOfResult(dir));
}

export function requireRemovableResult(dir: string): void {
  requireRemovable(dir, useOfResult(dir));
}

function makerOf(dir: string): StageKind | undefined {
  const command = commandOf(dir) ?? '';
  return Object.hasOwn(stageKinds, command) ? (command as StageKind) : undefined;
}

/** What may be in a folder by the stage that made it; the recipe may have another one there now. */
function useOfResult(dir: string): Pick<FolderUse, 'command' | 'writes' | 'scratch'> {
  const maker = makerOf(dir);
  return maker === undefined ? { command: 'run', writes: [] } : { command: maker, ...stageKinds[maker] };
}

function holdsWork(dir: string): 'done' | 'under way' | undefined {
  const maker = makerOf(dir);
  return maker && (stageKinds[maker] as StageDefinition<unknown, unknown>).holdsWork?.(dir);
}
