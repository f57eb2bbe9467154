/** @file The graders by name: the one place where "is this response right?" is answered for an evaluation. */
import { UserError } from '../../util/errors.js';
import { verify, type Preset } from '../verify.js';
import { boxedAnswer } from './support/boxedAnswer.js';
import { grade as gradeGsm8k } from './gsm8k.js';
import { grade as gradeHendrycks } from './hendrycks.js';
import { grade as gradeRllm } from './rllm.js';

/** A response to be graded. */
export interface GraderInput {
  /** The answers that count as right, at least one. */
  golds: readonly (string | number)[];
  response: string;
  /** The response ended for want of room. */
  cutOff: boolean;
}

export interface Grade {
  correct: boolean;
  /** The answer that was found in the response; null where there is none. */
  extracted: string | null;
  /** Why, where the grader says so: `verify`'s reason and the stage of the comparison. */
  reason?: string;
  stage?: string;
}

export type Grader = (item: GraderInput) => Grade;

/** Several golds: right by any, and the first one's verdict where by none. */
const byVerify =
  (preset: Preset): Grader =>
  ({ golds, response, cutOff }) => {
    const verdicts = golds.map((gold) =>
      // What stands last in a response that was cut off is not its answer unless the response says so.
      verify({
        gold: String(gold).trim(),
        pred: response,
        preset,
        ...(cutOff && preset !== 'choice' && { anchored: true }),
      }),
    );
    const { correct, extracted, reason, stage } = verdicts.find((verdict) => verdict.correct) ?? verdicts[0]!;
    return { correct, extracted, reason, stage };
  };

const graders = {
  verify: byVerify('mathVerify'),
  'verify:anchored': byVerify('anchored'),
  'verify:reward': byVerify('reward'),
  'verify:lenient': byVerify('lenient'),
  'verify:choice': byVerify('choice'),
  rllm: ({ golds, response }) => ({
    correct: gradeRllm({ gold: golds, pred: response }),
    extracted: boxedAnswer(response.split('</think>')[1] ?? '') ?? null,
  }),
  hendrycks: ({ golds, response }) => ({
    correct: gradeHendrycks({ gold: golds, pred: response }),
    extracted: boxedAnswer(response) ?? null,
  }),
  gsm8k: ({ golds, response }) => ({
    correct: gradeGsm8k({ gold: golds, pred: response }),
    extracted: /#### (-?[0-9.,]+)/.exec(response)?.[1] ?? null,
  }),
} satisfies Record<string, Grader>;

export type GraderName = keyof typeof graders;
export const graderNames = Object.keys(graders) as GraderName[];

/** @throws UserError for a name that is not a grader's */
export function graderOf(name: string): Grader {
  if (Object.hasOwn(graders, name)) return graders[name as GraderName];
  throw new UserError(`There is no grader "${name}"; the graders are ${graderNames.join(', ')}.`);
}
