/** @file A stage of recipes as a command of its own: the same settings as flags, the same files. */
import { Command } from 'commander';
import type { StageKind } from '../pipeline/stages/index.js';
import type { StageDefinition } from '../pipeline/stages/stage.js';
import { runInto } from '../pipeline/stages/outputs.js';
import { UserError } from '../util/errors.js';
import { print } from '../util/output.js';
import type { Progress } from '../util/progress.js';
import { longWork } from './interrupt.js';
import { printJson } from './output.js';
import { addSettings, settingsFrom, withFlags } from './settings.js';

export interface StageCommandOptions {
  /** Takes several files as its arguments. */
  variadic?: boolean;
  /** What `--out` is. */
  out: string;
  /** What is said after Ctrl-C; OUT stands for the place of the output. */
  stopped: string;
  /** Shown after the flags: what is worth knowing, and an example. */
  details: string;
}

export interface StageFlags extends Record<string, unknown> {
  out?: string;
  json?: boolean;
}

/** The command of a stage whose settings have `data`, which is the command's argument as well. */
export function stageCommand<Settings, Result>(
  name: StageKind,
  definition: StageDefinition<Settings, Result>,
  options: StageCommandOptions,
): Command {
  const command = new Command(name)
    .description(definition.summary)
    .argument(options.variadic ? '[data...]' : '[data]', 'the same as --data')
    .option('--out <path>', options.out)
    .option('--json', 'print the result as JSON');
  addSettings(command, definition.schema);
  return command
    .addHelpText('after', `\n${options.details}`)
    .action(async (data: string | string[] | undefined, flags: StageFlags) => {
      await runStage(name, definition, options, flags, dataOf(name, data, flags));
    });
}

/** What the arguments say, if anything. @throws UserError where --data says something too */
export function dataOf(
  name: string,
  data: string | string[] | undefined,
  flags: Record<string, unknown>,
): { data?: string | string[] } {
  if (data === undefined || data.length === 0) return {};
  if (flags.data !== undefined)
    throw new UserError(`${name}: name the data as an argument or with --data, not both`);
  return { data };
}

export async function runStage<Settings, Result>(
  name: StageKind,
  definition: StageDefinition<Settings, Result>,
  { stopped, isKept = true }: Pick<StageCommandOptions, 'stopped'> & { isKept?: boolean },
  flags: StageFlags,
  given: Record<string, unknown>,
): Promise<void> {
  const settings = settingsFrom(definition.schema, flags, given, name);
  const { out } = flags;
  if (out === undefined) throw new UserError(`${name}: --out is missing: say where the results go`);
  const result = await longWork(name, stopped.replaceAll('OUT', out), (bar, signal) => {
    const progress = isKept ? bar : withoutFolder(bar, out);
    return runInto(name, definition, settings, { out, progress, signal }).catch((error: unknown) => {
      if (!isKept && error instanceof Error) error.message = unnamed(error.message, out);
      // What is wrong in a line of a file has that file's names.
      const isAboutSettings = error instanceof UserError && !/, line \d/.test(error.message);
      if (isAboutSettings) error.message = withFlags(error.message, definition.schema);
      throw error;
    });
  });
  if (flags.json) printJson(result);
  else print(`${definition.describe(result, settings)}\n`);
  const complaint = definition.complaint?.(result, out);
  if (complaint) throw new Error(complaint.message);
}

/** Progress of work whose folder is removed in the end: what is said to be in there cannot be looked at. */
const withoutFolder = (progress: Progress, folder: string): Progress => ({
  update: (...report) => {
    progress.update(...report);
  },
  log: (line) => {
    progress.log(unnamed(line, folder));
  },
  finish: (note) => {
    progress.finish(note);
  },
});

const unnamed = (text: string, folder: string): string =>
  text.includes(folder)
    ? `${text.replaceAll(folder, 'OUT')} (name an OUT with --out: nothing is kept without it)`
    : text;
