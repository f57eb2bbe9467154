/** @file The command `train`: the stage, described by a recipe of its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Help } from 'commander';
import { createObjective, objectiveDefinitions } from '../objectives/index.js';
import { objectivesPage } from '../pipeline/objectivesPage.js';
import { runInto } from '../pipeline/stages/outputs.js';
import { trainStage } from '../pipeline/stages/train.js';
import { describeKeys, defaultInWords } from '../recipe/describe.js';
import { readRecipe, type Recipe } from '../recipe/recipe.js';
import { parseTrainRecipe } from '../pipeline/trainRecipe.js';
import { launchEnvironment } from '../torch/launch.js';
import { trainRecipe, type TrainRecipe } from '../train/settings.js';
import type { Processes } from '../train/process.js';
import type { ResumeOptions } from '../train/resume.js';
import { FINISHED, stateAt } from '../train/stateFolder.js';
import type { TrainEvent } from '../train/trainer.js';
import { UserError } from '../util/errors.js';
import { print } from '../util/output.js';
import { commandOf } from '../util/ownFolder.js';
import { longWork } from './interrupt.js';
import { nprocOption, printJson, repeated } from './output.js';

export function trainCommand(): Command {
  return new Command('train')
    .description('Run one training stage described by a recipe.')
    .argument('[recipe]', "a YAML file; with --resume the run's own, if none is named")
    .option(
      '--set <key=value>',
      'override a key of the recipe, or take it out with ~key; may be repeated',
      repeated,
    )
    .addOption(nprocOption('train'))
    .option('--estimate', 'only say how much memory and how much time a step would take')
    .option('--resume <run>', "go on from the newest state in a run's folder")
    .option('--allow-changes', 'with --resume: also under another recipe, data, model or build')
    .option('--verify', 'with --resume: first compute a step of metrics.jsonl again, and compare')
    .option('--json', 'print the result as JSON')
    .configureHelp({
      formatHelp: (command, helper) =>
        asksForObjectives(command) ? objectivesPage() : new Help().formatHelp(command, helper),
    })
    .addHelpText('after', ({ command }) =>
      asksForObjectives(command) ? '' : `\n${keysOfRecipes()}\n\n${EXAMPLE}`,
    )
    .action(async (path: string | undefined, options: TrainFlags) => {
      const processes = processesOf(options);
      if (processes && 'rank' in processes && processes.rank > 0) return follow(processes.rank, options);
      const { settings, read, resume } = runOf(path, options);
      const recipe = path === undefined ? ownRecipe(settings) : parseTrainRecipe(settings);
      if (options.estimate) return estimate(recipe, options, processes);
      const { out, objective } = recipe;
      const stopped = () => afterStop(out);
      const result = await longWork(objective.name ?? 'train', stopped, (progress, signal) =>
        runInto(
          'train',
          trainStage,
          recipe,
          { out, progress, signal, ...(resume && { resume }), ...(processes && { processes }) },
          read,
        ),
      );
      if (options.json) printJson(result);
      else print(`${trainStage.describe(result, recipe)}\n`);
    });
}

/**
 * Finds the processes that train together: torchrun, or another launcher with its environment names, has started this one beside
 * others, or --nproc says how many to start.
 * @throws UserError where both do
 */
function processesOf({ nproc }: TrainFlags): Processes | undefined {
  const launched = process.env.WORLD_SIZE === '1' ? undefined : launchEnvironment();
  if (!launched) return nproc === undefined ? undefined : { nproc };
  if (nproc !== undefined)
    throw new UserError(
      `train: --nproc starts processes of its own, and a launcher has started this one as rank ${launched.rank} of ${launched.world} (WORLD_SIZE): leave out one of them`,
    );
  return { rank: launched.rank };
}

/** Does the part of a rank that is not the first, which reads the recipe and speaks for all. */
async function follow(rank: number, { estimate: estimates = false }: TrainFlags): Promise<void> {
  if (estimates) return;
  const { followInProcess } = await import('../train/process.js');
  await longWork('train', 'stopped', (progress, signal) =>
    followInProcess(
      rank,
      (sentence) => {
        progress.log(sentence);
      },
      signal,
    ),
  );
}

/** What is said of a run that was stopped. */
function afterStop(out: string): string {
  if (existsSync(join(out, FINISHED)))
    return `stopped before its first step; what an earlier run has left in ${out} is as it was`;
  if (stateAt(out) === undefined)
    return 'stopped; there is no state to go on from: the recipe runs from its start';
  return `stopped; what was saved is in ${out}: \`redistill train --resume ${out}\` goes on from its last state`;
}

/** `redistill train --help objectives`. */
const asksForObjectives = ({ args }: Command): boolean => args.includes('objectives');

