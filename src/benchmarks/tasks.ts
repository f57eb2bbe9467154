/** @file Tasks of a benchmark: which problems, how they are asked and graded. Protocols: how responses are drawn, whatever the task. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { evaluateSettings } from '../evaluate/evaluate.js';
import { parseRecipe } from '../recipe/parse.js';
import { readText } from '../recipe/text.js';
import { parseYaml } from '../recipe/yaml.js';
import { UserError } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';

/** Tasks that come with redistill. */
const SHIPPED = fileURLToPath(new URL('../../tasks/', import.meta.url));

/** How responses are drawn and graded, whatever is asked. */
export const protocols = {
  /** arXiv 2505.24850, section 4 and its released evaluation: 16 samples of long thinking, with the prompt of both its harnesses. */
  redi: {
    samples: 16,
    instruction:
      "Solve the following math problem efficiently and clearly.  The last line of your response should be of the following format: 'Therefore, the final answer is: $\\boxed{ANSWER}$. I hope it is correct' (without quotes) where ANSWER is just the final number or expression that solves the problem. Think step by step before answering.\n",
    grader: ['rllm', 'verify'],
    sampling: { temperature: 0.6, top_p: 0.95, max_tokens: 30_720, forced_prefix: '<think>\n' },
  },
  /** One response each, the likeliest. */
  greedy: { samples: 1, sampling: { temperature: 0, max_tokens: 2048 } },
} as const;
export type ProtocolName = keyof typeof protocols;
export const protocolNames = Object.keys(protocols) as ProtocolName[];

const text = z.string().min(1);
const own = z.strictObject({
  about: text.describe('what it is, in a line'),
  /** Counted from the manifest's own folder. */
  data: text.optional().describe('the problems, where they lie beside the manifest'),
  file: text
    .optional()
    .describe('the name of the problems in the folder that --task-data names, where they do not'),
  protocol: z
    .enum(protocolNames)
    .optional()
    .describe('how responses are drawn where the task does not say and no protocol is given'),
  prompts: z
    .array(text)
    .min(1)
    .optional()
    .describe('several prompt files, with each of which the problems are asked'),
});
/** Keys of the stage `evaluate`, as it has them. */
const asked = evaluateSettings.pick({
  ...{
    problem_field: true,
    answer_field: true,
    system: true,
    instruction: true,
    prompt: true,
    prefix_field: true,
  },
  ...{ grader_field: true, grader: true, by: true, samples: true, sampling: true },
});
const manifestKeys = own.extend(asked.shape);

/** A task, with the place of its problems. */
export interface Task {
  name: string;
  about: string;
  /** The task that it is one prompt of. */
  base?: string;
  /** Files of several prompts. */
  prompts?: readonly string[] | undefined;
  /** How responses are drawn where the settings do not say. */
  protocol?: ProtocolName | undefined;
  /** Keys of the stage `evaluate`. */
  settings: Readonly<Record<string, unknown>>;
  /** Those of them that flags give it, which go before those of a protocol. */
  given?: Readonly<Record<string, unknown>>;
}

/** The names of the tasks that come with redistill. */
export const taskNames = (): string[] =>
  readdirSync(SHIPPED)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

/**
 * Reads a task: one that comes with redistill by its name, or a manifest by its path.
 * @param dataFolder where problems lie that do not come along
 * @throws UserError for a manifest that is none, and for problems that are not there
 */
export function readTask(given: string, dataFolder?: string): Task {
  const isPath = /[/\\]|\.ya?ml$/.test(given);
  const path = isPath ? given : join(SHIPPED, `${given}.yaml`);
  if (!existsSync(path)) {
    if (isPath) throw new UserError(`there is no task ${given}.`);
    const names = taskNames();
    throw new UserError(
      `there is no task "${given}"${nearestHint(given, names)}; tasks are ${names.join(', ')}, and manifests by their paths.`,
    );
  }
  const name = basename(path).replace(/\.ya?ml$/, '');
  const { about, data, file, protocol, prompts, ...keys } = manifestAt(path);
  const settings = { data: dataOf(path, data, file, dataFolder), ...keys, ...besidesOf(path, keys) };
  return {
    ...{ name, about, protocol, settings },
    ...(prompts && { prompts: prompts.map((prompt) => besideOf(path, prompt)) }),
  };
}

type Manifest = z.input<typeof manifestKeys>;

/** The manifest of a task that comes with redistill. */
export const manifestOf = (name: string): Manifest => manifestAt(join(SHIPPED, `${name}.yaml`));

/** Reads a manifest; what it does not say is left to the protocol. @throws UserError naming the file, the line and the key */
function manifestAt(path: string): Manifest {
  const { value, lineOf } = parseYaml(readText(path), path);
  parseRecipe(manifestKeys, value, path, {
    page: 'docs/benchmarks.md',
    placeOf: (key) => {
      const line = lineOf(key);
      return line === undefined ? undefined : `line ${line}`;
    },
  });
  const manifest = value as Manifest; // as it stands, without the defaults of `evaluate`
  if ((manifest.data === undefined) === (manifest.file === undefined))
    throw new UserError(`${path} needs "data" or "file", and not both.`);
  if (
    manifest.prompts &&
    [manifest.prompt, manifest.instruction, manifest.system].some((key) => key !== undefined)
  )
    throw new UserError(
      `${path}: "prompts" say what is asked, so there is no "prompt", "instruction" or "system" beside them.`,
    );
  return manifest;
}

/** The files of a manifest's keys, which are counted from it. @throws UserError where one is not there */
function besidesOf(
  path: string,
  { prompt, grader, sampling }: Pick<Manifest, 'prompt' | 'grader' | 'sampling'>,
): Record<string, unknown> {
  const beside = <T>(named: T): T | { module: string } => {
    const { module } = Object(named) as { module?: string };
    return module === undefined ? named : { module: besideOf(path, module) };
  };
  const besides = <T>(named: T | T[]) => (Array.isArray(named) ? named.map(beside) : beside(named));
  const { rules, helper_model: helper } = sampling ?? {};
  return {
    ...(prompt !== undefined && { prompt: besideOf(path, prompt) }),
    ...(grader !== undefined && { grader: besides<unknown>(grader) }),
    ...(sampling && {
      sampling: {
        ...sampling,
        ...(rules !== undefined && { rules: besides<unknown>(rules) }),
        ...(helper !== undefined && { helper_model: modelOf(path, helper) }),
      },
    }),
  };
}

/** A model that a manifest names: a directory that is counted from it, or a name that is left to the stage. */
function modelOf(path: string, model: string): string {
  const beside = join(dirname(path), model);
  return !isAbsolute(model) && existsSync(beside) ? beside : model;
}

/** A file that a manifest names. @throws UserError where it is not there */
function besideOf(path: string, file: string): string {
  const beside = isAbsolute(file) ? file : join(dirname(path), file);
  if (!existsSync(beside)) throw new UserError(`${path}: there is no ${beside}.`);
  return beside;
}

function dataOf(
  path: string,
  data: string | undefined,
  file: string | undefined,
  folder: string | undefined,
): string {
  if (data !== undefined) return besideOf(path, data);
  const name = basename(path).replace(/\.ya?ml$/, '');
  if (folder === undefined)
    throw new UserError(
      `the problems of ${name} do not come with redistill, whose licence they do not have: name the folder that has ${file!} with --task-data (docs/benchmarks.md says where it is from).`,
    );
  const found = join(folder, file!);
  if (!existsSync(found)) throw new UserError(`${folder} has no ${file!}, the problems of ${name}.`);
  return found;
}
