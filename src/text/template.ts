/** @file Holds a model's chat template and renders conversations with it. Knows nothing of tokens. */

import { messageOf, UserError } from '../util/errors.js';
import { compile, render, type Program, type Rendered } from './jinja.js';
import { strftime } from './jinja/strftime.js';

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
  /** Of an answer that is trained, a number: how much its tokens count, with its sign. */
  weight?: unknown;
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

export type { Rendered };

export interface RenderOptions extends TemplateInputs {
  /** Whether the header of the assistant's turn follows. Default: false. */
  addGenerationPrompt?: boolean;
}

/** Fields in which servers put a message's thinking, in the order in which transformers looks for it; most templates read the first. */
export const reasoningFields = ['reasoning_content', 'thinking', 'reasoning'];

/** What a row's `chat_template_kwargs` cannot set: parameters of transformers' own, and what the renderer sets itself. */
export const reservedVariables: ReadonlySet<string> = new Set([
  ...[
    'messages',
    'conversation',
    'tools',
    'chat_template',
    'add_generation_prompt',
    'continue_final_message',
  ],
  ...['tokenize', 'sanitize_control_tokens', 'padding', 'truncation', 'max_length', 'return_tensors'],
  ...['return_dict', 'return_assistant_tokens_mask', 'tokenizer_kwargs'],
]);

/** Today, as YYYY-MM-DD. */
export const today = (): string => strftime(new Date(), '%Y-%m-%d');

/** A model's own Jinja template, rendered as the `apply_chat_template` of transformers 5.23 does. */
export class ChatTemplate {
  readonly #program: Program;
  /** Whether what it writes may depend on the time. */
  readonly asksForTime: boolean;

  /**
   * @param where the file, for errors
   * @param date what it takes for the time; default: the time
   */
  constructor(
    source: string,
    readonly where: string,
    readonly specialTokens: Readonly<Record<string, string>>,
    readonly date?: Date,
  ) {
    this.asksForTime = source.includes('strftime_now');
    try {
      this.#program = compile(source);
    } catch (error) {
      throw new UserError(`${where}: the chat template cannot be read: ${messageOf(error)}`);
    }
  }

  /** Renders messages. @throws UserError with the template's own words if it refuses them */
  render(messages: readonly RowMessage[], options?: RenderOptions): string {
    return this.renderMarked(messages, options).text;
  }

  /** Renders messages and says which of the text `{% generation %}` blocks wrote. @throws UserError as `render` does */
  renderMarked(messages: readonly RowMessage[], options: RenderOptions = {}): Rendered {
    try {
      return render(this.#program, this.#variables(messages, options), { date: this.date });
    } catch (error) {
      throw new UserError(`${this.where}: the chat template refuses the messages: ${messageOf(error)}`);
    }
  }

  #variables(
    messages: readonly RowMessage[],
    { tools, kwargs, addGenerationPrompt = false }: RenderOptions,
  ): Record<string, unknown> {
    if (messages.length === 0) throw new Error('there are none');
    if (tools?.some((tool) => typeof tool !== 'object' || tool === null || Array.isArray(tool))) {
      throw new Error('each of "tools" must be an object, the JSON schema of a tool');
    }
    const reserved = Object.keys(kwargs ?? {}).find((name) => reservedVariables.has(name));
    if (reserved !== undefined) throw new Error(`"chat_template_kwargs" cannot set "${reserved}"`);
    return {
      ...this.specialTokens,
      // Templates distinguish "none" from "undefined", and transformers passes none.
      documents: null,
      ...kwargs,
      messages: messages.map(prepared),
      tools: tools ?? null,
      add_generation_prompt: addGenerationPrompt,
    };
  }
}

/** Drops fields that are null and fills the thinking's names from each other, as transformers does. */
function prepared(message: RowMessage): Record<string, unknown> {
  const fields = Object.fromEntries(Object.entries(message).filter(([, value]) => value != null));
  requireTexts(message);
  const name = reasoningFields.find((field) => fields[field] !== undefined);
  if (name === undefined) return fields;
  return { thinking: fields[name], ...fields, reasoning_content: fields[name] };
}

/** Refuses images and the like, for which a template writes tokens that stand for nothing here. @throws Error */
export function requireTexts({ content }: RowMessage): void {
  if (!Array.isArray(content)) return;
  for (const part of content as unknown[]) {
    const type = (part as Partial<ContentPart> | null)?.type;
    if (type !== 'text')
      throw new UserError(
        `a content part of the type "${String(type)}" is not a text, and the model reads texts alone`,
      );
  }
}
