/** @file The command `advise`. */
import { Command } from 'commander';
import { adviseSettings } from '../advise/settings.js';
import { UserError } from '../util/errors.js';
import { print } from '../util/output.js';
import { longWork } from './interrupt.js';
import { printJson } from './output.js';
import { addSettings, settingsFrom, withFlags } from './settings.js';
import { dataOf } from './stageCommand.js';

interface AdviseFlags extends Record<string, unknown> {
  json?: boolean;
}

export function adviseCommand(): Command {
  const command = new Command('advise')
    .description('Says what is known of α, lengths and learning rate for given data, before a run.')
    .argument('[data...]', 'the same as --data')
    .option('--json', 'print the statements as JSON');
  addSettings(command, adviseSettings);
  return command
    .addHelpText(
      'after',
      `
Every statement has its formula and its source; docs/training.md explains them. None of them is a verdict on a run: no model is read.
A learning rate is compared with runs whose end is known, where --lr or --recipe names one.

Example:
  redistill advise own/traces.jsonl --alpha 0.5
  redistill advise curated/pref.jsonl --recipe recipes/redi.yaml
  redistill advise curated/pref.jsonl --alpha 0.8 --lr 1e-5 --batch-size 8 --epochs 1 --json`,
    )
    .action(async (data: string[], flags: AdviseFlags) => {
      const settings = settingsFrom(adviseSettings, flags, dataOf('advise', data, flags), 'advise');
      const { advise } = await import('../advise/advise.js');
      const { describeStatements } = await import('../advise/statements.js');
      const advice = await longWork('advise', 'stopped', (progress, signal) =>
        advise(settings, progress, signal).catch((error: unknown) => {
          // What is wrong in a line of a file has that file's names.
          if (error instanceof UserError && !/, line \d/.test(error.message))
            error.message = withFlags(error.message, adviseSettings);
          throw error;
        }),
      );
      if (flags.json) printJson(advice);
      else print(`${describeStatements(advice.statements)}\n`);
    });
}
