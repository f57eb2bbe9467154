import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines, rowError, writeJsonLines } from '../data/jsonl.js';
import type { Problem } from '../data/problems.js';
import type { FinishReason } from '../generate/sequence.js';
import type { GenerateOptions, GenerateProgress, Generator } from '../generate/generator.js';
import { encodePrompt } from '../text/rows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { writeFileAtomic } from '../util/files.js';
import { gradeNumeric } from './answers.js';
import { passAt1, type ProblemResult } from './statistics.js';

/** One answer to a problem, graded. */
export interface Sample {
  text: string;
  correct: boolean;
  /** The number that was read from it. */
  extracted?: string;
  reason: string;
  finishReason: FinishReason;
  tokens: number;
}

/** A problem with its graded answers: a line of samples.jsonl. */
export interface AnsweredProblem {
  id: string;
  problem: string;
  answer: string;
  original_index: number;
  samples: Sample[];
}

export interface AnswerOptions extends GenerateOptions {
  /** A system message before the problem. */
  system?: string;
  /** How every answer begins. */
  forcedPrefix?: string;
}

/** Lets a model answer problems (the bare problem is the user's turn) and grades the last number of each answer. */
export async function answerProblems(
  generator: Generator,
  tokenizer: ChatTokenizer,
  problems: readonly Problem[],
  options: AnswerOptions,
  onProgress?: (progress: GenerateProgress) => void,
): Promise<AnsweredProblem[]> {
  const prompts = await Promise.all(
    problems.map(async ({ problem }) => ({
      ids: await encodePrompt(tokenizer, [{ role: 'user', content: problem }], options),
    })),
  );
  const completions = await generator.generate(prompts, options, onProgress);
  const perProblem = options.samples ?? 1;
  return problems.map(({ id, problem, answer, originalIndex }, p) => ({
    id,
    problem,
    answer,
    original_index: originalIndex,
    samples: completions.slice(p * perProblem, (p + 1) * perProblem).map(({ ids, text, finishReason }) => {
      const { correct, extracted, reason } = gradeNumeric(text, answer);
      return {
        text,
        correct,
        ...(extracted !== undefined && { extracted }),
        reason,
        finishReason,
        tokens: ids.length,
      };
    }),
  }));
}

export interface EvaluationSummary {
  /** Share of right answers, averaged over problems. */
  passAt1: number;
  /** Over problems. */
  standardError: number;
  problems: number;
  samples: number;
  /** Shares of all answers. */
  truncated: number;
  unreadable: number;
  meanTokens: number;
}

export function summarize(answered: readonly AnsweredProblem[]): EvaluationSummary {
  const { mean, standardError, problems } = passAt1(resultsOf(answered));
  const all = answered.flatMap(({ samples }) => samples);
  const share = (test: (sample: Sample) => boolean) => all.filter(test).length / all.length;
  return {
    passAt1: mean,
    standardError,
    problems,
    samples: all.length,
    truncated: share(({ finishReason }) => finishReason === 'length'),
    unreadable: share(({ extracted }) => extracted === undefined),
    meanTokens: all.reduce((sum, { tokens }) => sum + tokens, 0) / all.length,
  };
}

const resultsOf = (answered: readonly AnsweredProblem[]): ProblemResult[] =>
  answered.map(({ id, samples }) => ({
    id,
    correct: samples.filter(({ correct }) => correct).length,
    samples: samples.length,
  }));

const SAMPLES = 'samples.jsonl';

/** Writes samples.jsonl and summary.json. */
export function writeEvaluation(dir: string, answered: readonly AnsweredProblem[]): EvaluationSummary {
  const summary = summarize(answered);
  writeJsonLines(join(dir, SAMPLES), answered);
  writeFileAtomic(join(dir, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

const line = z.looseObject({
  id: z.string(),
  samples: z.array(z.looseObject({ correct: z.boolean() })).min(1),
});

/** The results of an evaluation's directory, by problem. @throws UserError for a file that is none */
export function readEvaluation(dir: string): ProblemResult[] {
  const path = join(dir, SAMPLES);
  return Array.from(readJsonLines(path), ({ line: number, row }) => {
    const parsed = line.safeParse(row);
    if (!parsed.success)
      throw rowError(path, number, 'not a line of an evaluation, which has "id" and "samples"');
    const { id, samples } = parsed.data;
    return { id, correct: samples.filter(({ correct }) => correct).length, samples: samples.length };
  });
}
