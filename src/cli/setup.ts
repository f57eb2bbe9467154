/** @file The command `setup`. */
import { Command } from 'commander';
import { onTermination } from '../fetch/termination.js';
import { ensureSetup } from '../setup/index.js';
import { createProgress } from '../util/progress.js';
import { print } from '../util/output.js';
import { printRecord } from './output.js';

export function setupCommand(): Command {
  return new Command('setup')
    .description('Find or fetch libtorch and compile the addon for it. A second run checks that it loads.')
    .option('--cuda', 'insist on the CUDA libraries (about 2.7 GB)')
    .option(
      '--nccl',
      'compile the addon for NCCL too, with which several GPUs train together; includes --cuda',
    )
    .option('--json', 'print what was found as JSON')
    .addHelpText(
      'after',
      `
libtorch is looked for in LIBTORCH, in an installed Python torch, and else fetched from PyPI into
the cache (XDG_CACHE_HOME or ~/.cache). Versions 2.9 to 2.12 work.

Example:
  redistill setup
  LIBTORCH=/opt/libtorch redistill setup`,
    )
    .action(async (options: { cuda?: boolean; nccl?: boolean; json?: boolean }) => {
      const progress = createProgress('setup');
      const finish = () => {
        progress.finish();
      };
      const forget = onTermination(finish); // the bar does not stay on the terminal
      const setup = await ensureSetup({ ...options, progress }).finally(() => {
        forget();
        finish();
      });
      const { libtorch, addonPath, didWork } = setup;
      if (options.json) {
        printRecord({ ...libtorch, addonPath, didWork });
        return;
      }
      const state = didWork ? 'set up' : 'already set up';
      print(
        `${state}: libtorch ${libtorch.version} (${libtorch.source}${libtorch.cuda ? ', with CUDA' : ''}) in ${libtorch.torchDir}\naddon: ${addonPath}\n`,
      );
    });
}
