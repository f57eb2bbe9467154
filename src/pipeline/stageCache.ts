/** @file Remembers which stages of a run are done, by digests of what they read and wrote. Runs nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';

const RECORD = 'stages.json';

/** One step of a pipeline: what it reads, the settings it runs with and what it leaves behind. */
export interface Stage {
  name: string;
  /** Files and directories that it reads, earlier stages' outputs among them. */
  inputs: readonly string[];
  /** The resolved settings; plain data. */
  config: unknown;
  /** Files and directories that it writes. */
  outputs: readonly string[];
}

/** Why a stage has to run. */
export type StaleReason =
  | 'it was asked for' // --force, --from
  | 'it has not finished before'
  | 'its settings or inputs changed'
  | 'its outputs are missing or changed';

export interface RunSelection {
  /** Run everything. */
  force?: boolean;
  /** Run this stage and all after it. */
  from?: string;
}

/** By path. */
const digests = z.record(z.string(), z.string());
const Recorded = z.object({
  version: z.literal(1),
  stages: z.record(z.string(), z.object({ inputs: z.string(), read: digests.default({}), outputs: digests })),
});
type RecordedStages = z.infer<typeof Recorded>['stages'];

/**
 * Remembers in `<directory>/stages.json` which stages of a run are done, so that a second run skips them.
 *
 *     for (const stage of stages) {
 *       if (cache.staleReason(stage) === undefined) continue;
 *       cache.begin(stage);
 *       await work(stage);
 *       cache.record(stage);
 *     }
 *
 * A stage is looked at when its turn comes, since its inputs are earlier stages' outputs. `begin` forgets the stage
 * on disk before it touches anything and `record` writes it down after all outputs are there: a stage that was
 * killed in between is never fresh.
 */
export class StageCache {
  readonly #path: string;
  readonly #asked: ReadonlySet<string>;
  readonly #begun = new Map<string, Pick<RecordedStages[string], 'inputs' | 'read'>>();

  /** `names` are all stages in order. Throws a UserError where `from` is none of them. */
  constructor(directory: string, names: readonly string[], selection: RunSelection = {}) {
    this.#path = join(directory, RECORD);
    const { force, from } = selection;
    const first = force ? 0 : from === undefined ? names.length : names.indexOf(from);
    if (from !== undefined && !names.includes(from)) {
      throw new UserError(`There is no stage "${from}"; the stages are ${names.join(', ')}.`);
    }
    this.#asked = new Set(names.slice(first));
  }

  /**
   * Why the stage must run now; undefined where its recorded result still holds. An input that is not there any more
   * counts as what it was.
   */
  staleReason(stage: Stage): StaleReason | undefined {
    if (this.#asked.has(stage.name) && !this.#begun.has(stage.name)) return 'it was asked for';
    const recorded = this.#read()[stage.name];
    if (!recorded) return 'it has not finished before';
    if (recorded.inputs !== inputsOf(stage, recorded.read).inputs) return 'its settings or inputs changed';
    const kept = stage.outputs.every((path) => {
      const now = fingerprintPath(path);
      return now !== undefined && now === recorded.outputs[path];
    });
    return kept ? undefined : 'its outputs are missing or changed';
  }

  /** Whether there is a record of earlier runs that can be read. */
  get hasRecord(): boolean {
    return this.#stored() !== undefined;
  }

  /** Whether the stage has ended, whatever became of its inputs and outputs since. */
  isDone(name: string): boolean {
    return Object.hasOwn(this.#read(), name);
  }

  /** Whether what the stage has left is there as it was recorded, whatever the recipe says now. */
  hasResult(name: string): boolean {
    const outputs = Object.entries(new Map(Object.entries(this.#read())).get(name)?.outputs ?? {});
    return outputs.length > 0 && outputs.every(([path, digest]) => fingerprintPath(path) === digest);
  }

  /** To be called before the stage's work. Throws a UserError where an input is missing. */
  begin(stage: Stage): void {
    // Taken before the work: an input that changes while the stage runs must make it stale.
    this.#begun.set(stage.name, inputsOf(stage));
    const others = Object.entries(this.#read()).filter(([name]) => name !== stage.name);
    this.#write(Object.fromEntries(others));
  }

  /** To be called after the stage's work. Throws where an output is missing: the stage did not do what it says. */
  record(stage: Stage): void {
    const begun = this.#begun.get(stage.name);
    if (begun === undefined) throw new Error(`Stage ${stage.name} was recorded without being begun.`);
    const outputs: Record<string, string> = {};
    for (const path of stage.outputs) {
      const fingerprint = fingerprintPath(path);
      if (fingerprint === undefined) throw new Error(`Stage ${stage.name} ended without writing ${path}.`);
      outputs[path] = fingerprint;
    }
    this.#write({ ...this.#read(), [stage.name]: { ...begun, outputs } });
  }

  #read(): RecordedStages {
    // Absent, or not ours to understand: then nothing is known to be done, and running again is always right.
    return this.#stored() ?? {};
  }

  #stored(): RecordedStages | undefined {
    return readRecord(this.#path);
  }

  #write(stages: RecordedStages): void {
    writeFileAtomic(this.#path, JSON.stringify({ version: 1, stages }, null, 2) + '\n');
  }
}

/** What a stage has read by the record of a run in a folder; nothing where there is none. */
export function recordedInputs(directory: string, stage: string): ReadonlySet<string> {
  const stages = new Map(Object.entries(readRecord(join(directory, RECORD)) ?? {}));
  return new Set(Object.keys(stages.get(stage)?.read ?? {}));
}

function readRecord(path: string): RecordedStages | undefined {
  try {
    return Recorded.parse(JSON.parse(readFileSync(path, 'utf8'))).stages;
  } catch {
    return undefined;
  }
}

/** @param before digests that stand in for inputs that are not there */
function inputsOf(
  { name, inputs, config, outputs }: Stage,
  before: Readonly<Record<string, string>> = {},
): Pick<RecordedStages[string], 'inputs' | 'read'> {
  // What a module imports cannot be found out where it is gone.
  const isGone = inputs.some((path) => !existsSync(path));
  const others = isGone ? Object.keys(before).filter((path) => !inputs.includes(path)) : [];
  const read = [...inputs, ...others].map((path): [string, string] => {
    const fingerprint = fingerprintPath(path) ?? before[path];
    if (fingerprint === undefined) throw missing(name, path);
    return [path, fingerprint];
  });
  const digest = fingerprintValue({ config, inputs: read.map(([, fingerprint]) => fingerprint), outputs });
  return { inputs: digest, read: Object.fromEntries(read) };
}

export const missing = (stage: string, path: string): UserError =>
  new UserError(`Stage ${stage} needs ${path}, which does not exist.`);
