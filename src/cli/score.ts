/** @file The command `score`. Without --out the rows go to standard output. */
import { Command } from 'commander';
import { requireFilesFree } from '../pipeline/stages/outputs.js';
import { scoreStage } from '../pipeline/stages/score.js';
import { longWork } from './interrupt.js';
import { LinesOut } from './output.js';
import { addSettings, settingsFrom } from './settings.js';
import { dataOf } from './stageCommand.js';

export function scoreCommand(): Command {
  const command = new Command('score')
    .description(scoreStage.summary)
    .argument('[data]', 'the same as --data')
    .option('--out <file>', 'where to write (default: standard output)');
  addSettings(command, scoreStage.schema);
  return command
    .addHelpText(
      'after',
      `
Writes one object a row, in input order:
  preference rows  {"chosen": {"tokens", "sum", "mean"}, "rejected": {…}}
  message rows     {"tokens", "sum", "mean"}

Example:
  redistill score --model ./student --data pairs.jsonl --tokens --out scores.jsonl`,
    )
    .action(async (data: string | undefined, flags: Record<string, unknown> & { out?: string }) => {
      const settings = settingsFrom(scoreStage.schema, flags, dataOf('score', data, flags), 'score');
      if (flags.out !== undefined) requireFilesFree(scoreStage, settings, flags.out);
      const { scoreFile } = await import('../train/score.js');
      using output = new LinesOut(flags.out);
      const { token_budget: tokenBudget } = settings;
      const rows = await longWork('score', 'stopped; nothing was written', (progress, signal) =>
        scoreFile({ ...settings, tokenBudget }, progress, signal),
      );
      output.emit(rows);
    });
}
