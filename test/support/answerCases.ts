import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Preset, VerifyOptions } from '../../src/verify/verify.js';

/** A pair of other graders' test suites with the verdict that is expected of it. */
export interface AnswerCase {
  id: string;
  suite: string;
  gold: string;
  pred: string;
  expected: boolean;
  note: string;
  /** Settings as the suites name them. */
  opts?: CaseOptions;
}

interface CaseOptions {
  match?: string[];
  gold_match?: string[];
  boxed_match_priority?: number;
  float_rounding?: number;
  strict?: boolean;
  allow_set_relation_comp?: boolean;
  malformed_operators?: boolean;
  strings?: string[];
  after_think?: boolean;
  require_think_and_box?: boolean;
  disputed?: boolean;
}

/** A pair in the spirit of a public report on a grader, with the verdict that is expected of it. */
export interface ReportCase {
  id: string;
  gold: string;
  pred: string;
  expected: boolean;
  /** The kind of fault, and a word on it. */
  class: string;
  why: string;
  preset?: Preset;
}

function read(folder: string): unknown[] | undefined {
  const path = join(import.meta.dirname, '../../../shared/data', folder, 'cases.jsonl');
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line): unknown => JSON.parse(line));
}

/** The stored cases of other graders' suites; undefined where the shared data is not there. */
export const answerCases = (): AnswerCase[] | undefined => read('answer-cases') as AnswerCase[] | undefined;

/** The stored cases after reports; undefined where the shared data is not there. */
export const reportCases = (): ReportCase[] | undefined => read('answer-cases-2') as ReportCase[] | undefined;

type Target = 'latex' | 'plain' | 'choice';
const TARGETS: Record<string, Target> = { latex: 'latex', expr: 'plain', string: 'choice' };
const targets = (names: string[]) => names.map((name) => TARGETS[name]!);

/** The options of `verify` that mean what a case's settings mean. */
export function caseOptions(given: AnswerCase): { preset?: Preset } & Partial<VerifyOptions> {
  const opts = given.opts ?? {};
  const goldTargets = targets(opts.gold_match ?? []).filter((target) => target !== 'choice');
  return {
    ...(opts.require_think_and_box && { preset: 'reward', requireBox: true }),
    ...(opts.match && { targets: targets(opts.match) }),
    ...(opts.gold_match && { goldTargets }),
    ...(opts.boxed_match_priority !== undefined && { boxPriority: opts.boxed_match_priority }),
    ...(opts.float_rounding !== undefined && { decimals: opts.float_rounding }),
    ...(opts.strict === false && { strictNames: false }),
    ...(opts.allow_set_relation_comp && { setAcceptsRelation: true }),
    ...(opts.malformed_operators === false && { repair: false }),
    ...(opts.strings && { choices: opts.strings }),
    ...(opts.after_think && { afterThinking: true }),
  };
}
