import { messageOf, UserError } from '../util/errors.js';
import { compile, render, type Program } from './jinja.js';

/** One turn of a conversation. Other fields that a row has (`reasoning_content`, `name`) reach the template too. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** A model's own Jinja template. It sees the messages and the special tokens and nothing else. */
export class ChatTemplate {
  readonly #program: Program;

  /** @param where names the file in errors */
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

  /** @throws UserError with the template's own words where it refuses the messages */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    const variables = {
      ...this.specialTokens,
      messages,
      // Templates tell "none" from "undefined", and transformers passes none.
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
