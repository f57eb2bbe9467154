import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify as toYaml } from 'yaml';
import { afterAll, beforeAll, expect } from 'vitest';
import { turns, writeRows, writeTinyModel, type Finished } from './tinyModel.js';

/** One row too long for the model's 128 positions. */
export const long = { messages: turns('2+2?', 'x'.repeat(200)) };
export const trainKeys = { objective: { name: 'sft' }, optimizer: { lr: 1e-3 }, batch_size: 2 };

/** What `score` prints of a response. */
export interface Score {
  tokens: number;
  sum: number;
  mean: number;
  ids: number[];
  logps: number[];
}

/** A folder for a test file, with a tiny model and rows of each kind, and commands that use them. */
export function tinyCommands() {
  const root = mkdtempSync(join(tmpdir(), 'redistill-cli-'));
  const path = (...names: string[]) => join(root, ...names);
  const tiny = path('tiny');
  const messages = path('messages.jsonl');
  const pairs = path('pairs.jsonl');
  const prompts = path('prompts.jsonl');
  const problems = path('problems.jsonl');

  beforeAll(() => {
    writeTinyModel(tiny);
    writeRows(messages, [{ messages: turns('2+2?', '4') }, { messages: turns('3+3?', 'it is 6') }]);
    writeRows(pairs, [
      { chosen: turns('2+2?', '4'), rejected: turns('2+2?', 'five') },
      { chosen: turns('3+3?', 'it is 6'), rejected: turns('3+3?', '7') },
      { prompt: 'a', chosen: ' b', rejected: ' c' },
    ]);
    writeRows(prompts, [{ problem: '2+2?' }, { prompt: 'a b c' }]);
    writeRows(problems, [
      { problem: '2+2?', answer: 4 },
      { question: '3+3?', answer: 'so #### 6' },
    ]);
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  let files = 0;
  /** A path at which nothing is yet. */
  const newPath = (name: string) => path(`${name}-${++files}`);
  /** Writes text, JSON lines or YAML to a file of its own. */
  const file = (ending: string, text: string): string => {
    const written = `${newPath('file')}.${ending}`;
    writeFileSync(written, text);
    return written;
  };
  const rows = (list: readonly object[]): string => writeRows(`${newPath('rows')}.jsonl`, list);
  const recipe = (keys: object): string =>
    file('yaml', toYaml({ model: tiny, data: messages, dtype: 'f32', max_steps: 2, ...trainKeys, ...keys }));
  const pipeline = (keys: object): string => file('yaml', toYaml({ out: newPath('run'), ...keys }));

  const score = (data: string, ...more: string[]) => [...['score', '--model', tiny, '--data', data], ...more];
  const generate = (from: string, ...more: string[]) => [
    ...['generate', '--model', tiny, '--dtype', 'f32', '--max-tokens', '8', '--prompts', from],
    ...more,
  ];
  const evaluate = (data: string, ...more: string[]) => [
    ...['evaluate', '--model', tiny, '--dtype', 'f32', '--max-tokens', '8', '--data', data],
    ...more,
  ];
  return {
    ...{ path, newPath, tiny, messages, pairs, prompts, problems },
    ...{ file, rows, recipe, pipeline, score, generate, evaluate },
  };
}

export function expectDone({ code, stderr }: Finished): void {
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/\berror\b/);
}

/** One sentence on standard error, as the last line, and nothing on standard output. */
export function expectError(
  { code, signal, stdout, stderr }: Finished,
  exit: number,
  ...parts: string[]
): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: exit, signal: null, stdout: '' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('error: '))).toEqual([lines.at(-1)]);
  for (const part of parts) expect(lines.at(-1)).toContain(part);
}
