/** @file The kinds of stages by the name that recipes and the command line use. */
import { chooseStage } from './choose.js';
import { collectStage } from './collect.js';
import { compareStage } from './compare.js';
import { columnsStage } from './columns.js';
import { curateStage } from './curate.js';
import { doctorStage } from './doctor.js';
import { evaluateStage } from './evaluate.js';
import { getStage } from './get.js';
import { rewardsStage } from './rewards.js';
import { scoreStage } from './score.js';
import { tableStage } from './table.js';
import { trainStage } from './train.js';
import { verifyStage } from './verify.js';

/** Names of stages, which are those of their folders too. */
export const STAGE_NAME = /^[a-z][a-z0-9-]*$/;

export const stageKinds = {
  get: getStage,
  collect: collectStage,
  verify: verifyStage,
  curate: curateStage,
  rewards: rewardsStage,
  doctor: doctorStage,
  score: scoreStage,
  columns: columnsStage,
  train: trainStage,
  evaluate: evaluateStage,
  choose: chooseStage,
  table: tableStage,
  compare: compareStage,
};

export type StageKind = keyof typeof stageKinds;

/** A stage of a parsed pipeline. */
export interface StageConfig {
  name: string;
  kind: StageKind;
  config: unknown;
  /** What it has read before and what is not there any more; it must not run. */
  gone?: string[];
}
