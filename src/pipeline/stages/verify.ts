/** @file The stage and command `verify`: verdicts on the answers of files, by the rules and, if asked, by a judge. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { distinctFiles } from '../../data/distinctFiles.js';
import type { Judge } from '../../teacher/judge.js';
import { endpointKeys } from '../../teacher/settings.js';
import { UserError } from '../../util/errors.js';
import { siblingPath } from '../../util/files.js';
import { refuseOverInputs } from '../../util/overlap.js';
import { beginsWith, requireOwnFile } from '../../util/ownFile.js';
import type { Progress } from '../../util/progress.js';
import { formatTable } from '../../util/table.js';
import type { VerifySummary } from '../../verify/files/verifyFiles.js';
import { presetNames } from '../../verify/presets.js';
import { defineStage } from './stage.js';

const FILE = 'verified.jsonl';

export const verifySettings = z.strictObject({
  data: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('JSON lines or Parquet: rows of gold and pred, or of answer and generations'),
  preset: z
    .enum(presetNames)
    .default('mathVerify')
    .describe('how answers are found and compared, for rows that name no preset'),
  threads: z
    .int()
    .positive()
    .optional()
    .describe('worker threads, at most one a processor; without it as many as there are'),
  judge: z
    .boolean()
    .default(false)
    .describe('ask a language model too, behind an OpenAI-compatible endpoint'),
  base_url: z
    .string()
    .optional()
    .describe(
      "the judge's endpoint, such as http://127.0.0.1:8000/v1, or several of one model with commas between them",
    ),
  judge_model: z.string().optional().describe("the judge's name at the endpoint"),
  judge_mode: z
    .enum(['all', 'rejected'])
    .default('all')
    .describe('which answers the judge sees: all, or those that the rules reject'),
  judge_key_env: z.string().optional().describe("environment variable with the endpoint's key"),
  ...endpointKeys(8),
  disagreements: z
    .string()
    .optional()
    .describe('a Markdown file about the answers on which rules and judge differ'),
});
type VerifySettings = z.output<typeof verifySettings>;

export const verifyStage = defineStage({
  summary: 'Says whether the answers of files are right, by the rules and, if asked, by a judge.',
  schema: verifySettings,
  inputs: ({ data }) => [data].flat(),
  file: FILE,
  writes: [FILE, 'verified.quarantine.jsonl', 'verified.judge.jsonl', 'verified.disagreements.md'],
  result: (_, dir) => join(dir, FILE),
  run: async (settings, { out, progress, signal }) => {
    const { DISAGREEMENTS_TITLE } = await import('../../verify/files/disagreements.js');
    const { verifyFiles } = await import('../../verify/files/verifyFiles.js');
    const { preset, judge_mode: mode } = settings;
    // Each takes memory of its own, and more than there are processors are no faster.
    const threads = Math.min(settings.threads ?? Infinity, availableParallelism());
    const named = settings.disagreements;
    if (named !== undefined) refuseOverInputs([named, out], [settings.data].flat());
    const disagreements = named ?? siblingPath(out, 'disagreements.md');
    if (settings.judge && named === undefined)
      requireOwnFile(disagreements, beginsWith(DISAGREEMENTS_TITLE), 'rules and judge are compared');
    using judge = await openJudge(settings, siblingPath(out, 'judge.jsonl'), progress);
    const summary = await verifyFiles(
      {
        files: distinctFiles(settings.data),
        out,
        preset,
        threads,
        ...(judge && { judge: { judge, mode, disagreements } }),
        signal,
      },
      progress,
    );
    return { verified: out, ...summary };
  },
  complaint: ({ judge }) => {
    if (!judge?.failures) return undefined;
    const { count, permanent, first } = judge.failures;
    return {
      message: `${count} of ${judge.asked} questions to the judge were not answered (the first: ${first}): the same command asks those again`,
      mayPass: permanent < count || count === judge.asked,
    };
  },
  describe: (summary) => describeSummary(summary),
});

async function openJudge(
  settings: VerifySettings,
  cache: string,
  progress: Progress,
): Promise<Judge | undefined> {
  const { base_url: baseUrl, judge_model: model, judge_key_env: apiKeyEnv } = settings;
  if (!settings.judge) {
    if (baseUrl !== undefined || model !== undefined || settings.disagreements !== undefined)
      throw new UserError('"base_url", "judge_model" and "disagreements" belong to a judge: add "judge".');
    return undefined;
  }
  if (baseUrl === undefined || model === undefined)
    throw new UserError(
      '"judge" needs "base_url", the endpoint, and "judge_model", the name of the model there.',
    );
  const { Judge } = await import('../../teacher/judge.js');
  const onTrouble = (line: string) => {
    progress.log(line);
  };
  return new Judge({
    baseUrl,
    model,
    ...(apiKeyEnv !== undefined && { apiKeyEnv }),
    concurrency: settings.concurrency,
    timeoutSeconds: settings.timeout,
    idleSeconds: settings.idle_timeout,
    retries: settings.retries,
    cache,
    onTrouble,
  });
}

function describeSummary(summary: VerifySummary & { verified: string }): string {
  const { verified, rows, answers, correct, reasons, presets, quarantined, quarantine, judge, seconds } =
    summary;
  const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const lines = [
    `${verified}: ${rows} rows, ${answers} answers, ${correct} right (${percent(correct, answers)}), ${seconds.toFixed(1)} s`,
    formatTable(
      ['reason', 'answers'],
      Object.entries(reasons).sort(([, a], [, b]) => b - a),
    ),
  ];
  if (Object.keys(presets).length > 1) {
    const cells = Object.entries(presets).map(([name, tally]) => [name, tally.answers, tally.correct]);
    lines.push(formatTable(['preset', 'answers', 'right'], cells));
  }
  if (judge) {
    const said = `${judge.correct} right, ${judge.incorrect} wrong, ${judge.unanswered} without an answer`;
    const cost = `${judge.asked} asked now, ${judge.promptTokens} + ${judge.completionTokens} tokens`;
    lines.push(`judge: ${judge.judged} answers: ${said} (${cost})`);
    if (judge.unanswered > 0)
      lines.push('       the same command asks again about those that it could not answer');
    lines.push(`judge and rules differ on ${judge.disagreements}`);
  }
  if (quarantine !== undefined)
    lines.push(`${quarantined} rows could not be verified: they are in ${quarantine}`);
  return lines.join('\n');
}
