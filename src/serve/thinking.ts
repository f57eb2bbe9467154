/** @file Divides what a model says into its thinking and its answer, as it comes. */

const OPENING = '<think>';
const CLOSING = '</think>';

/** What a text adds to the thinking and to the answer. */
export interface Said {
  reasoning: string;
  content: string;
}

/** Whether a text leaves a thought open. */
export const leavesThoughtOpen = (text: string): boolean =>
  text.lastIndexOf(OPENING) > text.lastIndexOf(CLOSING);

/**
 * Divides a response at its `<think>` and `</think>`, which belong to neither side, as vLLM's parser for DeepSeek-R1 does; but what
 * does not begin with a thought has none. The text may be divided anywhere; what may become one of the two waits.
 */
export class ThinkingSplitter {
  #state: 'start' | 'thinking' | 'answer';
  #waiting = '';

  /** @param isOpen the prompt has opened the thought already */
  constructor(isOpen: boolean) {
    this.#state = isOpen ? 'thinking' : 'start';
  }

  push(text: string): Said {
    const said: Said = { reasoning: '', content: '' };
    this.#waiting += text;
    if (this.#state === 'start') this.#begin();
    if (this.#state === 'thinking') said.reasoning = this.#think();
    if (this.#state === 'answer') said.content = this.#take(this.#waiting.length);
    return said;
  }

  /** What still waited, at the end of the response. */
  end(): Said {
    const rest = this.#take(this.#waiting.length);
    return this.#state === 'thinking' ? { reasoning: rest, content: '' } : { reasoning: '', content: rest };
  }

  #begin(): void {
    const begun = this.#waiting.trimStart();
    if (begun.startsWith(OPENING)) {
      this.#state = 'thinking';
      this.#waiting = begun.slice(OPENING.length);
    } else if (!OPENING.startsWith(begun)) this.#state = 'answer';
  }

  #think(): string {
    const end = this.#waiting.indexOf(CLOSING);
    if (end < 0) return this.#take(this.#waiting.length - endThatBegins(this.#waiting, [CLOSING]));
    const thought = this.#take(end);
    this.#take(CLOSING.length);
    this.#state = 'answer';
    return thought;
  }

  #take(length: number): string {
    const taken = this.#waiting.slice(0, length);
    this.#waiting = this.#waiting.slice(length);
    return taken;
  }
}

/** How many characters at the end of a text may be the beginning of one of these marks. */
export function endThatBegins(text: string, marks: readonly string[]): number {
  const longest = Math.max(0, ...marks.map((mark) => mark.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length);
    if (marks.some((mark) => mark.startsWith(end) && mark.length > length)) return length;
  }
  return 0;
}
