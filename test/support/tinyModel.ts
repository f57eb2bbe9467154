import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { familyDir } from './families.js';
import { writeTinyTokenizer } from './tinyTokenizer.js';

/**
 * A whole model directory: a tiny Llama of the fixtures with a tokenizer of printable ASCII.
 * @param config keys of config.json that differ, e.g. more positions
 */
export function writeTinyModel(dir: string, config: Record<string, unknown> = {}): string {
  const from = familyDir('llama');
  mkdirSync(dir, { recursive: true });
  cpSync(join(from, 'model.safetensors'), join(dir, 'model.safetensors'));
  const json = JSON.parse(readFileSync(join(from, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...json, ...config }));
  writeTinyTokenizer(dir);
  return dir;
}

/** A question and its answer as chat messages. */
export const turns = (question: string, answer: string) => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];

export function writeRows(path: string, rows: readonly object[]): string {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

export function readRows(path: string): Record<string, unknown>[] {
  return parseRows(readFileSync(path, 'utf8'));
}

export const parseRows = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Every file below a directory with a digest of its bytes. */
export function contents(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(dir, file)).isFile())
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(dir, file)))
          .digest('hex'),
      ]),
  );
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Bytes of address space at most (`ulimit -v`). */
  addressSpace?: number;
}

const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));

/** The command line as a process of its own. */
export class Cli {
  readonly finished: Promise<Finished>;
  readonly #child;
  #stdout = '';
  #stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { env = {}, cwd, addressSpace }: StartOptions = {}) {
    const command = [process.execPath, program, ...args];
    this.#child = spawn(
      addressSpace === undefined ? command[0]! : 'bash',
      addressSpace === undefined
        ? command.slice(1)
        : ['-c', `ulimit -v ${Math.floor(addressSpace / 1024)}; exec "$@"`, 'bash', ...command],
      {
        env: { ...process.env, ...env },
        ...(cwd !== undefined && { cwd }),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      for (const look of this.#waiting) look();
    });
    this.finished = new Promise((resolve, reject) => {
      this.#child.on('error', reject).on('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** The number of the process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** What it has said on standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when standard error shows the pattern; rejects when the process ends without it. */
  async shows(pattern: RegExp): Promise<void> {
    let look!: () => void;
    const seen = new Promise<void>((resolve) => {
      look = () => {
        if (pattern.test(this.#stderr)) resolve();
      };
      this.#waiting.add(look);
      look();
    });
    const ended = this.finished.then<never>(({ code, stderr }) => {
      throw new Error(`ended with ${code} before ${pattern.source} was shown:\n${stderr}`);
    });
    await Promise.race([seen, ended]).finally(() => this.#waiting.delete(look));
  }

  /** Sends a signal and waits for the end; a process that has not ended after 20 s is killed. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> {
    this.#child.kill(signal);
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    return this.finished.finally(() => {
      clearTimeout(patience);
    });
  }
}

export const redistill = (args: readonly string[], options?: StartOptions): Promise<Finished> =>
  new Cli(args, options).finished;
