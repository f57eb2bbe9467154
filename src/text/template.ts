/** @file Holds a model's chat template and renders conversations with it. Knows nothing of tokens. */

import { messageOf, UserError } from '../util/errors.js';
import { compile, render, type Program } from './jinja.js';

/** One turn of a conversation. Other fields of a row (`reasoning_content`, `name`) reach the template too. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** A model's own Jinja template, which sees the messages and the special tokens and nothing else. */
export class ChatTemplate {
  readonly #program: Program;

  /** @param where the file, for errors */
  constructor(
    source: string,
    readonly where: string,
    readonly specialTokens: Readonly<Record<string, string>>,
  ) {
    try {
      this.#program = compile(source);
    } catch (error) {
      throw new UserError(`${where}: the chat template cannot be read: ${messageOf(error)}`);
    }
  }

  /** Renders messages. @throws UserError with the template's own words if it refuses them */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    const variables = {
      ...this.specialTokens,
      messages,
      // Templates distinguish "none" from "undefined", and transformers passes none.
      tools: null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    };
    try {
      return render(this.#program, variables);
    } catch (error) {
      throw new UserError(`${this.where}: the chat template refuses the messages: ${messageOf(error)}`);
    }
  }
}
