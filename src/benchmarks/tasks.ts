/** @file Tasks of a benchmark: which problems, how they are asked and graded. Protocols: how responses are drawn, whatever the task. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { UserError, messageOf } from '../util/errors.js';
import { nearestHint } from '../util/nearest.js';

/** Tasks that come with redistill. */
const SHIPPED = fileURLToPath(new URL('../../tasks/', import.meta.url));

const text = z.string().min(1);
const manifest = z
  .strictObject({
    about: text.describe('what it is, in a line'),
    /** Counted from the manifest's own folder. */
    data: text.optional().describe('the problems, where they lie beside the manifest'),
    file: text
      .optional()
      .describe('the name of the problems in the folder that --task-data names, where they do not'),
    problem_field: text.optional(),
    answer_field: text.optional(),
    by: z.array(text).default([]).describe('fields of the rows by which the result is divided'),
    instruction: z.string().optional(),
    prompt: text.optional().describe('instead of an instruction: a prompt file, counted from the manifest'),
    prefix_field: text.optional(),
    grader_field: text.optional(),
    grader: z.unknown().optional(),
    sampling: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(
    ({ data, file }) => (data === undefined) !== (file === undefined),
    'needs "data" or "file", and not both',
  );

/** A task, with the place of its problems. */
export interface Task {
  name: string;
  about: string;
  by: readonly string[];
  /** Keys of the stage `evaluate`. */
  settings: Readonly<Record<string, unknown>>;
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
  const { about, data, file, by, prompt, ...keys } = parsed(path);
  const asked = prompt !== undefined && { prompt: besideOf(path, prompt) };
  return { name, about, by, settings: { data: dataOf(path, data, file, dataFolder), ...asked, ...keys } };
}

/** The manifest of a task that comes with redistill. */
export const manifestOf = (name: string): z.output<typeof manifest> => parsed(join(SHIPPED, `${name}.yaml`));

function parsed(path: string): z.output<typeof manifest> {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError(`${path} is no YAML: ${messageOf(error).split('\n')[0]!}`);
  }
  const { data, error } = manifest.safeParse(value);
  if (data) return data;
  const [issue] = error.issues;
  const key = issue!.path.join('.');
  throw new UserError(`${path}: ${key === '' ? '' : `field "${key}": `}${issue!.message}`);
}

/** A file that a manifest names. @throws UserError where it is not there */
function besideOf(path: string, file: string): string {
  const beside = join(dirname(path), file);
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
