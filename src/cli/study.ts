/** @file The command `study`. */
import { Command } from 'commander';
import { readRecipe } from '../recipe/recipe.js';
import { print, printError } from '../util/output.js';
import { longWork } from './interrupt.js';
import { nprocOption, printJson, repeated } from './output.js';

const DETAILS = `An arm is a patch of the list of stages: other keys of a stage, null for a stage that it leaves out, other data, prompts or
decoding. Every arm runs with every seed; where there are several settings (\`tune\`), each arm's is chosen on the development set by the
first seed. Nothing is compared before all arms are evaluated. Differences are paired by problem; intervals are the wider of the problems'
and the seeds', p-values are adjusted over the arms by Holm. docs/studies.md has every key.

Example:
  redistill study recipes/sign-study.yaml --plan
  redistill study recipes/sign-study.yaml
  redistill study recipes/sign-study.yaml --set seeds=[1,2,3,4,5]`;

export function studyCommand(): Command {
  return new Command('study')
    .description('Compare objectives and settings over several seeds at equal compute.')
    .argument('<recipe>', 'a YAML file with arms, stages and evaluations')
    .option('--plan', 'only say what would run')
    .option('--set <key=value>', 'override a key, or take it out with ~key; may be repeated', repeated)
    .addOption(nprocOption('train'))
    .option('--json', 'print all numbers as JSON')
    .addHelpText('after', `\n${DETAILS}`)
    .action(
      async (path: string, options: { plan?: boolean; set?: string[]; nproc?: number; json?: boolean }) => {
        const { describePlan, study } = await import('../study/study.js');
        const recipe = readRecipe(path, options.set ?? []);
        if (options.plan) {
          print(`${describePlan(recipe)}\n`);
          return;
        }
        const stopped = 'stopped; run the same command again to go on: stages that are done are kept';
        const found = await longWork('study', stopped, (_, signal) =>
          study(recipe, {
            recipe: path,
            ...(options.nproc !== undefined && { nproc: options.nproc }),
            signal,
            log: (line) => {
              printError(`${line}\n`);
            },
          }),
        );
        if (options.json) printJson(found);
        else {
          const { describeStudy } = await import('../study/words.js');
          print(`${describeStudy(found)}\n`);
        }
      },
    );
}
