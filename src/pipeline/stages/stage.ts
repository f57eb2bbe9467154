import type { z } from 'zod';
import type { Progress } from '../../util/progress.js';

/** What a stage is given besides its settings. */
export interface StageContext {
  /** The stage's own directory, empty when it begins. */
  dir: string;
  progress: Progress;
  /** Asks the stage to stop; a stage that does not listen runs to its end. */
  signal: AbortSignal;
}

/** A kind of stage. `run` works and answers what the stage leaves for others: a file or directory. */
export interface StageDefinition<T> {
  schema: z.ZodType<T>;
  /** Files among the settings, besides earlier stages' results. */
  inputs: (config: T) => string[];
  /** The stage's result, within its directory. */
  result: (config: T, dir: string) => string;
  run: (config: T, context: StageContext) => Promise<void>;
}

/** A definition with its settings' type inferred. */
export function defineStage<T>(definition: StageDefinition<T>): StageDefinition<T> {
  return definition;
}
