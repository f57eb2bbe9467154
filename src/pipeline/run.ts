/** @file Walks a pipeline. What a stage does is its own business; whether it has to run is the stage cache's. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { writeFileAtomic } from '../util/files.js';
import { fingerprintPath } from '../util/fingerprint.js';
import { refuseFolderOverInputs } from '../util/overlap.js';
import {
  commandOf,
  recordOf,
  removeOwn,
  requireRemovable,
  withOwnFolder,
  type FolderUse,
} from '../util/ownFolder.js';
import { createProgress, formatDuration } from '../util/progress.js';
import { redactSettings } from '../util/redact.js';
import { packageVersion } from '../util/version.js';
import { OtherRun } from '../teacher/header.js';
import { resolveReferences, type Pipeline } from './pipeline.js';
import { StageCache, type RunSelection } from './stageCache.js';
import { stageKinds, type StageKind } from './stages/index.js';
import { withStageFolder } from './stages/outputs.js';
import type { StageDefinition } from './stages/stage.js';

export interface RunOptions extends RunSelection {
  /** The file that the pipeline was read from, which is not written over. */
  recipe?: string;
  signal: AbortSignal;
  /** A line for the person who watches. */
  log: (line: string) => void;
}

/** What a pipeline writes into its folder besides its stages' folders. */
const writes = ['recipe.yaml', 'stages.json'];

/**
 * Walks a pipeline from its first stage to its last. A stage whose settings, inputs and outputs are what they were is
 * skipped.
 * @returns each stage's result by its name
 * @throws UserError for folders that are not ours: nothing is removed that no stage has written
 */
export async function runPipeline(pipeline: Pipeline, options: RunOptions): Promise<Map<string, string>> {
  const { out } = pipeline;
  const { recipe } = options;
  const read = recipe === undefined ? [] : [recipe];
  refuseFolderOverInputs(out, writes, read);
  const record = {
    version: packageVersion(),
    recipe: redactSettings(pipeline),
    inputs: Object.fromEntries(read.map((path) => [path, fingerprintPath(path) ?? null])),
  };
  const names = pipeline.stages.map((stage) => stage.name);
  const cache = new StageCache(out, names, options);
  return withOwnFolder(out, { command: 'run', writes, record }, () => walk(pipeline, cache, options));
}

async function walk(
  pipeline: Pipeline,
  cache: StageCache,
  options: RunOptions,
): Promise<Map<string, string>> {
  const { out, stages } = pipeline;
  // Where the record of earlier runs is gone, what stands in the stages' folders may be whole.
  const { hasRecord } = cache;
  writeFileAtomic(join(out, 'recipe.yaml'), toYaml(redactSettings(pipeline)));
  const results = new Map<string, string>();
  for (const [position, { name, kind, config }] of stages.entries()) {
    const definition = stageKinds[kind] as StageDefinition<unknown, unknown>;
    const dir = join(out, name);
    const resolved = resolveReferences(config, results);
    const result = definition.result(resolved.value, dir);
    const stage = {
      name,
      inputs: [...resolved.inputs, ...definition.inputs(resolved.value)],
      config: resolved.value,
      outputs: [result],
    };
    results.set(name, result);
    const label = `[${position + 1}/${stages.length}] ${name}`;
    const stale = cache.staleReason(stage);
    if (stale === undefined) {
      removeResult(previousOf(dir)); // a run that was killed may have left it
      options.log(`${label}: unchanged, skipped${madeByOther(dir, name)}`);
      continue;
    }
    options.log(`${label}: ${kind}`);
    const started = performance.now();
    const wasDone = cache.isDone(name);
    const again = stale === 'it was asked for' && wasDone;
    requireRemovableResult(previousOf(dir));
    cache.begin(stage);
    const work = async () => {
      const progress = createProgress(name);
      const out = definition.file === undefined ? dir : join(dir, definition.file);
      try {
        const context = { out, progress, signal: options.signal };
        await withStageFolder(kind, definition, resolved.value, dir, async () => {
          const found = await definition.run(resolved.value, context);
          progress.log(definition.describe(found, resolved.value));
          const complaint = definition.complaint?.(found, out);
          if (complaint?.mayPass) throw new Error(complaint.message);
          if (complaint) progress.log(complaint.message);
        });
      } finally {
        progress.finish();
      }
    };
    if (definition.resumes && existsSync(dir) && !again) {
      await work().catch((error: unknown) => {
        if (!(error instanceof OtherRun)) throw error;
        makeRoom(dir, wasDone || !hasRecord);
        return work();
      });
    } else {
      makeRoom(dir, wasDone || !hasRecord);
      await work();
    }
    options.signal.throwIfAborted();
    cache.record(stage);
    removeResult(previousOf(dir));
    options.log(`${label}: done in ${formatDuration((performance.now() - started) / 1000)} → ${result}`);
  }
  return results;
}

/** Says of a result that another version made it; what has been mended since would make another one. */
function madeByOther(dir: string, name: string): string {
  const version = recordOf(dir)?.version;
  if (typeof version !== 'string' || version === packageVersion()) return '';
  return ` (made by redistill ${version}; --from ${name} makes it again)`;
}

/** What a stage left before is kept until there is a new result. */
const previousOf = (dir: string): string => `${dir}.previous`;

/** Makes room for a stage's folder. @throws UserError where something in it was not written by a stage */
function makeRoom(dir: string, mayBeWhole: boolean): void {
  const previous = previousOf(dir);
  if (mayBeWhole && existsSync(dir) && !existsSync(previous)) {
    requireRemovableResult(dir);
    renameSync(dir, previous);
  } else removeResult(dir);
}

function removeResult(dir: string): void {
  removeOwn(dir, useOfResult(dir));
}

function requireRemovableResult(dir: string): void {
  requireRemovable(dir, useOfResult(dir));
}

/** What may be in a folder by the stage that made it; the recipe may have another one there now. */
function useOfResult(dir: string): Pick<FolderUse, 'command' | 'writes' | 'scratch'> {
  const command = commandOf(dir) ?? '';
  if (!Object.hasOwn(stageKinds, command)) return { command: 'run', writes: [] };
  return { command, ...stageKinds[command as StageKind] };
}
