/** @file Encodes the prompts of a file, as the model's chat template writes them or as they are. */
import { errorInRow } from '../data/errorInRow.js';
import { rowError } from '../data/jsonl.js';
import { saysSomething } from '../data/messages.js';
import type { Prompt } from '../data/prompts.js';
import { encodePrompt } from '../text/tokenRows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';

export interface PromptSettings {
  /** A system message for prompts that have none. */
  system?: string;
  /** What every response begins with. */
  forcedPrefix?: string;
  /** Texts go to the model as they are; else they are the user's turn, where the model has a chat template. */
  raw: boolean;
}

/** A prompt's tokens, and what it is called in errors. */
export interface EncodedPrompt {
  ids: Int32Array;
  /** The text at its end that the response begins with. */
  begun: string;
  name: string;
}

/** @throws UserError naming file and line, where a prompt cannot be asked as its row says */
export function encodePrompts(
  tokenizer: ChatTokenizer,
  path: string,
  prompts: readonly Prompt[],
  { raw, system, ...rest }: PromptSettings,
): Promise<EncodedPrompt[]> {
  const encode = async ({ line, prompt, inputs, prefix }: Prompt): Promise<EncodedPrompt> => {
    const name = `${path}, line ${line}: the prompt`;
    const asText = typeof prompt === 'string' && (raw || !tokenizer.hasTemplate);
    if (asText && (system !== undefined || (inputs && saysSomething(inputs))))
      throw rowError(
        path,
        line,
        `the prompt is taken as it is, so that ${system === undefined ? 'its "tools" and "chat_template_kwargs"' : 'the system message'} would be lost`,
      );
    const asked = typeof prompt === 'string' && !asText ? [{ role: 'user', content: prompt }] : prompt;
    const options = {
      ...rest,
      ...(prefix !== undefined && { forcedPrefix: prefix }),
      ...(system !== undefined && { system }),
      ...(inputs && { inputs }),
    };
    try {
      const ids = await encodePrompt(tokenizer, asked, options);
      return { name, ids, begun: options.forcedPrefix ?? '' };
    } catch (error) {
      throw errorInRow(path, line, error);
    }
  };
  return Promise.all(prompts.map(encode));
}
