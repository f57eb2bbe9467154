/** @file What a stage of a recipe is. Each is a command of the same name, with the same settings and the same files. */
import type { z } from 'zod';
import type { Progress } from '../../util/progress.js';

/** What a stage is given besides its settings. */
export interface StageContext {
  /** The file or folder that it writes. */
  out: string;
  progress: Progress;
  /** Asks the stage to stop: it throws the signal's reason. */
  signal: AbortSignal;
  /** Has a stage that needs to be told so go on from what its folder holds. */
  resume?: { allowChanges?: boolean; verify?: boolean };
  /** The processes in which a stage that trains does so: as many as are named, or a launcher's, of which this is one. */
  processes?: { nproc: number } | { rank: number };
}

/** A kind of stage. `Result` is what `--json` prints; it is plain data. */
export interface StageDefinition<Settings, Result> {
  /** One sentence, for help texts and docs/recipes.md. */
  summary: string;
  schema: z.ZodType<Settings>;
  /** Files and folders among the settings that the stage reads. */
  inputs: (settings: Settings) => string[];
  /** The name of the file that it writes; absent where it fills a folder. */
  file?: string;
  /** All files that it may write into its folder, relative to it; `*` stands for any part of one name. */
  writes: readonly string[];
  /** Files that only a run that was killed leaves. */
  scratch?: readonly string[];
  /** What later stages mean by `@name`, within the stage's own folder. */
  result: (settings: Settings, dir: string) => string;
  /** What the folder holds when the stage was stopped is gone on with. */
  resumes?: boolean;
  /** Whether a folder holds work that took long and that no other run makes again: `done` where the stage came to its end. */
  holdsWork?: (dir: string) => 'done' | 'under way' | undefined;
  run: (settings: Settings, context: StageContext) => Promise<Result>;
  /**
   * What is missing from the result, if anything: the command ends with 1 after it has shown the result. A pipeline ends
   * as well where running again may help, and else goes on with what there is.
   */
  complaint?: (result: Result, out: string) => { message: string; mayPass: boolean } | undefined;
  /** The result for people, without a final newline. */
  describe: (result: Result, settings: Settings) => string;
}

/** A definition with its types inferred. */
export function defineStage<Settings, Result>(
  definition: StageDefinition<Settings, Result>,
): StageDefinition<Settings, Result> {
  return definition;
}
