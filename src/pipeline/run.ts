/** @file Walks a pipeline. What a stage does is its own business; whether it has to run is the stage cache's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { writeFileAtomic } from '../util/files.js';
import { fingerprintPath } from '../util/fingerprint.js';
import { withFolder } from '../util/folderLock.js';
import { refuseFolderOverInputs } from '../util/overlap.js';
import { recordOf, withOwnFolder } from '../util/ownFolder.js';
import { createProgress, formatDuration } from '../util/progress.js';
import { redactSettings } from '../util/redact.js';
import { packageVersion } from '../util/version.js';
import { OtherRun } from '../teacher/header.js';
import { isInside } from './paths.js';
import { resolveReferences, type Pipeline } from './pipeline.js';
import { makeRoom, otherMaker, previousOf, removeResult, requireRemovableResult } from './room.js';
import { missing, StageCache, type RunSelection, type Stage } from './stageCache.js';
import { stageKinds, type StageConfig, type StageKind } from './stages/index.js';
import { withStageFolder } from './stages/outputs.js';
import type { StageDefinition } from './stages/stage.js';

export interface RunOptions extends RunSelection {
  /** The file that the pipeline was read from, which is not written over. */
  recipe?: string;
  /** In how many processes of this machine stages train that do. Default: one. */
  nproc?: number;
  signal: AbortSignal;
  /** A line for the person who watches. */
  log: (line: string) => void;
  /** What a stage that resumes has of other settings is neither removed nor moved: it is refused. */
  keepsOthers?: boolean;
}

/** The page of a run, which whoever walks it may write when it is done. */
export const REPORT = 'report.html';
/** What a pipeline writes into its folder besides its stages' folders. */
const writes = ['recipe.yaml', 'stages.json', REPORT];

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
  requireWhatRuns(pipeline, cache);
  // Where the record of earlier runs is gone, what stands in the stages' folders may be whole.
  const { hasRecord } = cache;
  writeFileAtomic(join(out, 'recipe.yaml'), toYaml(redactSettings(pipeline)));
  const results = new Map<string, string>();
  for (const [position, planned] of stages.entries()) {
    const { name, kind, gone = [] } = planned;
    const definition = definitionOf(kind);
    const dir = join(out, name);
    const { stage, result } = stageOf(planned, out, results);
    results.set(name, result);
    const label = `[${position + 1}/${stages.length}] ${name}`;
    const stale = cache.staleReason(stage);
    if (stale === undefined) {
      removeResult(previousOf(dir)); // a run that was killed may have left it
      options.log(
        `${label}: unchanged, skipped${madeByOther(dir, name)}${gone.map((path) => `; there is no ${path} any more`).join('')}`,
      );
      continue;
    }
    options.log(`${label}: ${kind}`);
    const started = performance.now();
    const wasDone = cache.isDone(name);
    const again = stale === 'it was asked for' && wasDone;
    requireRemovableResult(previousOf(dir));
    const isResult = cache.hasResult(name);
    cache.begin(stage);
    const work = async (goesOn: boolean) => {
      const progress = createProgress(name);
      const out = definition.file === undefined ? dir : join(dir, definition.file);
      try {
        const { signal, nproc } = options;
        const processes = nproc !== undefined && { processes: { nproc } };
        const context = { out, progress, signal, ...(goesOn && { resume: {} }), ...processes };
        await withStageFolder(kind, definition, stage.config, dir, async () => {
          const found = await definition.run(stage.config, context);
          progress.log(definition.describe(found, stage.config));
          const complaint = definition.complaint?.(found, out);
          if (complaint?.mayPass) throw new Error(complaint.message);
          if (complaint) progress.log(complaint.message);
        });
      } finally {
        progress.finish();
      }
    };
    const beginAnew = async (why?: string) => {
      requireRemovableResult(dir);
      if (existsSync(dir)) await withFolder(dir, () => Promise.resolve()); // `train --resume` may be at work there
      const left = makeRoom(dir, { isResult, mayBeWhole: wasDone || !hasRecord || why !== undefined });
      // What is said of the folder is to be true of where that is now.
      const because = why === undefined ? '' : `: ${why.replaceAll(dir, left?.to ?? dir)}`;
      if (left && (left.stays || why !== undefined))
        options.log(`${label}: begins anew, ${left.words}${because}`);
      return work(false);
    };
    const other = otherMaker(dir, kind);
    if (other !== undefined) await beginAnew(`${dir} was made by a stage \`${other}\``);
    else if (definition.resumes && existsSync(dir) && !again) {
      await work(true).catch((error: unknown) => {
        if (!(error instanceof OtherRun) || options.keepsOthers) throw error;
        return beginAnew(error.message);
      });
    } else await beginAnew();
    cache.record(stage); // what is done is done, even where the run is to stop now
    options.signal.throwIfAborted();
    removeResult(previousOf(dir));
    options.log(`${label}: done in ${formatDuration((performance.now() - started) / 1000)} → ${result}`);
  }
  return results;
}

/** Files and folders of rows that a recipe names and no stage of it makes: the user's own data. */
export const rowsOf = ({ stages }: Pipeline): string[] => [
  ...new Set(
    stages.flatMap(({ config }) =>
      [(config as { data?: unknown }).data]
        .flat()
        .filter((path): path is string => typeof path === 'string' && !path.startsWith('@')),
    ),
  ),
];

const definitionOf = (kind: StageKind) => stageKinds[kind] as StageDefinition<unknown, unknown>;

/** A stage with the results of earlier ones in its settings, and its own result. */
function stageOf(
  { name, kind, config }: StageConfig,
  out: string,
  results: ReadonlyMap<string, string>,
): { stage: Stage; result: string; uses: string[] } {
  const { inputs, result: resultOf } = definitionOf(kind);
  const { value, inputs: uses } = resolveReferences(config, results);
  const result = resultOf(value, join(out, name));
  return {
    stage: { name, inputs: [...uses, ...inputs(value)], config: value, outputs: [result] },
    result,
    uses,
  };
}

/** @throws UserError where a stage will run whose files are not there any more */
function requireWhatRuns({ out, stages }: Pipeline, cache: StageCache): void {
  if (stages.every(({ gone }) => gone === undefined)) return;
  const results = new Map<string, string>();
  const runs = new Set<string>();
  for (const planned of stages) {
    const { stage, result, uses } = stageOf(planned, out, results);
    results.set(planned.name, result);
    const follows = uses.some((path) =>
      stages.some(({ name }) => runs.has(name) && isInside(path, join(out, name))),
    );
    if (!follows && cache.staleReason(stage) === undefined) continue;
    if (planned.gone) throw missing(planned.name, planned.gone[0]!);
    runs.add(planned.name);
  }
}

/** Says of a result that another version made it; what has been mended since would make another one. */
function madeByOther(dir: string, name: string): string {
  const version = recordOf(dir)?.version;
  if (typeof version !== 'string' || version === packageVersion()) return '';
  return ` (made by redistill ${version}; --from ${name} makes it again)`;
}
