/** @file The stage and command `collect`: traces of a model, verified. */
import { join } from 'node:path';
import type { CollectSummary } from '../../teacher/collect.js';
import { collectSettings } from '../../teacher/settings.js';
import { answerInputs, askedModel, holdsAnswers } from './model.js';
import { defineStage } from './stage.js';

export const collectStage = defineStage({
  summary:
    'Samples traces from a model, in a directory or behind an OpenAI-compatible endpoint, and verifies them as they arrive.',
  schema: collectSettings,
  inputs: answerInputs,
  writes: ['journal.jsonl', 'traces.jsonl', 'failed.jsonl', 'quarantine.jsonl', 'summary.json'],
  result: (_, dir) => join(dir, 'traces.jsonl'),
  resumes: true,
  holdsWork: holdsAnswers,
  run: async (settings, { out, progress, signal }) => {
    const { collect } = await import('../../teacher/collect.js');
    const { verify } = await import('../../verify/verify.js');
    const model = await askedModel(settings, progress);
    const { preset } = settings;
    const summary = await collect({
      ...{ settings, out, model, progress, signal },
      verify: (item) => verify({ ...item, preset }),
    });
    if (summary.budget_used_up)
      progress.log('the budget is used up; run the same command with a larger one to go on');
    return summary;
  },
  complaint: ({ failed, unanswerable, problems, first_failure: first }, out) => {
    const where = `${out}/failed.jsonl says why (the first: ${first})`;
    if (failed === 0) return undefined;
    if (failed === unanswerable)
      return {
        message: `${failed} of ${problems} problems cannot be asked, ${where}`,
        mayPass: failed === problems,
      };
    const message = `${failed} of ${problems} problems failed, ${where}: run the same command again to retry them`;
    return { message, mayPass: true };
  },
  describe: (summary) => describe(summary),
});

function describe(summary: CollectSummary): string {
  const { generations, right, cut_off: cutOff, problems, solved, cost } = summary;
  const tokens = summary.prompt_tokens + summary.completion_tokens;
  return (
    `${summary.traces}: ${generations} traces, ${right} of them right${cutOff === 0 ? '' : `, ${cutOff} cut off`}; ` +
    `${solved} of ${problems} problems solved; ${tokens} tokens${cost === null ? '' : `, cost ${cost.toFixed(2)}`}`
  );
}
