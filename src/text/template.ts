import { Template } from '@huggingface/jinja';
import { messageOf, UserError } from '../util/errors.js';

/** One turn of a conversation. */
export interface ChatMessage {
  role: string;
  content: string;
}

/** A rendered conversation longer than this is a template gone wrong. */
const MAX_CHARACTERS = 1 << 26;

/** A model's own Jinja template. It sees the messages and the special tokens and nothing else. */
export class ChatTemplate {
  readonly #template: Template;

  /** @param where names the file in errors */
  constructor(
    source: string,
    readonly where: string,
    readonly specialTokens: Readonly<Record<string, string>>,
  ) {
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw new UserError(`${where}: the chat template cannot be read: ${messageOf(error)}`);
    }
  }

  /** @throws UserError with the template's own words where it refuses the messages */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    const variables = {
      ...this.specialTokens,
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: addGenerationPrompt,
    };
    let text: string;
    try {
      text = this.#template.render(variables);
    } catch (error) {
      throw new UserError(`${this.where}: the chat template refuses the messages: ${messageOf(error)}`);
    }
    if (text.length > MAX_CHARACTERS)
      throw new UserError(`${this.where}: the chat template writes too much text`);
    return text;
  }
}
