import { join } from 'node:path';
import { z } from 'zod';
import { readJsonLines, rowError, writeJsonLines } from '../data/jsonl.js';
import type { Problem } from '../data/problems.js';
import type { GenerateOptions, GenerateProgress, Generator } from '../generate/generator.js';
import type { FinishReason } from '../generate/sequence.js';
import { encodePrompt } from '../text/rows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { writeFileAtomic } from '../util/files.js';
import { gradeNumeric, type Grade } from './answers.js';
import { passAt1, type ProblemResult } from './statistics.js';

export interface AnswerOptions extends GenerateOptions {
  system?: string;
  /** How every answer begins. */
  forcedPrefix?: string;
}

export interface AnswerSample extends Grade {
  /** The whole answer, with the forced prefix. */
  text: string;
  finishReason: FinishReason;
  /** New tokens, the stop token included. */
  tokens: number;
}

export interface AnsweredProblem {
  id: string;
  problem: string;
  /** The known answer. */
  answer: string;
  original_index: number;
  samples: AnswerSample[];
}

export interface EvaluationSummary {
  passAt1: number;
  /** Of pass@1, clustered by problem; NaN for a single problem, which is `null` in JSON. */
  standardError: number;
  problems: number;
  /** Answers in all. */
  samples: number;
  /** Share of answers that were cut off. */
  truncated: number;
  /** Share of answers in which no final number was found; they count as wrong. */
  unreadable: number;
  meanTokens: number;
}

/**
 * Lets the model answer each problem as a user's question, `options.samples` times, and compares the final numbers with
 * the known answers. An answer that was cut off is graded like any other.
 * @returns one entry a problem, in order
 */
export async function answerProblems(
  generator: Pick<Generator, 'generate'>,
  tokenizer: ChatTokenizer,
  problems: readonly Problem[],
  { system, forcedPrefix = '', ...options }: AnswerOptions,
  onProgress?: (progress: GenerateProgress) => void,
): Promise<AnsweredProblem[]> {
  const prompts = await Promise.all(
    problems.map(async ({ problem }) => {
      const messages = [{ role: 'user', content: problem }];
      return { ids: await encodePrompt(tokenizer, messages, { system, forcedPrefix }) };
    }),
  );
  const completions = await generator.generate(prompts, options, onProgress);
  const each = options.samples ?? 1;
  return problems.map(({ id, problem, answer, originalIndex }, i) => ({
    id,
    problem,
    answer,
    original_index: originalIndex,
    samples: completions.slice(i * each, (i + 1) * each).map((completion) => {
      const text = forcedPrefix + completion.text;
      const { finishReason, ids } = completion;
      return { text, ...gradeNumeric(text, answer), finishReason, tokens: ids.length };
    }),
  }));
}

const resultOf = ({
  id,
  samples,
}: {
  id: string;
  samples: readonly { correct: boolean }[];
}): ProblemResult => ({
  id,
  correct: samples.filter(({ correct }) => correct).length,
  samples: samples.length,
});

/** @throws UserError where there are no problems */
export function summarize(answered: readonly AnsweredProblem[]): EvaluationSummary {
  const { mean, standardError, problems } = passAt1(answered.map(resultOf));
  const samples = answered.flatMap((problem) => problem.samples);
  const share = (holds: (sample: AnswerSample) => boolean) => samples.filter(holds).length / samples.length;
  return {
    passAt1: mean,
    standardError,
    problems,
    samples: samples.length,
    truncated: share(({ finishReason }) => finishReason === 'length'),
    unreadable: share(({ extracted }) => extracted === undefined),
    meanTokens: samples.reduce((sum, { tokens }) => sum + tokens, 0) / samples.length,
  };
}

const samplesFile = 'samples.jsonl';
const summaryFile = 'summary.json';

/** Writes samples.jsonl, one row a problem, and then summary.json into a directory. */
export function writeEvaluation(dir: string, answered: readonly AnsweredProblem[]): EvaluationSummary {
  const summary = summarize(answered);
  const rows = answered.map((problem) => ({
    ...problem,
    samples: problem.samples.map(({ finishReason, ...sample }) => ({
      ...sample,
      finish_reason: finishReason,
    })),
  }));
  writeJsonLines(join(dir, samplesFile), rows);
  writeFileAtomic(join(dir, summaryFile), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

const evaluatedProblem = z.looseObject({
  id: z.string(),
  samples: z.array(z.looseObject({ correct: z.boolean(), finish_reason: z.string() })).min(1),
});

/** What was kept of an evaluation. */
export interface KeptEvaluation {
  /** How often each problem was answered rightly. */
  results: ProblemResult[];
  /** Share of answers that were cut off. */
  truncated: number;
}

/**
 * Reads a directory of `writeEvaluation`.
 * @throws UserError with file, line and field
 */
export function readEvaluation(dir: string): KeptEvaluation {
  const path = join(dir, samplesFile);
  const problems = Array.from(readJsonLines(path), ({ line, row }) => {
    const parsed = evaluatedProblem.safeParse(row);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw rowError(path, line, `field "${issue.path.join('.')}": ${issue.message}`);
  });
  const reasons = problems.flatMap(({ samples }) => samples.map((sample) => sample.finish_reason));
  return {
    results: problems.map(resultOf),
    truncated: reasons.filter((reason) => reason === 'length').length / reasons.length,
  };
}
