/** @file A conversation with one model: its history, and how its next answer is drawn. */
import type { Generator } from '../generate/generator.js';
import type { SamplingOptions } from '../generate/sampling.js';
import type { FinishReason } from '../generate/sequence.js';
import type { DecodingLoop } from '../serve/loop.js';
import { encodePrompt } from '../text/tokenRows.js';
import type { ChatMessage } from '../text/template.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import { deriveSeed } from '../util/random.js';

/** How answers are drawn. */
export interface Manner {
  sampling: SamplingOptions;
  /** Tokens of an answer at most. */
  maxTokens: number;
  seed: number;
}

/** A conversation that goes on. */
export class Conversation {
  #messages: ChatMessage[] = [];
  #answers = 0;

  /**
   * @param name what the model is called
   * @param loop decodes with the generator's model
   */
  constructor(
    readonly name: string,
    readonly generator: Generator,
    readonly tokenizer: ChatTokenizer,
    readonly loop: DecodingLoop,
  ) {
    if (!tokenizer.hasTemplate)
      throw new UserError(
        `${name} has no chat template: \`redistill generate --raw\` continues texts with it`,
      );
  }

  /** What was said, oldest first. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** Forgets what was said, but for a system message. */
  clear(): void {
    this.#messages = this.#messages.filter(({ role }) => role === 'system');
  }

  /** Begins anew with a system message; without a text with none. */
  begin(system: string): void {
    this.#messages = system === '' ? [] : [{ role: 'system', content: system }];
  }

  /**
   * Asks and answers. A question that is not answered, for it does not fit or for the signal, is not part of the conversation; an answer
   * that is stopped is, as far as it came.
   * @param show given every piece of the answer
   * @returns what ended the answer; undefined where the signal did
   * @throws UserError where it does not fit
   */
  async ask(
    question: string,
    manner: Manner,
    show: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<FinishReason | undefined> {
    const asked: ChatMessage[] = [...this.#messages, { role: 'user', content: question }];
    const ids = await encodePrompt(this.tokenizer, asked);
    const sequence = this.generator.begin(ids, {
      sampling: manner.sampling,
      maxNewTokens: manner.maxTokens,
      seed: deriveSeed(manner.seed, 'chat', this.#answers++),
      name: 'the conversation',
    });
    sequence.follow();
    let shown = 0;
    const showMore = () => {
      show(sequence.text.slice(shown));
      shown = sequence.text.length;
    };
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.loop.cancel(sequence);
        resolve();
      };
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener('abort', stop, { once: true });
      this.loop.submit(sequence, {
        advanced: showMore,
        finished: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
        failed: reject,
      });
    });
    if (sequence.ids.length > 0) this.#messages = [...asked, { role: 'assistant', content: sequence.text }];
    return sequence.finishReason;
  }
}
