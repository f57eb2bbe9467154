/** @file The command line: which commands there are, and what an error becomes. */
import { Command, CommanderError } from 'commander';
import { messageOf, UserError } from '../util/errors.js';
import { collectCommand } from './collect.js';
import { curateCommand } from './curate.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { generateCommand } from './generate.js';
import { Interrupted } from './interrupt.js';
import { modelsCommand } from './models.js';
import { packageVersion } from '../util/version.js';
import { runCommand } from './run.js';
import { scoreCommand } from './score.js';
import { setupCommand } from './setup.js';
import { tableCommand } from './table.js';
import { trainCommand } from './train.js';
import { verifyCommand } from './verify.js';

/** Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted. */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('redistill')
    .description('Post-training for small reasoning models, from right traces and wrong ones.')
    .version(packageVersion())
    .option('--debug', 'show where an error came from')
    .exitOverride()
    .addCommand(setupCommand())
    .addCommand(modelsCommand())
    .addCommand(collectCommand())
    .addCommand(verifyCommand())
    .addCommand(curateCommand())
    .addCommand(doctorCommand())
    .addCommand(scoreCommand())
    .addCommand(trainCommand())
    .addCommand(generateCommand())
    .addCommand(evaluateCommand())
    .addCommand(tableCommand())
    .addCommand(runCommand());
  for (const command of program.commands) {
    command.exitOverride();
    for (const inner of command.commands) inner.exitOverride();
  }
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed its sentence
    if (error instanceof Interrupted) {
      process.stderr.write(`${error.message}\n`);
      return 130;
    }
    process.stderr.write(`error: ${messageOf(error)}${adviceFor(error)}\n`);
    if (program.opts<{ debug?: boolean }>().debug && error instanceof Error)
      process.stderr.write(`${error.stack ?? ''}\n`);
    return error instanceof UserError ? 2 : 1;
  }
}

/** What to do about an error that has no advice of its own. */
function adviceFor(error: unknown): string {
  return messageOf(error).startsWith('out of memory')
    ? '; put less through the model at once (token_budget, --token-budget, --batch-size), set recompute: true in training, use bf16, or take a smaller model'
    : '';
}

process.exitCode = await main(process.argv);
