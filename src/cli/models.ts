/** @file The commands `models get` and `models inspect`. */
import { Command } from 'commander';
import { readConfig } from '../models/directory.js';
import { parameterCount } from '../models/parameters.js';
import { createProgress } from '../util/progress.js';
import { formatCount } from '../util/bytes.js';
import { printJson } from './output.js';

export function modelsCommand(): Command {
  const get = new Command('get')
    .description('Make a model directory of a repository, a GGUF file, a directory or a known name.')
    .argument(
      '<name>',
      'smollm2-135m, owner/name[@revision] on a Hugging Face hub, a directory, or a .gguf file',
    )
    .option('--json', 'print {"path": …} as JSON')
    .addHelpText(
      'after',
      `
A hub other than huggingface.co is named by HF_ENDPOINT; HF_TOKEN opens gated repositories.

Example:
  redistill models get smollm2-135m
  redistill models get Qwen/Qwen2.5-0.5B-Instruct
  redistill models get ./model.Q4_K_M.gguf`,
    )
    .action(async (name: string, options: { json?: boolean }) => {
      const { getModel } = await import('../hub/get.js');
      const progress = createProgress(name);
      const found = await getModel(name, { progress }).finally(() => {
        progress.finish();
      });
      if (options.json) printJson(found);
      else process.stdout.write(`${found.path}\n`);
    });

  const inspect = new Command('inspect')
    .description('Describe a model directory: family, sizes, parameters.')
    .argument('<dir>', 'a model directory')
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExample:\n  redistill models inspect ./Qwen2.5-0.5B')
    .action((dir: string, options: { json?: boolean }) => {
      const config = readConfig(dir);
      const parameters = parameterCount(config);
      if (options.json) {
        printJson({ path: dir, parameters, ...config });
        return;
      }
      process.stdout.write(
        `${config.family}, ${formatCount(parameters)} parameters: ${config.attention.length} layers, hidden ${config.hiddenSize}, ` +
          `${config.heads} heads (${config.kvHeads} for keys and values) of ${config.headDim}, vocabulary ${config.vocabSize}, ` +
          `${config.maxPositions} positions, head ${config.tied ? 'tied' : 'of its own'}\n`,
      );
    });

  return new Command('models').description('Get and look at models.').addCommand(get).addCommand(inspect);
}
