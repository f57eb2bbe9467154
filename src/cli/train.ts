/** @file The command `train`: the stage, described by a recipe of its own. */
import { Command } from 'commander';
import { objectiveNames } from '../objectives/index.js';
import { trainStage } from '../pipeline/stages/train.js';
import { describeKeys, defaultInWords } from '../recipe/describe.js';
import { readRecipe } from '../recipe/recipe.js';
import { parseTrainRecipe } from '../pipeline/trainRecipe.js';
import { trainRecipe } from '../train/settings.js';
import { longWork } from './interrupt.js';
import { printJson } from './output.js';

const collect = (value: string, before: string[]): string[] => [...before, value];

export function trainCommand(): Command {
  return new Command('train')
    .description('Run one training stage described by a recipe.')
    .argument('<recipe>', 'a YAML file')
    .option('--set <key=value>', 'override a key of the recipe; may be repeated', collect, [])
    .option('--json', 'print the result as JSON')
    .addHelpText('after', () => `\n${keysOfRecipes()}\n\n${EXAMPLE}`)
    .action(async (path: string, options: { set: string[]; json?: boolean }) => {
      const recipe = parseTrainRecipe(readRecipe(path, options.set));
      const { out, objective } = recipe;
      const stopped = `stopped; what was saved is in ${out}`;
      const result = await longWork(objective.name ?? 'train', stopped, (progress, signal) =>
        trainStage.run(recipe, { out, progress, signal }),
      );
      if (options.json) printJson(result);
      else process.stdout.write(`${trainStage.describe(result, recipe)}\n`);
    });
}

const EXAMPLE = `Example:
  redistill train recipes/redi.yaml --set optimizer.lr=1e-6 --set out=runs/redi-1`;

/** The keys of a recipe, one a line, with their defaults. */
function keysOfRecipes(): string {
  const rows = describeKeys(trainRecipe).map((key): [string, string] => {
    const initial = key.default === undefined ? '' : ` [${defaultInWords(key.default)}]`;
    return [`${'  '.repeat(key.path.length - 1)}${key.path.at(-1)!}${initial}`, key.text];
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`.trimEnd());
  return ['Keys of a recipe [defaults]:', ...lines, `Objectives: ${objectiveNames.join(', ')}.`].join('\n');
}
