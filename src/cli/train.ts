import { Command } from 'commander';
import { parseRecipe } from '../recipe/parse.js';
import { applySettings, readYaml } from '../recipe/yaml.js';
import { trainRecipe } from '../train/settings.js';
import { trainInWorker } from '../train/worker.js';
import { reportTraining } from '../train/narrate.js';
import { createProgress } from '../util/progress.js';
import { Interrupted, interruptible } from './interrupt.js';
import { printJson } from './output.js';

const collect = (value: string, before: string[]): string[] => [...before, value];

export function trainCommand(): Command {
  return new Command('train')
    .description('Run one training stage described by a recipe.')
    .argument('<recipe>', 'a YAML file')
    .option('--set <key=value>', 'override a key of the recipe; may be repeated', collect, [])
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Keys of a recipe (defaults in brackets):
  model, data, out            a model directory, a JSON lines file, the run's directory
  objective                   {name: sft | redi | symmetric | simpo | dpo, and its parameters}
  layout [template], system   how rows become tokens; a system message for rows that have none
  doctor [refuse]             on data that would spoil training (see doctor --help): refuse, warn or off
  max_length                  longer rows are left out [what the model can take]
  optimizer                   {lr, betas [0.9, 0.999], eps [1e-8], weight_decay [0], clip_grad_norm [1]}
  schedule                    {warmup_ratio [0.1], decay: linear | cosine | constant [linear]}
  batch_size [8]              rows or pairs an optimizer step
  epochs [1] or max_steps
  token_budget [1024]         tokens that go through the model at once
  recompute [false]           less memory for a third more time
  dtype [bf16], device [cpu], seed [42]
  save                        {every: steps between checkpoints}

Example:
  redistill train recipes/redi.yaml --set optimizer.lr=1e-6 --set out=runs/redi-1`,
    )
    .action(async (path: string, options: { set: string[]; json?: boolean }) => {
      const recipe = parseRecipe(trainRecipe, applySettings(readYaml(path), options.set, path), path);
      const progress = createProgress(recipe.objective.name);
      const result = await interruptible((signal) =>
        trainInWorker(recipe, reportTraining(progress), signal).catch((error: unknown) => {
          if (signal.aborted) throw new Interrupted(`stopped; what was saved is in ${recipe.out}`);
          throw error;
        }),
      ).finally(() => {
        progress.finish();
      });
      if (options.json) printJson(result);
      else process.stdout.write(`model: ${result.model}\n`);
    });
}
