/** @file Where a stage may write: a folder of its own or one file, and never over what it reads. */
import { siblingPath } from '../../util/files.js';
import { fingerprintPath } from '../../util/fingerprint.js';
import { refuseFolderOverInputs, refuseOverInputs } from '../../util/overlap.js';
import { withOwnFolder, type FolderUse } from '../../util/ownFolder.js';
import { redactSettings } from '../../util/redact.js';
import { packageVersion } from '../../util/version.js';
import type { StageContext, StageDefinition } from './stage.js';

/** What of a stage says where it writes and what it reads. */
type Outputs<Settings> = Pick<StageDefinition<Settings, unknown>, 'file' | 'writes' | 'scratch' | 'inputs'>;

/** How a stage uses its folder. The record has no time in it, so that the same work makes the same folder. */
export function useOf<Settings>(
  kind: string,
  { writes, scratch, inputs }: Outputs<Settings>,
  settings: Settings,
): FolderUse {
  const digests = inputs(settings).map((path): [string, string | null] => [path, digestOf(path)]);
  const record = {
    version: packageVersion(),
    settings: redactSettings(settings),
    inputs: Object.fromEntries(digests),
  };
  return { command: kind, writes, ...(scratch && { scratch }), record };
}

/** The digest of an input; null where there is none to be had, of which whoever reads the input says why. */
function digestOf(path: string): string | null {
  try {
    return fingerprintPath(path) ?? null;
  } catch {
    return null;
  }
}

/**
 * Runs `work` with the folder of a stage, when that may be written to.
 * @param read what is read besides the stage's inputs, such as the recipe
 * @throws UserError where the folder is not ours or holds an input
 */
export async function withStageFolder<Settings, T>(
  kind: string,
  definition: Outputs<Settings>,
  settings: Settings,
  folder: string,
  work: () => Promise<T>,
  read: readonly string[] = [],
): Promise<T> {
  const { writes, inputs } = definition;
  refuseFolderOverInputs(folder, writes, [...inputs(settings), ...read]);
  return withOwnFolder(folder, useOf(kind, definition, settings), work);
}

/**
 * Runs a stage into `context.out`, its folder or its file, when that may be written to.
 * @param read what is read besides the stage's inputs, such as the recipe
 */
export function runInto<Settings, Result>(
  kind: string,
  definition: StageDefinition<Settings, Result>,
  settings: Settings,
  context: StageContext,
  read: readonly string[] = [],
): Promise<Result> {
  const { out } = context;
  const work = () => definition.run(settings, context);
  if (definition.file === undefined) return withStageFolder(kind, definition, settings, out, work, read);
  requireFilesFree(definition, settings, out);
  return work();
}

/** @throws UserError where a stage's one file, or one beside it, is read by the stage */
export function requireFilesFree<Settings>(
  { file, writes, inputs }: Outputs<Settings>,
  settings: Settings,
  out: string,
): void {
  const stem = file!.replace(/\.[^.]*$/, '');
  const files = writes.map((name) => (name === file ? out : siblingPath(out, name.slice(stem.length + 1))));
  refuseOverInputs(files, inputs(settings));
}
