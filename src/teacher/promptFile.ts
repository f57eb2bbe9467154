/** @file A prompt file: how problems are asked, as templates over their rows. Templates are data, never code. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { rowError } from '../data/jsonl.js';
import type { ProblemRow } from '../data/problems.js';
import { parseRecipe } from '../recipe/parse.js';
import { readText } from '../recipe/text.js';
import { parseYaml } from '../recipe/yaml.js';
import { compile, render, type Program } from '../text/jinja.js';
import type { ChatMessage } from '../text/template.js';
import { messageOf, UserError } from '../util/errors.js';
import { Demonstrations } from './demonstrations.js';

/** What is sent for a problem. */
export interface Asked {
  /** Messages for the chat template; a text is taken as it is. */
  prompt: readonly ChatMessage[] | string;
  /** With what the response begins, where it is the row or the prompt file that says so. */
  prefix?: string;
}

/** What tells apart what was sent. */
export const promptDigest = ({ prompt, prefix = '' }: Asked): string =>
  createHash('sha256')
    .update(JSON.stringify([prompt, prefix]))
    .digest('hex');

const template = z.string().min(1);
const mostDemonstrations = 1000;
const mostTurns = 32;

const promptKeys = z.strictObject({
  system: template.optional().describe('a system message'),
  user: template.describe('what is asked; {{ problem }} is the problem'),
  prefix: template.optional().describe('with what the response begins (a local model only)'),
  demonstrations: z
    .strictObject({
      data: z
        .string()
        .min(1)
        .describe(
          'problems with answers, counted from the folder of the prompt file; the problem itself is left out',
        ),
      problem_field: z.string().optional(),
      answer_field: z.string().optional(),
      count: z.int().positive().max(mostDemonstrations).describe('how many precede the problem'),
      seed: z
        .int()
        .min(0)
        .optional()
        .describe('draws them for each problem; without it they are the first of the file'),
      user: template.optional().describe('what was asked; without it as "user" says'),
      assistant: template.describe('what was answered; {{ gold }} is the gold answer'),
    })
    .optional()
    .describe('worked examples, as earlier turns'),
  turns: z
    .array(template)
    .min(1)
    .max(mostTurns)
    .optional()
    .describe(
      'further questions, each asked after the answer to the one before; {{ responses }} are the answers',
    ),
});
type PromptKeys = z.output<typeof promptKeys>;

/** How a prompt file is used. */
interface PromptUse {
  api: 'chat' | 'completions';
  /** Why a response cannot begin with what the file says, as a sentence's end. */
  refusesPrefix?: string;
}

/** What a template sees, by name. */
type Variables = Readonly<Record<string, unknown>>;
/** Writes a text for a row. */
type Write = (variables: Variables, data: string, line: number) => string;

export class PromptFile {
  /** What a journal is compared by: the digests of all that it is made of. */
  readonly identity: Readonly<Record<string, string>>;
  readonly #user: Write;
  readonly #system: Write | undefined;
  readonly #prefix: Write | undefined;
  readonly #turns: readonly Write[];

  private constructor(
    readonly keys: PromptKeys,
    readonly api: 'chat' | 'completions',
    readonly data: string,
    text: string,
    compiled: (key: string, source: string) => Write,
    readonly demonstrations: Demonstrations | undefined,
  ) {
    const { user, system, prefix, turns = [] } = keys;
    this.#user = compiled('user', user);
    this.#system = system === undefined ? undefined : compiled('system', system);
    this.#prefix = prefix === undefined ? undefined : compiled('prefix', prefix);
    this.#turns = turns.map((text, i) => compiled(`turns.${i}`, text));
    this.identity = {
      prompt: `sha256:${createHash('sha256').update(text).digest('hex')}`,
      ...(demonstrations && { demonstrations: `sha256:${demonstrations.digest}` }),
    };
  }

