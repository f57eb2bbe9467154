/**
 * @file Exports the answer verifier, the graders, and the verification of whole files. Loads no libtorch; this is
 * `redistill/verify`.
 */
/// <reference types="node" preserve="true" />

export type { JudgeQuestion, Judgement, JudgeUse, ResponseJudge } from './files/judgement.js';
export type { JudgeCounts, VerdictCounts } from './files/tally.js';
export {
  verifyFiles,
  type JudgeMode,
  type VerifyFilesOptions,
  type VerifySummary,
} from './files/verifyFiles.js';
export {
  graderNames,
  graderOf,
  type Grade,
  type Grader,
  type GraderInput,
  type GraderName,
} from './graders/index.js';
export { openGraders, type GraderSetting, type NamedGrader } from './graders/open.js';
export { presetNames } from './presets.js';
export { verify, type Preset, type Reason, type Verdict, type VerifyOptions } from './verify.js';
