/** @file The commands `models get` and `models inspect`. */
import { Command } from 'commander';
import { onTermination } from '../fetch/termination.js';
import { parameterCount } from '../models/parameters.js';
import { readModelConfig } from '../models/weightFiles.js';
import { formatCount } from '../util/bytes.js';
import { createProgress } from '../util/progress.js';
import { print } from '../util/output.js';
import { printJson } from './output.js';

export function modelsCommand(): Command {
  const get = new Command('get')
    .description('Make a model directory of a repository, a GGUF file, a directory or a known name.')
    .argument(
      '<name>',
      'smollm2-135m, owner/name[@revision] on a Hugging Face hub, a directory, or a .gguf file',
    )
    .option(
      '--out <dir>',
      'make a folder of its own of the model, new or empty (default: it stays in the cache)',
    )
    .option('--json', 'print {"path": …} as JSON')
    .addHelpText(
      'after',
      `
A branch that was fetched before is looked up again; where the hub cannot be reached, the cache serves. Every --model
takes the same names, but fetches nothing.

A hub other than huggingface.co is named by HF_ENDPOINT; HF_TOKEN opens gated repositories.

Example:
  redistill models get smollm2-135m --out ./student
  redistill models get Qwen/Qwen2.5-0.5B-Instruct
  redistill models get ./model.Q4_K_M.gguf`,
    )
    .action(async (name: string, options: { json?: boolean; out?: string }) => {
      const { getModel } = await import('../hub/get.js');
      const { copyModel, requireNewFolder } = await import('../hub/ownCopy.js');
      const { out } = options;
      if (out !== undefined) requireNewFolder(out);
      const progress = createProgress(name);
      const finish = () => {
        progress.finish();
      };
      const forget = onTermination(finish); // the bar does not stay on the terminal
      const found = await getModel(name, { progress })
        .then((model) => (out === undefined ? model : copyModel(model, out)))
        .finally(() => {
          forget();
          finish();
        });
      if (options.json) printJson(found);
      else print(`${found.path}\n`);
    });

  const inspect = new Command('inspect')
    .description('Describe a model directory: family, sizes, parameters.')
    .argument('<dir>', 'a model directory')
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExample:\n  redistill models inspect ./Qwen2.5-0.5B')
    .action((dir: string, options: { json?: boolean }) => {
      const config = readModelConfig(dir);
      const parameters = parameterCount(config);
      if (options.json) {
        printJson({ path: dir, parameters, ...config });
        return;
      }
      print(
        `${config.family}, ${formatCount(parameters)} parameters: ${config.attention.length} layers, hidden ${config.hiddenSize}, ` +
          `${config.heads} heads (${config.kvHeads} for keys and values) of ${config.headDim}, vocabulary ${config.vocabSize}, ` +
          `${config.maxPositions} positions, head ${config.tied ? 'tied' : 'of its own'}\n`,
      );
    });

  return new Command('models').description('Get and look at models.').addCommand(get).addCommand(inspect);
}
