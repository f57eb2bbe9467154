import { mkdirSync } from 'node:fs';
import { Command } from 'commander';
import { readProblems } from '../data/problems.js';
import { createProgress } from '../util/progress.js';
import { addSampling, samplingOptions, type SamplingFlags } from './sampling.js';
import { printJson } from './output.js';

interface EvaluateFlags extends SamplingFlags {
  data: string;
  out?: string;
  json?: boolean;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('pass@1 with its standard error on problems with numeric answers.')
    .requiredOption('--data <file>', 'JSON lines of {"problem", "answer"}')
    .option('--out <dir>', 'where to write samples.jsonl and summary.json')
    .option('--json', 'print the summary as JSON');
  return addSampling(command)
    .addHelpText(
      'after',
      '\nExample:\n  redistill evaluate --model ./student --data examples/word-problems/test.jsonl --max-new-tokens 80 --calculator',
    )
    .action(async (flags: EvaluateFlags) => {
      const problems = readProblems(flags.data);
      const { answerProblems, summarize, writeEvaluation } = await import('../evaluate/evaluate.js');
      const { openGenerator } = await import('../generate/open.js');
      using opened = openGenerator(flags.model, flags);
      const progress = createProgress('evaluate');
      const { generator, tokenizer } = opened;
      const answered = await answerProblems(
        generator,
        tokenizer,
        problems,
        samplingOptions(flags),
        (state) => {
          progress.update(state.finished, state.total);
        },
      ).finally(() => {
        progress.finish();
      });
      if (flags.out !== undefined) mkdirSync(flags.out, { recursive: true });
      const summary = flags.out === undefined ? summarize(answered) : writeEvaluation(flags.out, answered);
      if (flags.json) {
        printJson(summary);
        return;
      }
      const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
      process.stdout.write(
        `pass@1 ${percent(summary.passAt1)} ± ${percent(summary.standardError)} (${summary.problems} problems, ${summary.samples} answers, ` +
          `${percent(summary.truncated)} cut off, ${percent(summary.unreadable)} without a number, ${summary.meanTokens.toFixed(0)} tokens on average)\n`,
      );
    });
}
