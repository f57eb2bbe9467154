/** @file Counts tokens of prompts and responses with the student's tokenizer, in the ways that curation needs. */
import type { ChatMessage } from '../text/template.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { messageOf, UserError } from '../util/errors.js';

/**
 * How tokens of a prompt and of a response are counted.
 * - `paper`: as REDI's code does: the chat template over the prompt without the header of the answer, and over the
 *   response alone, in front of which templates like Qwen's put their default system message; 1 more on each.
 * - `content`: the texts alone.
 * - `ablation`: the texts alone, 1 more on each for the end token.
 * - `conversation`: the chat template over prompt and response together, which is the response's count.
 */
export type LengthCount = 'paper' | 'content' | 'ablation' | 'conversation';

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

/** What is measured: a prompt and the texts of responses to it. */
export interface Measurable {
  prompt: readonly ChatMessage[];
  responses: readonly string[];
}

export interface Lengths {
  prompt: number;
  /** One for each response. */
  responses: number[];
}

/** Texts go to the tokenizer together, up to so many characters, so that all cores have work. */
const BATCH_CHARACTERS = 1 << 20;

/** Counts tokens with the student's tokenizer. */
export class LengthMeter {
  readonly #tokenizer: ChatTokenizer;

  constructor(
    tokenizer: ChatTokenizer,
    readonly count: LengthCount,
  ) {
    this.#tokenizer = tokenizer;
  }

  /** @throws UserError where the chat template refuses what it is given */
  async measure(items: readonly Measurable[]): Promise<Lengths[]> {
    const texts = items.flatMap(({ prompt, responses }) => [
      this.#promptText(prompt),
      ...responses.map((response) => this.#responseText(prompt, response)),
    ]);
    const counts = await this.#countAll(texts);
    let next = 0;
    return items.map(({ responses }) => ({
      prompt: counts[next++]!,
      responses: responses.map(() => counts[next++]!),
    }));
  }

  #promptText(prompt: readonly ChatMessage[]): string {
    return this.count === 'paper' ? this.#render(prompt) : prompt.map(({ content }) => content).join('\n');
  }

  #responseText(prompt: readonly ChatMessage[], content: string): string {
    const answer = { role: 'assistant', content };
    if (this.count === 'conversation') return this.#render([...prompt, answer]);
    return this.count === 'paper' ? this.#render([answer]) : content;
  }

  #render(messages: readonly ChatMessage[]): string {
    try {
      return this.#tokenizer.renderChat(messages);
    } catch (error) {
      if (this.count === 'conversation') throw error;
      throw new UserError(
        `lengths cannot be counted as the paper's code does, with the chat template over the prompt and the answer apart: ${messageOf(error)}; set "length_count" to content`,
      );
    }
  }

  async #countAll(texts: readonly string[]): Promise<number[]> {
    const more = this.count === 'paper' || this.count === 'ablation' ? 1 : 0;
    const counts: number[] = [];
    for (let start = 0; start < texts.length;) {
      let end = start;
      for (let size = 0; end < texts.length && size < BATCH_CHARACTERS; end++) size += texts[end]!.length;
      for (const tokens of await this.#tokenizer.countAll(texts.slice(start, end)))
        counts.push(tokens + more);
      start = end;
    }
    return counts;
  }
}
