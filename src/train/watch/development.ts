/** @file Accuracy of sampled responses to problems with known answers, under the weights as they are. */
import { readProblems, type PlacedProblem } from '../../data/problems.js';
import type { Generator, PromptTokens } from '../../generate/generator.js';
import { openRules } from '../../generate/rules/open.js';
import { samplingOf } from '../../generate/sampling.js';
import { promptFor } from '../../teacher/settings.js';
import type { ChatTokenizer } from '../../text/tokenizer.js';
import { encodePrompt } from '../../text/tokenRows.js';
import { UserError } from '../../util/errors.js';
import { graderOf } from '../../verify/graders/index.js';
import { describeResponses, responseMetrics } from './responses.js';
import type { DevelopmentSettings } from './settings.js';

export interface Development {
  settings: DevelopmentSettings;
  problems: readonly PlacedProblem[];
  prompts: readonly PromptTokens[];
}

/** Reads and encodes the problems. @throws UserError naming file and line of one that cannot be asked */
export async function openDevelopment(
  settings: DevelopmentSettings,
  tokenizer: ChatTokenizer,
): Promise<Development> {
  const { data, problem_field, answer_field, system, instruction, sampling } = settings;
  const onBadRow = (bad: { line: number; problem: string }) => {
    throw new UserError(`${data}, line ${bad.line}: ${bad.problem}`);
  };
  const names = { problem: problem_field, answer: answer_field };
  const { problems } = await readProblems(data, onBadRow, names, settings);
  const api = tokenizer.hasTemplate ? ('chat' as const) : ('completions' as const);
  const prompts = await Promise.all(
    problems.map(async ({ problem, place }) => ({
      name: `${data}: problem ${place + 1}`,
      ids: await encodePrompt(tokenizer, promptFor({ api, system, instruction }, problem), {
        ...(sampling.forced_prefix !== undefined && { forcedPrefix: sampling.forced_prefix }),
      }),
      begun: sampling.forced_prefix ?? '',
    })),
  );
  return { settings, problems, prompts };
}

/**
 * Has the model answer every problem once.
 * @param before asked between tokens; what it throws ends the sampling
 */
export async function measureAccuracy(
  { settings, problems, prompts }: Development,
  generator: Generator,
  before: () => void,
): Promise<Record<string, number>> {
  const { sampling, batch_size, grader } = settings;
  const { max_tokens, seed, forced_prefix = '' } = sampling;
  const responses = await generator.generate(prompts, {
    ...{ maxNewTokens: max_tokens, ...samplingOf(sampling), seed, rules: await openRules(sampling) },
    ...(batch_size !== undefined && { batchSize: batch_size }),
    signal: { throwIfAborted: before },
  });
  const grade = graderOf(grader);
  const right = responses.filter(
    ({ text, finishReason }, i) =>
      grade({
        golds: problems[i]!.rawGolds,
        response: forced_prefix + text,
        cutOff: finishReason === 'length',
      }).correct,
  ).length;
  const share = right / responses.length;
  return {
    eval_accuracy: share,
    // Of a mean of zeros and ones. Of one problem nothing is known.
    eval_accuracy_stderr:
      responses.length === 1 ? 0 : Math.sqrt((share * (1 - share)) / (responses.length - 1)),
    ...responseMetrics(describeResponses(responses), 'eval_'),
  };
}
