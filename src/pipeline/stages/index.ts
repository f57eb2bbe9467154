import { evaluateStage } from './evaluate.js';
import { getStage } from './get.js';
import { sampleStage } from './sample.js';
import { tableStage } from './table.js';
import { tracesStage } from './traces.js';
import { trainStage } from './train.js';

/** The kinds of stages by the name that recipes use. */
export const stageKinds = {
  get: getStage,
  traces: tracesStage,
  train: trainStage,
  sample: sampleStage,
  evaluate: evaluateStage,
  table: tableStage,
};

export type StageKind = keyof typeof stageKinds;

/** A stage of a parsed pipeline. */
export interface StageConfig {
  name: string;
  kind: StageKind;
  config: unknown;
}