  /**
   * @param data the file of the problems, for messages
   * @throws UserError naming the file, the line and the key that does not fit
   */
  static async open(path: string, data: string, { api, refusesPrefix }: PromptUse): Promise<PromptFile> {
    const { text, keys, lineOf } = readKeys(path);
    const refuse = (key: readonly string[], problem: string): UserError => {
      const line = lineOf(key);
      return new UserError(
        `${path}${line === undefined ? '' : `, line ${line}`}: "${key.join('.')}" ${problem}`,
      );
    };
    if (api === 'completions' && keys.system !== undefined)
      throw refuse(['system'], 'is for chats: with "api" completions put it into "user".');
    if (refusesPrefix !== undefined && keys.prefix !== undefined) throw refuse(['prefix'], refusesPrefix);
    const compiled = (key: string, source: string): Write => {
      let program: Program;
      try {
        program = compile(source);
      } catch (error) {
        throw refuse(key.split('.'), `is not a template: ${messageOf(error)}`);
      }
      return (variables, file, line) => {
        try {
          return render(program, variables, { strict: true }).text;
        } catch (error) {
          throw rowError(file, line, `"${key}" of ${path}: ${messageOf(error)}`);
        }
      };
    };
    const given = keys.demonstrations;
    if (!given) return new PromptFile(keys, api, data, text, compiled, undefined);
    const from = demonstrationsOf(path, given.data);
    if (!existsSync(from)) throw refuse(['demonstrations', 'data'], `names ${from}, which does not exist`);
    const asked =
      given.user === undefined ? compiled('user', keys.user) : compiled('demonstrations.user', given.user);
    const answered = compiled('demonstrations.assistant', given.assistant);
    const demonstrations = await Demonstrations.read({ ...given, data: from }, (row) => {
      const variables = { gold: row.golds[0], ...variablesOf(row) };
      return { user: asked(variables, from, row.line), assistant: answered(variables, from, row.line) };
    });
    return new PromptFile(keys, api, data, text, compiled, demonstrations);
  }

  /** What is sent for a problem. @throws UserError naming the row, and the key whose template it does not fit */
  ask(row: ProblemRow): Asked {
    const fail = (problem: string) => rowError(this.data, row.line, problem);
    const write = (template: Write) => template(variablesOf(row), this.data, row.line);
    const user = this.#question('user', write(this.#user), row);
    const demonstrations = this.demonstrations?.of(row, fail) ?? [];
    const prefix = this.#prefix && { prefix: write(this.#prefix) };
    if (this.api === 'completions') {
      const before = demonstrations.map(({ user, assistant }) => user + assistant).join('');
      return { prompt: before + user, ...prefix };
    }
    const messages = [
      ...(this.#system ? [{ role: 'system', content: write(this.#system) }] : []),
      ...demonstrations.flatMap(({ user, assistant }) => [
        { role: 'user', content: user },
        { role: 'assistant', content: assistant },
      ]),
      { role: 'user', content: user },
    ];
    return { prompt: messages, ...prefix };
  }

  /**
   * Writes all questions of a row, as if nothing were answered to any of them.
   * @throws UserError as `ask` and `askAgain` do, before anything is asked
   */
  rehearse(row: ProblemRow): Asked {
    const asked = this.ask(row);
    if (this.#turns.length > 0)
      this.askAgain(
        row,
        asked,
        this.#turns.map(() => ''),
      );
    return asked;
  }

  #question(key: string, text: string, { line }: ProblemRow): string {
    if (text.trim() === '')
      throw rowError(this.data, line, `"${key}" of the prompt file writes an empty text`);
    return text;
  }

  /** How many questions there are, the first included. */
  get questions(): number {
    return 1 + this.#turns.length;
  }

  /**
   * What is sent after so many responses: all that was said, and the next question.
   * @param asked what was sent first
   * @throws UserError naming the row, and the key whose template it does not fit
   */
  askAgain(row: ProblemRow, { prompt }: Asked, responses: readonly string[]): Asked {
    const questions = responses.map((_, i) => {
      const variables = { ...variablesOf(row), responses: responses.slice(0, i + 1) };
      return this.#question(`turns.${i}`, this.#turns[i]!(variables, this.data, row.line), row);
    });
    if (typeof prompt === 'string')
      return { prompt: prompt + questions.map((question, i) => responses[i]! + question).join('') };
    const turns = questions.flatMap((question, i) => [
      { role: 'assistant', content: responses[i]! },
      { role: 'user', content: question },
    ]);
    return { prompt: [...prompt, ...turns] };
  }
}

/** All files that a prompt is made of; the first alone where it cannot be read, which is said when it is used. */
export function promptInputs(path: string): string[] {
  try {
    const { keys } = readKeys(path);
    return [path, ...(keys.demonstrations ? [demonstrationsOf(path, keys.demonstrations.data)] : [])];
  } catch {
    return [path];
  }
}

const demonstrationsOf = (path: string, data: string): string =>
  isAbsolute(data) ? data : join(dirname(path), data);

const variablesOf = ({ fields, problem }: ProblemRow): Variables => ({ ...fields, problem });

function readKeys(path: string): {
  text: string;
  keys: PromptKeys;
  lineOf: (key: readonly string[]) => number | undefined;
} {
  const text = readText(path);
  const { value, lineOf } = parseYaml(text, path);
  const keys = parseRecipe(promptKeys, value, path, {
    page: 'docs/data.md',
    placeOf: (key) => {
      const line = lineOf(key);
      return line === undefined ? undefined : `line ${line}`;
    },
  });
  return { text, keys, lineOf };
}
