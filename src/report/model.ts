/**
 * @file What a report shows, as plain JSON: `redistill report` makes it from folders, the page draws it. The page knows nothing else, so
 * that another program may make or read one. All texts are data: whoever draws them shows them as text.
 */

import type { Examination, PowerCurve, ResultTable, TraceSet } from './traces.js';

export type * from './traces.js';

/** Shares are in [0, 1], log-probs natural, times in seconds, sizes in bytes. null stands for what is not known or no number. */
export interface Report {
  format: 1;
  /** Of redistill. */
  version: string;
  /** ISO 8601, of the newest file that was read. */
  date: string;
  title: string;
  /** What was done, what it gained and how sure that is, a sentence each. */
  sentences: string[];
  /** The questions that a reader has, in the order of docs/guide/reading.md. */
  answers: AnsweredQuestion[];
  /** The line of stages of a recipe, in its order. */
  stages: StageBox[];
  runs: TrainingRun[];
  evaluations: EvaluationSet[];
  comparisons: ComparisonTable[];
  /** What is left out of the report, and how to get it, a sentence each. */
  notes?: string[];
  traces?: TraceSet[];
  examinations?: Examination[];
  tables?: ResultTable[];
}

/** A question and what the files say to it. */
export interface AnsweredQuestion {
  question: string;
  sentences: string[];
}

/** Where a report's part has its figures: `runs/redi`, `evaluations/after-redi`, `comparisons/verdict`. */
export type Link = string;

/** A stage and what went through it. */
export interface StageBox {
  name: string;
  /** The name of its pipeline, where the report has several. */
  of?: string;
  /** As in a recipe: `collect`, `curate`, `train`, … */
  kind: string;
  state: 'done' | 'under way' | 'not begun';
  /** What it does, by the summary of its command. */
  summary: string;
  /** Names of the stages that it reads from. */
  from: string[];
  /** Counts that it ends with, in the order in which they are shown. */
  counts: { name: string; value: number }[];
  /** Sentences of its account. */
  account: string[];
  link?: Link;
}

/** A training run. */
export interface TrainingRun {
  id: string;
  /** What it is called in figures. */
  name: string;
  dir: string;
  /** Runs of one name with other seeds are drawn as one with a band. */
  group: string;
  seed: number | null;
  /** What its model was before all trainings that records tell of, as people call it. */
  base?: string;
  /** Names of the trainings that its model had before, the first first. */
  before?: string[];
  /** The study that it is part of. */
  study?: string;
  objective: string;
  /** The loss with its numbers. */
  formula: string;
  /** Settings that differ from the defaults, by their dotted names. */
  settings: Record<string, string | number | boolean | null>;
  steps: { done: number; planned: number | null };
  finished: boolean;
  /** Of every step, or of buckets of steps where there are more than fit; by TRL's names, as in metrics.jsonl and speed.jsonl. */
  curves: Curves;
  /** The last value of each series, to the last digit: curves have six digits, and means where steps are joined. */
  last?: Record<string, number>;
  /** What was measured beside the steps: held-out loss, sampled accuracy. */
  measured: { name: string; steps: number[]; values: (number | null)[] }[];
  /** What the sentinel said, and when. */
  alerts: { step: number; sentence: string }[];
}

/** Whether a sentence of the sentinel says that nothing is wrong. */
export const isHealthy = ({ sentence }: TrainingRun['alerts'][number]): boolean =>
  sentence.startsWith('healthy');

/** Several series over the same steps. */
export interface Curves {
  /** The last step of each bucket. */
  steps: number[];
  /** Steps in a bucket; 1 where none is left out. */
  bucket: number;
  series: {
    name: string;
    /** The mean of each bucket. */
    mean: (number | null)[];
    /** The least and the most of each bucket, where a bucket has several steps. */
    low?: (number | null)[];
    high?: (number | null)[];
  }[];
}

