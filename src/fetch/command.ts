/** @file Runs other programs (pip, Python, CMake) and finds out whether they are installed. */
import { spawn } from 'node:child_process';
import { constants, accessSync, createWriteStream, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { onTermination } from './termination.js';

export interface CommandResult {
  /** Exit status; null when a signal ended the program or when it could not be started. */
  code: number | null;
  /** Whether the program is not installed (or not executable). */
  missing: boolean;
  stdout: string;
  /** Last lines of standard output and standard error, in the order of arrival. */
  tail: string[];
}

export interface CommandOptions {
  cwd?: string;
  /** Variables added to the environment of this process. */
  env?: Record<string, string>;
  /** Called for each line of either stream. */
  onLine?: (line: string) => void;
  /** File to which all output is appended. */
  logFile?: string;
}

const TAIL_LINES = 200;
const STDOUT_LIMIT = 1 << 20;

/**
 * Runs a program to its end without a shell. Failure is a value, not an exception. The program gets its own process
 * group, so that a signal to this process can also end the compilers and downloads that it starts.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: 'a' });
  // Failing to write the log must not end the build that it describes.
  log?.on('error', () => undefined);
  const tail: string[] = [];
  let stdout = '';
  try {
    return await new Promise<CommandResult>((resolve) => {
      const child = spawn(file, args, {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const forget = onTermination(() => {
        if (child.pid !== undefined) killGroup(child.pid);
      });
      const settle = (code: number | null, missing: boolean): void => {
        forget();
        resolve({ code, missing, stdout, tail });
      };
      const onLine = (line: string): void => {
        tail.push(line);
        if (tail.length > TAIL_LINES) tail.shift();
        options.onLine?.(line);
      };
      const [out, err] = [new LineSplitter(onLine), new LineSplitter(onLine)];
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        log?.write(chunk);
        if (stdout.length < STDOUT_LIMIT) stdout += chunk;
        out.push(chunk);
      });
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        log?.write(chunk);
        err.push(chunk);
      });
      child.once('error', (error) => {
        tail.push(error.message);
        settle(null, true);
      });
      child.once('close', (code) => {
        out.end();
        err.end();
        settle(code, false);
      });
    });
  } finally {
    if (log !== undefined && !log.errored) await new Promise<void>((resolve) => log.end(resolve));
  }
}

class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: string): void {
    // A carriage return alone also ends a line: progress displays use it.
    const lines = (this.#rest + chunk).split(/\r\n|[\r\n]/);
    this.#rest = lines.pop() ?? '';
    lines.forEach((line) => {
      this.#onLine(line);
    });
  }

  end(): void {
    if (this.#rest !== '') this.#onLine(this.#rest);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

/** Tells whether a program of that name (or path) can be started. */
export function isInstalled(program: string): boolean {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => {
    const path = folder === '' ? program : join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}
