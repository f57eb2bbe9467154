/** @file Takes the lines that a person types, one after another, and keeps the terminal's echo out of the answers. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Session } from './session.js';

/** Where lines come from and where they are echoed. */
export interface Terminal {
  input: NodeJS.ReadableStream;
  /** With `columns` and the event `resize`, as a terminal has them. */
  output: NodeJS.WritableStream & { columns?: number };
  /** Whether it is one, and no pipe. */
  isTerminal: boolean;
  /** Writes text, which it makes harmless. */
  print: (text: string) => void;
}

const PROMPT = '> ';

/** What readline has for a terminal: it shows what is typed, but not while an answer is written there. */
class Echo extends Writable {
  isOpen = true;
  readonly isTTY = true;
  readonly #screen: Terminal['output'];
  readonly #resized = () => this.emit('resize');

  constructor(screen: Terminal['output']) {
    super();
    this.#screen = screen;
    screen.on('resize', this.#resized);
  }

  get columns(): number {
    return this.#screen.columns ?? 80;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.isOpen) this.#screen.write(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#screen.off('resize', this.#resized);
    done(error);
  }
}

/**
 * Gives a session line after line until there are no more. What is typed while an answer comes is shown when it is over.
 * @returns whether Ctrl-C has left it
 */
export async function converse(
  session: Pick<Session, 'stop' | 'take'>,
  { input, output, isTerminal, print }: Terminal,
): Promise<boolean> {
  const echo = new Echo(output);
  const lines = createInterface({
    input,
    ...(isTerminal && { output: echo, prompt: PROMPT }),
    terminal: isTerminal,
  });
  const state = { left: false, closed: false, waiting: 0 };
  const interrupt = () => {
    if (session.stop()) return;
    state.left = true;
    lines.close();
  };
  lines.on('SIGINT', interrupt);
  process.on('SIGINT', interrupt);
  lines.on('line', () => state.waiting++);
  lines.on('close', () => (state.closed = true));
  const ask = () => {
    echo.isOpen = true;
    // Where readline believes the cursor to be is not where the answer has left it.
    (lines as { prevRows?: number }).prevRows = 0;
    // Once the input has ended, a prompt would open it again.
    if (!state.closed) lines.prompt(true);
  };
  try {
    if (isTerminal) ask();
    let hasWaited = false;
    for await (const line of lines) {
      if (isTerminal && hasWaited) print(`${PROMPT}${line}\n`);
      echo.isOpen = false;
      if (!(await session.take(line)) || state.left) break;
      hasWaited = --state.waiting > 0;
      if (isTerminal && !hasWaited) ask();
    }
  } finally {
    process.off('SIGINT', interrupt);
    lines.close();
    echo.destroy();
  }
  return state.left;
}
