/** @file A chat in a terminal: what a person types, the few commands there are, and the answers of one model or two. */
import { messageOf, UserError } from '../util/errors.js';
import { printable } from '../util/printable.js';
import { Columns, widthOf } from './columns.js';
import type { Conversation, Manner } from './conversation.js';

/** Where a chat is shown. */
export interface Screen {
  /** Writes text, which it makes harmless. */
  print(text: string): void;
  /** Cells of a line; undefined where it is not a terminal. */
  width(): number | undefined;
}

/** Columns narrower than this cannot be read. */
const LEAST_COLUMN = 36;
const GAP = ' │ ';

const HELP = `/clear            forget what was said
/system TEXT      begin anew with a system message; without TEXT with none
/temperature X    0 is greedy
/exit             leave; so do Ctrl-D, and Ctrl-C where no answer is under way
`;

/** What a session needs of a conversation. */
type Asked = Pick<Conversation, 'name' | 'ask' | 'begin' | 'clear'>;

/** One chat with all its conversations, which are asked the same. */
export class Session {
  readonly #conversations: readonly Asked[];
  readonly #screen: Screen;
  #manner: Manner;
  #answering: AbortController | undefined;

  constructor(conversations: readonly Asked[], screen: Screen, manner: Manner) {
    this.#conversations = conversations;
    this.#screen = screen;
    this.#manner = manner;
  }

  /** Stops the answer that is under way. @returns whether there was one */
  stop(): boolean {
    const answering = this.#answering;
    if (!answering || answering.signal.aborted) return false;
    answering.abort();
    return true;
  }

  /** Takes a line: a command, or a question, whose answers are shown. @returns whether the chat goes on */
  async take(line: string): Promise<boolean> {
    if (line.trim() === '') return true;
    if (line.startsWith('/')) return this.#obey(line);
    const answering = (this.#answering = new AbortController());
    try {
      await this.#answer(line, answering.signal);
    } finally {
      this.#answering = undefined;
    }
    return true;
  }

  #obey(line: string): boolean {
    const [, command = '', rest = ''] = /^\/(\S*)\s*([^]*)$/.exec(line) ?? [];
    switch (command) {
      case 'exit':
        return false;
      case 'clear':
        for (const conversation of this.#conversations) conversation.clear();
        break;
      case 'system':
        for (const conversation of this.#conversations) conversation.begin(rest);
        break;
      case 'temperature':
        this.#setTemperature(rest);
        break;
      case 'help':
        this.#screen.print(HELP);
        break;
      default:
        this.#screen.print(`There is no /${command}; /help says what there is.\n`);
    }
    return true;
  }

  #setTemperature(text: string): void {
    const temperature = text.trim() === '' ? NaN : Number(text);
    if (temperature === 0 || (temperature >= 0.01 && temperature <= 100))
      this.#manner = { ...this.#manner, sampling: { ...this.#manner.sampling, temperature } };
    else this.#screen.print('A temperature is 0, or a number from 0.01 to 100.\n');
  }

  async #answer(question: string, signal: AbortSignal): Promise<void> {
    const count = this.#conversations.length;
    const width = Math.floor(((this.#screen.width() ?? 0) - GAP.length * (count - 1)) / count);
    if (count === 1)
      await this.#ask(0, question, signal, (piece) => {
        this.#screen.print(piece);
      });
    else if (width >= LEAST_COLUMN) await this.#sideBySide(question, signal, width);
    else await this.#oneByOne(question, signal);
    if (count === 1) this.#screen.print('\n');
    if (signal.aborted) this.#screen.print('(stopped)\n');
  }

  /** Asks one model; what keeps it from answering takes the place of the answer. A person is told where an answer is cut off. */
  async #ask(
    index: number,
    question: string,
    signal: AbortSignal,
    show: (piece: string) => void,
  ): Promise<void> {
    try {
      const reason = await this.#conversations[index]!.ask(question, this.#manner, show, signal);
      if (reason === 'length' && this.#screen.width() !== undefined) show('\n(cut off)');
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      show(`[${messageOf(error)}; /clear begins anew]`);
    }
  }

  async #sideBySide(question: string, signal: AbortSignal, width: number): Promise<void> {
    const columns = new Columns(this.#conversations.length, width, GAP);
    const print = (lines: string[]) => {
      for (const line of lines) this.#screen.print(`${line}\n`);
    };
    const heads = this.#conversations.map(({ name }) => {
      const head = Array.from(printable(name)).slice(-width).join('');
      return head + ' '.repeat(Math.max(0, width - widthOf(head)));
    });
    print([heads.join(GAP).trimEnd()]);
    await Promise.all(
      this.#conversations.map(async (_, i) => {
        await this.#ask(i, question, signal, (piece) => {
          // What the screen writes out takes the cells of what is written.
          print(columns.push(i, printable(piece)));
        });
        print(columns.end(i));
      }),
    );
  }

  /** Shows the first answer as it comes, and what there is of the next one when that has ended. */
  async #oneByOne(question: string, signal: AbortSignal): Promise<void> {
    const waiting = this.#conversations.map(() => '');
    let current = 0;
    const show = (i: number, piece: string) => {
      if (i === current) this.#screen.print(piece);
      else waiting[i] = waiting[i]! + piece;
    };
    const answers = this.#conversations.map((_, i) =>
      this.#ask(i, question, signal, (piece) => {
        show(i, piece);
      }),
    );
    for (const [i, { name }] of this.#conversations.entries()) {
      current = i;
      this.#screen.print(`${name}:\n${waiting[i]!}`);
      await answers[i];
      this.#screen.print('\n');
    }
  }
}
