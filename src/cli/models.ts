/** @file The commands `models get`, `models inspect`, `models merge` and `models export`. */
import { basename, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { onTermination } from '../fetch/termination.js';
import { ggufTypes, type GgufType } from '../hub/gguf/fileTypes.js';
import { modelInput, resolveModel } from '../hub/resolve.js';
import { adapterIn, readAdapterConfig } from '../models/adapterFiles.js';
import { parameterCount } from '../models/parameters.js';
import { readModelConfig } from '../models/weightFiles.js';
import { formatCount } from '../util/bytes.js';
import { createProgress } from '../util/progress.js';
import { print } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import { longWork } from './interrupt.js';
import { printRecord } from './output.js';

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
      if (options.json) printRecord(found);
      else print(`${found.path}\n`);
    });

  const inspect = new Command('inspect')
    .description('Describe a model: family, sizes, parameters.')
    .argument(
      '<model>',
      'a model directory, an adapter, a .gguf file, or a name that `models get` has fetched',
    )
    .option('--json', 'print as JSON')
    .addHelpText('after', '\nExample:\n  redistill models inspect ./Qwen2.5-0.5B')
    .action(async (model: string, options: { json?: boolean }) => {
      const path = await resolveModel(model);
      const config = readModelConfig(path);
      const parameters = parameterCount(config);
      const dir = adapterIn(path);
      const adapter = dir === undefined ? undefined : readAdapterConfig(dir);
      if (options.json) {
        printRecord({ path, parameters, ...config, ...(adapter && { adapter }) });
        return;
      }
      const over = adapter ? `an adapter of rank ${adapter.rank}, alpha ${adapter.alpha}, over ` : '';
      print(
        `${over}${config.family}, ${formatCount(parameters)} parameters: ${config.attention.length} layers, hidden ${config.hiddenSize}, ` +
          `${config.heads} heads (${config.kvHeads} for keys and values) of ${config.headDim}, vocabulary ${config.vocabSize}, ` +
          `${config.maxPositions} positions, head ${config.tied ? 'tied' : 'of its own'}\n`,
      );
    });

  return new Command('models')
    .description('Get, look at, merge and export models.')
    .addCommand(get)
    .addCommand(inspect)
    .addCommand(mergeCommand())
    .addCommand(exportCommand());
}

function mergeCommand(): Command {
  return new Command('merge')
    .description("Make a model directory of an adapter (PEFT's LoRA, rsLoRA or DoRA) and its base.")
    .argument('<adapter>', "an adapter's directory, such as the `model` of a run that trained one")
    .requiredOption('--out <dir>', 'a folder for the model, new or empty')
    .option('--json', 'print {"path": …} as JSON')
    .addHelpText(
      'after',
      `
The base is the one that adapter_config.json names: a directory, one beside the adapter's, or a model that \`models get\` has
fetched. The weights have the types of the base's files. Every --model takes an adapter as it is, too.

Example:
  redistill models merge runs/lora/model --out ./student-lora`,
    )
    .action(async (adapter: string, { out, json }: { out: string; json?: boolean }) => {
      const { mergeAdapter } = await import('../hub/ownCopy.js');
      const path = await mergeAdapter(adapter, out);
      if (json) printRecord({ path });
      else print(`${path}\n`);
    });
}

function exportCommand(): Command {
  return new Command('export')
    .description('Write a model as a GGUF file, which llama.cpp and what is built on it read.')
    .argument('<model>', 'a model directory, a .gguf file, or a name that `models get` has fetched')
    .addOption(
      new Option('--gguf <type>', 'of the matrices; norms and biases are F32')
        .choices(ggufTypes)
        .makeOptionMandatory(),
    )
    .option('--out <file>', 'where to write (default: MODEL-TYPE.gguf in this folder)')
    .option('--json', 'print {"path": …} as JSON')
    .addHelpText(
      'after',
      `
F16 keeps 11 bits of each weight; Q8_0 has 8 bits, with a scale for every 32 weights, half the size.

Example:
  redistill models export ./student --gguf F16
  redistill models export runs/redi/model --gguf Q8_0 --out student.gguf`,
    )
    .action(async (model: string, options: { gguf: GgufType; out?: string; json?: boolean }) => {
      const { gguf: type, json } = options;
      const out = options.out ?? `${basename(resolve(model), '.gguf')}-${type}.gguf`;
      const { exportGguf } = await import('../hub/gguf/export.js');
      const path = await longWork('export', 'stopped; nothing was written', async (progress, signal) => {
        const dir = await resolveModel(model, progress);
        refuseOverInputs([out], [dir, modelInput(model)]);
        const onProgress = (done: number, total: number) => {
          progress.update(done, total, `writing ${basename(out)}`);
        };
        await exportGguf(dir, out, type, { onProgress, signal });
        return resolve(out);
      });
      if (json) printRecord({ path });
      else print(`${path}\n`);
    });
}
