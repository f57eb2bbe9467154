/** @file Holds a command to the program without running it: commands, options, arguments, settings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { dataOf } from '../../src/cli/stageCommand.js';
import { program } from '../../src/cli/program.js';
import { settingsFrom } from '../../src/cli/settings.js';
import { stageKinds } from '../../src/pipeline/stages/index.js';
import { parsePipeline } from '../../src/pipeline/pipeline.js';
import { parseTrainRecipe } from '../../src/pipeline/trainRecipe.js';
import { readRecipe } from '../../src/recipe/recipe.js';
import { root } from './pages.js';

const scripts = (
  JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
).scripts;

/** The command of the program that the words name, and the words after its name. */
function commandOf(words: readonly string[]): { command: Command; rest: string[] } {
  let command: Command = program;
  const rest = [...words];
  while (rest[0] === '--debug') rest.shift();
  while (rest.length > 0 && command.commands.length > 0) {
    if (rest[0]!.startsWith('-')) return { command, rest };
    const found = command.commands.find((one) => one.name() === rest[0]);
    if (!found) throw new Error(`there is no command \`${command.name()} ${rest[0]}\``);
    command = found;
    rest.shift();
  }
  return { command, rest };
}

/** Holds the words of a text, which may leave out what belongs to a whole command, to the options that there are. @throws Error */
export function checkOptions(words: readonly string[]): void {
  const { command, rest } = commandOf(words);
  for (const word of rest) {
    if (!word.startsWith('-') || /^-\d/.test(word)) continue;
    const [flag] = word.split('=');
    if (['--help', '-h', '--version', '-V'].includes(flag!)) continue;
    if (!command.options.some(({ long, short }) => long === flag || short === flag))
      throw new Error(`\`${command.name()}\` has no option ${flag}`);
  }
}

/**
 * Holds a whole command to the program: it would begin its work. Recipes are read, and what they name is looked for.
 * @param folder in which it is given
 * @throws Error with the program's own sentence
 */
export async function checkCommand(words: readonly string[], folder = root): Promise<void> {
  checkOptions(words);
  const { command, rest } = commandOf(words);
  let begun: { args: unknown[]; flags: Record<string, unknown> } | undefined;
  command.action((...given: unknown[]) => {
    begun = { args: given.slice(0, -2), flags: given.at(-2) as Record<string, unknown> };
  });
  await command.parseAsync(rest, { from: 'user' });
  if (!begun) throw new Error(`\`${command.name()}\` does not begin`);
  const { args, flags } = begun;
  const name = command.name();
  if (command.parent === program && name in stageKinds && !['train', 'compare', 'table'].includes(name)) {
    const definition = stageKinds[name as 'curate'];
    const data = dataOf(name, args[0] as string | string[] | undefined, flags);
    settingsFrom(definition.schema as never, flags, data, name);
  }
  const [recipe] = args;
  if (typeof recipe !== 'string' || !/\.ya?ml$/.test(recipe)) return;
  const before = process.cwd();
  process.chdir(folder); // nothing is awaited until it is put back
  try {
    const read = readRecipe(recipe, (flags.set as string[] | undefined) ?? []);
    if (name === 'train') parseTrainRecipe(read);
    if (name === 'run') parsePipeline(read.value, read.name, read);
  } finally {
    process.chdir(before);
  }
}

/** Holds a command of npm, npx or node to the scripts and files of the repository. @throws Error */
export function checkOwn([program, ...words]: readonly string[]): void {
  // Vitest takes beginnings of paths as well.
  const there = (path: string) => {
    const folder = `${root}${dirname(path)}`;
    const isThere = existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(basename(path)));
    if (!isThere) throw new Error(`there is no ${path}`);
  };
  if (!['npm', 'npx', 'node'].includes(program!)) return;
  if (program === 'npm') {
    if (words[0] === 'ci' || words[0] === 'install') return;
    const name =
      words[0] === 'test'
        ? 'test'
        : words[0] === 'run'
          ? words.find((word, i) => i > 0 && !word.startsWith('-'))
          : undefined;
    if (name === undefined || !(name in scripts)) throw new Error(`there is no script ${words.join(' ')}`);
    return;
  }
  const paths = words.filter((word) => /^(src|test|bench|scripts|dist|bin)\//.test(word));
  if (program === 'npx' && !['vitest', 'tsx'].includes(words[0]!))
    throw new Error(`npx ${words[0]} is not known`);
  paths.forEach(there);
}
