/** @file Walks a pipeline. What a stage does is its own business; whether it has to run is the stage cache's. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { writeFileAtomic } from '../util/files.js';
import { createProgress, formatDuration } from '../util/progress.js';
import { redactSettings } from '../util/redact.js';
import { OtherRun } from '../teacher/header.js';
import { resolveReferences, type Pipeline } from './pipeline.js';
import { StageCache, type RunSelection } from './stageCache.js';
import { stageKinds } from './stages/index.js';
import type { StageDefinition } from './stages/stage.js';

export interface RunOptions extends RunSelection {
  signal: AbortSignal;
  /** A line for the person who watches. */
  log: (line: string) => void;
}

/**
 * Walks a pipeline from its first stage to its last. A stage whose settings, inputs and outputs are what they were is
 * skipped. @returns each stage's result by its name
 */
export async function runPipeline(pipeline: Pipeline, options: RunOptions): Promise<Map<string, string>> {
  const { out, stages } = pipeline;
  const cache = new StageCache(
    out,
    stages.map((stage) => stage.name),
    options,
  );
  // Where the record of earlier runs is gone, what stands in the stages' folders may be whole.
  const { hasRecord } = cache;
  mkdirSync(out, { recursive: true });
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
      options.log(`${label}: unchanged, skipped`);
      continue;
    }
    options.log(`${label}: ${kind}`);
    const started = performance.now();
    const wasDone = cache.isDone(name);
    const again = stale === 'it was asked for' && wasDone;
    cache.begin(stage);
    const work = async () => {
      const progress = createProgress(name);
      const out = definition.file === undefined ? dir : join(dir, definition.file);
      try {
        const context = { out, progress, signal: options.signal };
        const found = await definition.run(resolved.value, context);
        progress.log(definition.describe(found, resolved.value));
        const complaint = definition.complaint?.(found, out);
        if (complaint?.mayPass) throw new Error(complaint.message);
        if (complaint) progress.log(complaint.message);
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
    rmSync(previousOf(dir), { recursive: true, force: true });
    options.log(`${label}: done in ${formatDuration((performance.now() - started) / 1000)} → ${result}`);
  }
  return results;
}

/** What a stage left before is kept until there is a new result. */
const previousOf = (dir: string): string => `${dir}.previous`;

/** Makes an empty folder for a stage. */
function makeRoom(dir: string, mayBeWhole: boolean): void {
  const previous = previousOf(dir);
  if (mayBeWhole && existsSync(dir) && !existsSync(previous)) renameSync(dir, previous);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
}