/** Evaluations of the same problems, side by side: the earlier before the later. */
export interface EvaluationSet {
  id: string;
  /** Of the data file. */
  name: string;
  columns: EvaluationColumn[];
  /** All graders that judged, the first of each evaluation first. */
  graders: string[];
  problems: ProblemIndex;
}

/** One evaluation of a set. */
export interface EvaluationColumn {
  id: string;
  name: string;
  dir: string;
  model: string;
  /** What the model was before all trainings that records tell of, as people call it. */
  base?: string;
  /** The study that it is part of. */
  study?: string;
  samples: number;
  responses: number;
  /** Responses that were cut off. */
  cutOff: number;
  meanTokens: number;
  /** How it was asked and sampled, by the names of settings. */
  protocol: Record<string, string>;
  /** By the grader's name. */
  grades: Record<string, GradeSummary>;
}

export interface GradeSummary {
  passAt1: number;
  /** null where it cannot be known: of a single problem, and where problems are all alike. */
  standardError: number | null;
  /** Of pass@1, at 95 %. */
  interval: [number, number] | null;
  /** Responses without an answer, as a share. */
  unreadable: number;
  /** pass@k for k = 1, 2, 4, …, samples. */
  passAtK: { k: number; value: number }[];
  /** pass@1 by what rows say of themselves: subject, level, number of operations. */
  by: {
    field: string;
    rows: {
      value: string;
      problems: number;
      passAt1: number;
      standardError: number | null;
      interval?: [number, number] | null;
    }[];
  }[];
}

/**
 * What filters and lists need of each problem; its texts lie in a chunk of their own, which is opened when they are looked at. Arrays are
 * as long as there are problems.
 */
export interface ProblemIndex {
  ids: string[];
  /** The beginning of each problem, in one line. */
  heads: string[];
  /** By column, by grader: right responses of each problem. */
  right: Record<string, number[]>[];
  /** By column: responses of each problem, how many of them were cut off, and their mean tokens. */
  responses: number[][];
  cutOff: number[][];
  tokens: (number | null)[][];
  /** By column: responses about which graders disagree. */
  disputed: number[][];
  /** Problems of each chunk, in order; chunk i of set s is `chunk-s-i` of the page, gzip in base64. */
  chunks: number[];
}

/** What a chunk is, once it is unpacked. */
export type ProblemChunk = Problem[];

/** A chunk and its place: by the order of `evaluations` and of `chunks` in its `problems`. */
export interface PlacedChunk {
  set: number;
  chunk: number;
  problems: ProblemChunk;
}

export interface Problem {
  id: string;
  problem: string;
  gold: string;
  /** By column. */
  answers: Answer[][];
}

export interface Answer {
  text: string;
  finishReason: string;
  /** It was cut off, as its finish reason says; where this is absent, the page knows `length` alone. */
  cutOff?: boolean;
  tokens: number | null;
  grades: Record<string, { correct: boolean; extracted: string | null; reason?: string }>;
}

/** A comparison of evaluations, as `redistill compare` makes it, or of an arm of a study with its control. */
export interface ComparisonTable {
  id: string;
  name: string;
  /** The study that has made it: p-values are adjusted over its arms, and numbers are over its seeds. */
  study?: string;
  verdict: string;
  finding: 'better' | 'worse' | 'unclear';
  before: string;
  after: string;
  alpha: number;
  power: number;
  warnings: string[];
  rows: {
    name: string;
    grader: string;
    /** What was compared, where the report has it: the set, and the ids of its columns, several where there are several seeds. */
    columns?: { set: string; before: string[]; after: string[] };
    problems: number;
    before: number;
    after: number;
    difference: number;
    /** null for a single problem. */
    interval: [number, number] | null;
    pValue: number;
    adjusted: number;
    /** Problems; null where they were not counted. */
    gained: number | null;
    lost: number | null;
    detectableEffect: number | null;
    /** What would be seen with more problems or samples; absent where variances are not known. */
    power?: PowerCurve[];
  }[];
}
