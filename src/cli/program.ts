/** @file The commands there are, and what an error becomes. Running them belongs to main.ts. */
import { Command, CommanderError } from 'commander';
import { faultOf, messageOf, UserError } from '../util/errors.js';
import { print, printError } from '../util/output.js';
import { adviseCommand } from './advise.js';
import { benchmarkCommand } from './benchmark.js';
import { chatCommand } from './chat.js';
import { collectCommand } from './collect.js';
import { columnsCommand } from './columns.js';
import { compareCommand } from './compare.js';
import { curateCommand } from './curate.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { ExitCode } from './exitCode.js';
import { generateCommand } from './generate.js';
import { Interrupted } from './interrupt.js';
import { refuseLaunched } from './launched.js';
import { modelsCommand } from './models.js';
import { planCommand } from './plan.js';
import { explainFileError } from '../util/fileErrors.js';
import { packageVersion } from '../util/version.js';
import { reportCommand } from './report.js';
import { rewardsCommand } from './rewards.js';
import { runCommand } from './run.js';
import { scoreCommand } from './score.js';
import { serveCommand } from './serve.js';
import { setupCommand } from './setup.js';
import { studyCommand } from './study.js';
import { tableCommand } from './table.js';
import { trainCommand } from './train.js';
import { verifyCommand } from './verify.js';
import { watchCommand } from './watch.js';

/** The command line as commander knows it. */
export const program = new Command('redistill')
  .description('Post-training for small reasoning models, from right traces and wrong ones.')
  .version(packageVersion())
  .option('--debug', 'show where an error came from')
  .addCommand(setupCommand())
  .addCommand(modelsCommand())
  .addCommand(collectCommand())
  .addCommand(verifyCommand())
  .addCommand(curateCommand())
  .addCommand(rewardsCommand())
  .addCommand(doctorCommand())
  .addCommand(adviseCommand())
  .addCommand(scoreCommand())
  .addCommand(columnsCommand())
  .addCommand(trainCommand())
  .addCommand(generateCommand())
  .addCommand(serveCommand())
  .addCommand(chatCommand())
  .addCommand(evaluateCommand())
  .addCommand(planCommand())
  .addCommand(compareCommand())
  .addCommand(tableCommand())
  .addCommand(runCommand())
  .addCommand(studyCommand())
  .addCommand(benchmarkCommand())
  .addCommand(reportCommand())
  .addCommand(watchCommand())
  .hook('preAction', (_, command) => {
    refuseLaunched(command.name());
  });
configure(program);

/** Has commander's sentences printed as ours are, and its errors come back. */
function configure(command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: print,
    // What follows `=` may be a key.
    writeErr: (text) => {
      printError(text.replace(/(unknown option '[^'=]*)=[^]*'/, "$1'"));
    },
  });
  command.commands.forEach(configure);
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted, 141 nobody reads the output; `compare` has its own. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (thrown) {
    const error = explainFileError(thrown);
    if (error instanceof ExitCode) return error.code;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // its sentence is printed
    if (error instanceof Interrupted) {
      printError(`${error.message}\n`);
      // At its own end Node would put the terminal's settings back, and abort where there is no terminal any more.
      if (error.signal === 'SIGHUP') process.removeAllListeners('SIGHUP').kill(process.pid, 'SIGHUP');
      return 130;
    }
    return told(error);
  }
}

/** Prints an error as one sentence, and where it came from if that was asked for. @returns the exit code */
export function told(error: unknown): number {
  printError(`error: ${faultOf(error) ?? `${messageOf(error)}${adviceFor(error)}`}\n`);
  if (program.opts<{ debug?: boolean }>().debug && error instanceof Error)
    printError(`${error.stack ?? ''}\n`);
  return error instanceof UserError ? 2 : 1;
}

/** What to do about an error that has no advice of its own. */
function adviceFor(error: unknown): string {
  return messageOf(error).startsWith('out of memory')
    ? '; put less through the model at once (token_budget, --token-budget, --batch-size), set recompute: true in training, use bf16, or take a smaller model'
    : '';
}
