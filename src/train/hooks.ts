/** @file What a run tells and gives whoever has started it, and what it takes of them. */
import type { Layout } from '../text/tokenRows.js';
import type { Estimate } from './estimate.js';
import type { PreparedData } from './examples.js';
import type { StepMetrics } from './metricsFiles.js';
import type { Preflight } from './preflight.js';
import type { Proof } from './proofs.js';
import type { Ranks } from './ranks.js';
import type { ReferenceEvent } from './reference.js';
import type { ResumeOptions } from './resume.js';
import type { SavedEvent } from './saving.js';
import type { Sighting } from './watch/state.js';
import type { WatchEvent } from './watch/watch.js';

/** Events of a training run, in order. */
export type TrainEvent =
  /** Rows that are tokenised so far. */
  | { kind: 'tokenized'; done: number; total: number }
  | { kind: 'data'; rows: number; dropped: PreparedData['dropped']; tokens: number }
  | ReferenceEvent
  | ({ kind: 'doctor' } & Preflight)
  /** In `warmup` of the steps the learning rate rises, and `idle` of them have learning rate 0. */
  | {
      kind: 'start';
      formula: string;
      layout: Layout;
      steps: number;
      warmup: number;
      idle: number;
      /** Of the model, and those of them, or of its adapters, that are trained. */
      parameters: number;
      trained: number;
    }
  | { kind: 'proofs'; proofs: Proof[] }
  | ({ kind: 'estimate' } & Estimate)
  | { kind: 'step'; metrics: StepMetrics; steps: number }
  | SavedEvent
  | WatchEvent;

export interface TrainResult {
  /** The trained model: a Hugging Face directory. */
  model: string;
  steps: number;
  last: StepMetrics;
  /** How the run went, in the sentinel's words. */
  sentinel?: Sighting;
}

export interface TrainHooks {
  onEvent: (event: TrainEvent) => void;
  /** Asked before every pack. When it throws, the run saves its state and ends with its reason. */
  signal?: Pick<AbortSignal, 'throwIfAborted'>;
  /** Go on from the newest state in the run's folder. */
  resume?: ResumeOptions | undefined;
  /** The processes that train together, of which this one leads. Default: it is alone. */
  ranks?: Ranks | undefined;
}
