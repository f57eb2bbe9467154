/** @file The program: runs the command line once, with what ends a process. */
import { endWithOutput, printError } from '../util/output.js';
import { main, told } from './program.js';

endWithOutput();
process.on('uncaughtException', (error) => {
  process.exit(told(error));
});
// Node prints warnings as they come, and those of libraries quote what they have read.
process.removeAllListeners('warning').on('warning', ({ name, message }) => {
  if (!/^(Deprecation|Experimental)Warning$/.test(name)) printError(`warning: ${message}\n`);
});
process.exitCode = await main(process.argv);
