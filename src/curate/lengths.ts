import type { ChatMessage } from '../text/template.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { messageOf, UserError } from '../util/errors.js';

/**
 * How tokens of a prompt and of an answer are counted.
 * - `paper`: as REDI's code does: the chat template over the prompt without the header of the answer, and over the
 *   answer alone, in front of which templates like Qwen's put their default system message; 1 more on each.
 * - `content`: the texts alone.
 * - `ablation`: the texts alone, 1 more on each for the end token.
 */
export type LengthCount = 'paper' | 'content' | 'ablation';

/** The most tokens of a pair's parts that are kept. */
export interface LengthLimits {
  /** null: of any length. */
  prompt: number | null;
  response: number;
}

/** REDI's limits, made for students with 32,768 positions. */
export const rediLimits = { prompt: 800, response: 19_000 };

/** What is measured: a prompt and the texts of answers to it. */
export interface Measurable {
  prompt: readonly ChatMessage[];
  responses: readonly string[];
}

export interface Lengths {
  prompt: number;
  /** One for each response. */
  responses: number[];
}

/** A text of less than this many characters goes to the tokenizer with others, so that all cores have work. */
const BATCH_CHARACTERS = 1 << 20;

/** Counts tokens with the student's tokenizer. */
export class LengthMeter {
  constructor(
    private readonly tokenizer: ChatTokenizer,
    readonly count: LengthCount,
  ) {}

  /** @throws UserError where the chat template refuses what it is given */
  async measure(items: readonly Measurable[]): Promise<Lengths[]> {
    const texts = items.flatMap(({ prompt, responses }) => [
      this.promptText(prompt),
      ...responses.map((response) => this.responseText(response)),
    ]);
    const counts = await this.countAll(texts);
    let next = 0;
    return items.map(({ responses }) => ({
      prompt: counts[next++]!,
      responses: responses.map(() => counts[next++]!),
    }));
  }

  private promptText(prompt: readonly ChatMessage[]): string {
    return this.count === 'paper' ? this.render(prompt) : prompt.map(({ content }) => content).join('\n');
  }

  private responseText(content: string): string {
    return this.count === 'paper' ? this.render([{ role: 'assistant', content }]) : content;
  }

  private render(messages: readonly ChatMessage[]): string {
    try {
      return this.tokenizer.renderChat(messages);
    } catch (error) {
      throw new UserError(
        `lengths cannot be counted as the paper's code does, with the chat template over the prompt and the answer apart: ${messageOf(error)}; use --length-count content`,
      );
    }
  }

  private async countAll(texts: readonly string[]): Promise<number[]> {
    const more = this.count === 'content' ? 0 : 1;
    const counts: number[] = [];
    for (let start = 0; start < texts.length;) {
      let end = start;
      for (let size = 0; end < texts.length && size < BATCH_CHARACTERS; end++) size += texts[end]!.length;
      for (const tokens of await this.tokenizer.countAll(texts.slice(start, end))) counts.push(tokens + more);
      start = end;
    }
    return counts;
  }
}
