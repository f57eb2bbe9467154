/** @file Writes another prompt for a response, by a template over its row. Knows no tokens. */
import { existsSync } from 'node:fs';
import { compile, render, type Program } from '../text/jinja.js';
import { contentText } from '../text/messages.js';
import type { PartsPrompt } from '../text/parts.js';
import { messageOf, UserError } from '../util/errors.js';
import { readRegular } from '../util/regularFile.js';

/** A response, and what its row says. */
export interface InContext {
  prompt: PartsPrompt;
  role: string;
  /** The response. */
  response: string;
  /** A right response of the row, another one where there is one; absent where there is none. */
  right?: string;
  /** The fields of the row. */
  fields: Readonly<Record<string, unknown>>;
}

/** Templates that come with redistill, by their names. */
const TEMPLATES: Readonly<Record<string, string>> = {
  // The student as its own teacher: what it thinks of a trace when it knows a right one.
  hindsight:
    '{{ question }}\n\nThis is a correct solution:\n\n{{ right }}\n\nNow solve the problem in your own words.',
};

/** A template may be so long. */
const MOST_BYTES = 1 << 18;

export class ContextPrompt {
  readonly #program: Program;

  /**
   * @param given the name of a template, or a file of Jinja
   * @throws UserError where it is neither
   */
  constructor(readonly given: string) {
    const source = TEMPLATES[given];
    if (source === undefined && !existsSync(given))
      throw new UserError(
        `context: ${given} is neither a file nor one of the templates ${Object.keys(TEMPLATES).join(', ')}`,
      );
    try {
      this.#program = compile(source ?? readRegular(given, MOST_BYTES));
    } catch (error) {
      throw error instanceof UserError ? error : new UserError(`context: ${given}: ${messageOf(error)}`);
    }
  }

  /**
   * Puts what the template writes in the place of the last message of a prompt, or of a text. It sees the row's fields, `question` (what it
   * replaces), `response`, `role` and `right`.
   * @throws the error of `fail` where the row has not what it needs
   */
  write({ prompt, fields, right, role, response }: InContext, fail: (problem: string) => Error): PartsPrompt {
    if (typeof prompt === 'object' && 'ids' in prompt)
      throw fail('a context needs a prompt of messages or a text, and this one is token ids');
    const asked = typeof prompt === 'string' ? prompt : contentText(prompt.at(-1)!);
    if (right === undefined && this.given in TEMPLATES)
      throw fail(`context ${this.given} needs a right response, and the row has none`);
    let text: string;
    try {
      ({ text } = render(this.#program, {
        ...fields,
        ...{ question: asked, role, response },
        ...(right !== undefined && { right }),
      }));
    } catch (error) {
      throw fail(`context: ${this.given}: ${messageOf(error)}`);
    }
    if (text.trim() === '') throw fail(`context: ${this.given} writes an empty prompt`);
    return typeof prompt === 'string' ? text : [...prompt.slice(0, -1), { ...prompt.at(-1)!, content: text }];
  }
}
