import { Command, Option } from 'commander';
import { createProgress } from '../util/progress.js';
import { emitLines, wholeNumber } from './output.js';

interface ScoreFlags {
  model: string;
  data: string;
  dtype: 'f32' | 'bf16';
  tokens?: boolean;
  out?: string;
  device: string;
  layout: 'template' | 'redi';
  tokenBudget: number;
}

export function scoreCommand(): Command {
  return new Command('score')
    .description("Log-probabilities of each row's response: tokens, sum and mean, natural logarithms.")
    .requiredOption('--model <dir>', 'model directory')
    .requiredOption('--data <file>', 'JSON lines: messages, or prompt/chosen/rejected')
    .addOption(new Option('--dtype <type>', 'precision').choices(['f32', 'bf16']).default('f32'))
    .option('--tokens', "add the response's ids and the log-prob of each")
    .option('--out <file>', 'where to write (default: standard output)')
    .option('--device <device>', 'cpu, cuda or cuda:N', 'cpu')
    .addOption(
      new Option('--layout <name>', 'how rows become tokens')
        .choices(['template', 'redi'])
        .default('template'),
    )
    .option('--token-budget <n>', 'tokens that go through the model at once', wholeNumber(1), 2048)
    .addHelpText(
      'after',
      `
Writes one object a row, in input order:
  preference rows  {"chosen": {"tokens", "sum", "mean"}, "rejected": {…}}
  message rows     {"tokens", "sum", "mean"}

Example:
  redistill score --model ./student --data pairs.jsonl --tokens --out scores.jsonl`,
    )
    .action(async (flags: ScoreFlags) => {
      const { scoreFile } = await import('../train/score.js');
      const progress = createProgress('score');
      const rows = await scoreFile({ ...flags, tokens: flags.tokens ?? false }, progress).finally(() => {
        progress.finish();
      });
      emitLines(rows, flags.out);
    });
}
