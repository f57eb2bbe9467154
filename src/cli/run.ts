/** @file The command `run`: a pipeline of stages. */
import { join } from 'node:path';
import { Command } from 'commander';
import { stageKinds } from '../pipeline/stages/index.js';
import { readRecipe } from '../recipe/recipe.js';
import { formatBytes } from '../util/bytes.js';
import { peakMemory } from '../util/children.js';
import { messageOf } from '../util/errors.js';
import { explainFileError } from '../util/fileErrors.js';
import { inLine } from '../util/printable.js';
import { formatDuration } from '../util/progress.js';
import { print, printError } from '../util/output.js';
import { longWork } from './interrupt.js';
import { nprocOption, printJson, repeated } from './output.js';

/** The kinds of stages, one a line. */
function stagesInWords(): string {
  const kinds: [string, { summary: string }][] = Object.entries(stageKinds);
  const width = Math.max(...kinds.map(([kind]) => kind.length));
  return [
    'Kinds of stages, each with the settings of the command of that name (docs/recipes.md has every key):',
    ...kinds.map(([kind, { summary }]) => `  ${kind.padEnd(width)}  ${summary}`),
  ].join('\n');
}

const DETAILS = `"@name" is what the stage "name" left, "@name/file" a file in its folder. Paths count from the current folder, and where
nothing is there from the recipe's own; "out" counts from the current folder. Everything that a recipe names is looked
for before the first stage runs. --set '~stages.redi.objective.alpha' takes a key out.

Example:
  redistill run recipes/quickstart.yaml
  redistill run recipes/quickstart.yaml --from redi`;

export function runCommand(): Command {
  return new Command('run')
    .description('Walk a pipeline of stages; stages whose inputs have not changed are skipped.')
    .argument('<recipe>', 'a YAML file with a list of stages')
    .option('--force', 'run every stage')
    .option('--from <stage>', 'run this stage and all after it')
    .option(
      '--set <key=value>',
      'override a key, e.g. stages.redi.optimizer.lr=1e-6, or take it out with ~key; may be repeated',
      repeated,
    )
    .addOption(nprocOption('train, in stages that do,'))
    .option('--json', 'print where each stage left its result as JSON')
    .addHelpText('after', () => `\n${stagesInWords()}\n\n${DETAILS}`)
    .action(async (path: string, options: RunFlags) => {
      const started = performance.now();
      const { parsePipeline } = await import('../pipeline/pipeline.js');
      const { REPORT, rowsOf, runPipeline } = await import('../pipeline/run.js');
      const recipe = readRecipe(path, options.set ?? []);
      const pipeline = parsePipeline(recipe.value, recipe.name, recipe);
      const { force, from, nproc } = options;
      const stopped = `stopped; run the same command again to go on: stages that are done are kept in ${pipeline.out}`;
      const results = await longWork('run', stopped, (_, signal) =>
        runPipeline(pipeline, {
          recipe: path,
          ...(force !== undefined && { force }),
          ...(from !== undefined && { from }),
          ...(nproc !== undefined && { nproc }),
          signal,
          log: (line) => {
            printError(`${line}\n`);
          },
        }),
      );
      const seconds = (performance.now() - started) / 1000;
      printError(`used: ${formatDuration(seconds)}, ${formatBytes(peakMemory())} of memory at most\n`);
      if (options.json) printJson(Object.fromEntries(results));
      else for (const [name, result] of results) print(`${name}\t${result}\n`);
      await report(pipeline.out, rowsOf(pipeline), join(pipeline.out, REPORT));
    });
}

interface RunFlags {
  force?: boolean;
  from?: string;
  set?: string[];
  nproc?: number;
  json?: boolean;
}

/**
 * Makes the page of a run that is done. The run is done without it: what is in its way is said, and no fault of the run.
 * @param inputs what the recipe names, which is the user's own: their rows may stand in the page
 */
async function report(dir: string, inputs: readonly string[], page: string): Promise<void> {
  const { readReport, writeReportPage } = await import('../report/index.js');
  try {
    const { report: found, chunks, damaged } = await readReport([dir], { inputs });
    for (const note of damaged) printError(`report: ${inLine(note)}\n`);
    await writeReportPage(found, chunks(), page);
    printError(`report: ${page}\n`);
  } catch (error) {
    printError(`report: none was made: ${messageOf(explainFileError(error))}\n`);
  }
}
