/** @file Holds a model's chat template and renders conversations with it. Knows nothing of tokens. */

import { messageOf, UserError } from '../util/errors.js';
import { compile, render, type Program } from './jinja.js';

/** A part of a message's content. */
export interface ContentPart {
  type: string;
  text?: string;
}

/** One turn as rows hold it. Its other fields (`tool_calls`, `reasoning_content`, `name`) reach the template too. */
export interface RowMessage {
  role: string;
  /** A text, text parts, or null or absent beside `tool_calls`. */
  content?: string | readonly ContentPart[] | null;
}

/** One turn whose content is a text. */
export interface ChatMessage extends RowMessage {
  content: string;
}

/** What a row gives to its template beside the messages. */
export interface TemplateInputs {
  /** JSON schemas of the tools that the model may call. Absent and null are the same. */
  tools?: readonly unknown[] | null;
  /** The row's `chat_template_kwargs`: further variables (`enable_thinking`, `documents`). Absent and null are the same. */
  kwargs?: Readonly<Record<string, unknown>> | null;
}

export interface RenderOptions extends TemplateInputs {
  /** Whether the header of the assistant's turn follows. Default: false. */
  addGenerationPrompt?: boolean;
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
  render(messages: readonly RowMessage[], options: RenderOptions = {}): string {
    const { tools, kwargs, addGenerationPrompt = false } = options;
    const variables = {
      ...this.specialTokens,
      // Templates distinguish "none" from "undefined", and transformers passes none.
      documents: null,
      ...kwargs,
      messages,
      tools: tools ?? null,
      add_generation_prompt: addGenerationPrompt,
    };
    try {
      return render(this.#program, variables);
    } catch (error) {
      throw new UserError(`${this.where}: the chat template refuses the messages: ${messageOf(error)}`);
    }
  }
}