/** Reads the recipe in a run's folder. @throws UserError as `parseTrainRecipe` does */
function ownRecipe(settings: Recipe): TrainRecipe {
  try {
    return parseTrainRecipe(settings);
  } catch (error) {
    if (error instanceof UserError && /there is no (?!\/)/i.test(error.message))
      error.message += '; paths in it count from the folder in which the run began: give the command there';
    throw error;
  }
}

/** Says what a run would take; its folder is not touched. */
async function estimate(
  recipe: TrainRecipe,
  { json = false }: TrainFlags,
  processes: Processes | undefined,
): Promise<void> {
  const { estimateInProcess } = await import('../train/process.js');
  const { describeEstimate, reportTraining } = await import('../train/narrate.js');
  const result = await longWork('train --estimate', 'stopped', (progress, signal) => {
    const report = reportTraining(progress);
    const onEvent = (event: TrainEvent) => {
      if (event.kind !== 'estimate') report(event);
    };
    return estimateInProcess(recipe, onEvent, signal, processes);
  });
  if (json) printJson(result);
  else print(`${describeEstimate(result)}\n`);
}

interface TrainFlags {
  nproc?: number;
  estimate?: boolean;
  set?: string[];
  resume?: string;
  allowChanges?: boolean;
  verify?: boolean;
  json?: boolean;
}

/** The recipe that is meant, the file that is read beside it, and whether a run goes on. */
function runOf(
  path: string | undefined,
  { set = [], resume: run, allowChanges = false, verify = false, estimate: estimates = false }: TrainFlags,
): { settings: Recipe; read: string[]; resume?: ResumeOptions } {
  const flag = allowChanges ? '--allow-changes' : verify ? '--verify' : undefined;
  if (flag !== undefined && estimates) throw new UserError(`train: ${flag} is of no use to --estimate`);
  if (run === undefined) {
    if (path === undefined) throw new UserError('train: name a recipe, or a run with --resume');
    if (flag !== undefined) throw new UserError(`train: ${flag} belongs to --resume`);
    return { settings: readRecipe(path, set), read: [path] };
  }
  if (set.some((setting) => /^~?out(=|$)/.test(setting)))
    throw new UserError(
      'train: a run goes on in its folder: leave out --set out with --resume, or copy the folder',
    );
  const own = join(run, 'recipe.yaml');
  if (commandOf(run) !== 'train' || (path === undefined && !existsSync(own)))
    throw new UserError(`train: --resume ${run}: no run of \`train\` is there`);
  // It goes on in the folder that is named, wherever that was when it began.
  const settings = readRecipe(path ?? own, [...set, `out=${JSON.stringify(run)}`]);
  const resume = { allowChanges, verify };
  if (path !== undefined) return { settings, read: [path], resume };
  return { settings: { ...settings, folder: '.' }, read: [], resume }; // what it reads is not beside its own recipe
}

const EXAMPLE = `Example:
  redistill train recipes/redi.yaml --set optimizer.lr=1e-6 --set out=runs/redi-1
  redistill train --resume runs/redi-1 --verify`;

/** The keys of a recipe, one a line, with their defaults. */
function keysOfRecipes(): string {
  const rows = describeKeys(trainRecipe).map((key): [string, string] => {
    const initial = key.default === undefined ? '' : ` [${defaultInWords(key.default)}]`;
    return [`${'  '.repeat(key.path.length - 1)}${key.path.at(-1)!}${initial}`, key.text];
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`.trimEnd());
  return ['Keys of a recipe [defaults]:', ...lines, '', ...objectivesInWords(), '', LAYOUTS].join('\n');
}

/** The objectives with their formulas and parameters. */
function objectivesInWords(): string[] {
  return [
    'Objectives, by "objective.name", with their parameters [defaults]; objective: sft is short for { name: sft }.',
    '`redistill train --help objectives` says what each needs, where it is from, when to use it and how it fails:',
    ...Array.from(objectiveDefinitions.values(), ({ name, parameters }) => [
      `  ${name}: ${createObjective({ name }).formula}`,
      ...describeKeys(parameters).map(
        ({ path, type, text, default: initial }) =>
          `    ${path[0]!} [${defaultInWords(initial)}]  ${text}, ${type}`,
      ),
    ]).flat(),
  ];
}

const LAYOUTS = `Layouts:
  template  one text by the model's chat template, cut after the token that ends the response's turn, which is trained:
            what generate, evaluate and other servers continue
  redi      as the REDI paper's code has it: prompt and response are tokenised apart, and all that the template writes
            after the prompt is trained, with the end-of-text token after it (sft: one text, without that token)

Paths count from the current folder, and where nothing is there from the recipe's own; "out" from the current folder.
--set '~objective.alpha' takes a key out. A recipe is read from standard input where its name is -.`;
