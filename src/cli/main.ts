/** @file The program: runs the command line once, with what ends a process. */
import { endWithOutput, printError } from '../util/output.js';
import { main, told } from './program.js';

/** The exit code that Node gives where an `await` is never settled. */
const NOTHING_LEFT_TO_DO = 13;

endWithOutput();
process.on('uncaughtException', (error) => {
  process.exit(told(error));
});
// Node prints warnings as they come, and those of libraries quote what they have read.
process.removeAllListeners('warning').on('warning', ({ name, message }) => {
  if (!/^(Deprecation|Experimental)Warning$/.test(name)) printError(`warning: ${message}\n`);
});
let hasEnded = false;
// A module of the user's may end the process, or wait for what never comes, upon which Node ends it in silence.
process.on('exit', (code) => {
  if (hasEnded || (code !== 0 && code !== NOTHING_LEFT_TO_DO)) return;
  printError(
    'error: the process ended before the work was done: does a grader or an objective of yours end it?\n',
  );
  process.exitCode = 1;
});
const code = await main(process.argv);
hasEnded = true;
process.exitCode = code;
