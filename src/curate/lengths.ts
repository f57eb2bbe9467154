/** @file Counts tokens of prompts and responses with the student's tokenizer, in the ways that curation needs. */
import { responseText } from '../data/responseText.js';
import type { RowMessage } from '../text/template.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { messageOf, UserError } from '../util/errors.js';

/** A way to count the tokens of a prompt and of a response. */
export interface LengthCount {
  /** Its name in summary.json. */
  readonly name: string;
  /** Whether the chat template is put around the prompt, and around the response alone. */
  readonly template: boolean;
  /** Tokens that are added to each count. */
  readonly more: number;
}

/**
 * `paper` counts as REDI's code does: the chat template over the prompt without the header of the answer, and over the
 * response alone, in front of which templates like Qwen's put their default system message; 1 more on each. `content`
 * counts the texts alone.
 */
export const lengthCounts = {
  paper: { name: 'paper', template: true, more: 1 },
  content: { name: 'content', template: false, more: 0 },
} as const satisfies Record<string, LengthCount>;

/** The most tokens of a pair's parts that are kept. */
export interface LengthLimits {
  /** null: of any length. */
  prompt: number | null;
  response: number;
}

/** How lengths are counted and limited. */
export interface LengthRule {
  count: LengthCount;
  limits: LengthLimits;
  /** D_SFT is limited too; REDI limits pairs only. */
  sft: boolean;
}

/** REDI's limits, made for students with 32,768 positions. */
export const rediLimits = { prompt: 800, response: 19_000 };

/** What is measured: a prompt and responses to it. */
export interface Measurable {
  prompt: readonly RowMessage[];
  responses: readonly RowMessage[];
}

export interface Lengths {
  prompt: number;
  /** One for each response. */
  responses: number[];
}

/** Counts tokens with the student's tokenizer. */
export class LengthMeter {
  readonly #tokenizer: ChatTokenizer;

  constructor(tokenizer: ChatTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Counts prompts and responses apart. @throws UserError where the chat template refuses what it is given */
  async measureParts(items: readonly Measurable[], { template, more }: LengthCount): Promise<Lengths[]> {
    const promptText = (prompt: readonly RowMessage[]) =>
      template ? this.#renderPart(prompt) : prompt.map(responseText).join('\n');
    const answerText = (response: RowMessage) =>
      template ? this.#renderPart([response]) : responseText(response);
    const counts = await this.#tokenizer.countAll(
      items.flatMap(({ prompt, responses }) => [promptText(prompt), ...responses.map(answerText)]),
    );
    let next = 0;
    return items.map(({ responses }) => ({
      prompt: counts[next++]! + more,
      responses: responses.map(() => counts[next++]! + more),
    }));
  }

  /** Counts each response together with its prompt, as the chat template writes them. @throws UserError as above */
  async measureConversations(items: readonly Measurable[]): Promise<number[][]> {
    const counts = await this.#tokenizer.countAll(
      items.flatMap(({ prompt, responses }) =>
        responses.map((response) => this.#tokenizer.renderChat([...prompt, response])),
      ),
    );
    let next = 0;
    return items.map(({ responses }) => responses.map(() => counts[next++]!));
  }

  #renderPart(messages: readonly RowMessage[]): string {
    try {
      return this.#tokenizer.renderChat(messages);
    } catch (error) {
      throw new UserError(
        `lengths cannot be counted as the paper's code does, with the chat template over the prompt and the answer apart: ${messageOf(error)}; set "length_count" to content`,
      );
    }
  }
}
