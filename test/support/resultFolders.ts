/** @file Folders of results as commands leave them, made by hand: records, and evaluations of a few problems. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

/** Whether each sample of each problem is right, by the name of the grader. */
export type Grades = Readonly<Record<string, readonly (readonly boolean[])[]>>;

export interface EvaluationOptions {
  grades?: Grades;
  /** Of the record. */
  settings?: object;
  inputs?: object;
  /** Of the data. */
  file?: string;
  /** Begins every problem, so that sets are of other problems. */
  of?: string;
  /** Fields of each row. */
  more?: (i: number) => object;
  /** When the responses came, in seconds since 1970. */
  time?: number;
}

/** A folder of its own for the tests of a file, empty before each. */
export class ResultFolders {
  readonly top = mkdtempSync(join(tmpdir(), 'redistill-results-'));

  constructor() {
    afterAll(() => {
      rmSync(this.top, { recursive: true });
    });
    beforeEach(() => {
      rmSync(this.top, { recursive: true });
      mkdirSync(this.top);
    });
  }

  path(...names: string[]): string {
    return join(this.top, ...names);
  }

  /** Writes text as it is, rows as JSON lines, and anything else as JSON. */
  write(name: string, content: string | object): void {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    const text = Array.isArray(content)
      ? content.map((row) => `${JSON.stringify(row)}\n`).join('')
      : typeof content === 'string'
        ? content
        : JSON.stringify(content);
    writeFileSync(path, text);
  }

  record(dir: string, command: string, more: object = {}): void {
    this.write(`${dir}/redistill.json`, { made_by: 'redistill', command, version: '0.1.0', ...more });
  }

  training(dir: string, settings: object, more: object = {}): void {
    const given = { objective: { name: 'sft' }, data: 'rows.jsonl', seed: 1, ...settings };
    this.record(dir, 'train', { settings: given, ...more });
    this.write(`${dir}/metrics.jsonl`, [{ step: 1, loss: 1, learning_rate: 1, num_tokens: 5 }]);
    this.write(`${dir}/finished.json`, {});
  }

  evaluation(dir: string, options: EvaluationOptions = {}): void {
    const {
      grades = { verify: [[true], [false]] },
      settings = {},
      inputs = {},
      file = 'set.jsonl',
    } = options;
    const { of = '', more = () => ({}), time } = options;
    this.record(dir, 'evaluate', { settings, inputs });
    const names = Object.keys(grades);
    const rows = grades[names[0]!]!.map((samples, i) => ({
      ...{ id: `p${i}`, problem: `${of} ${'abcdefgh'[i % 8]!.repeat(3 + i)}`, answer: '1', ...more(i) },
      generations: samples.map(() => 'x'),
      generation_details: samples.map((_, s) => ({
        ...{ finish_reason: 'stop', completion_tokens: 3 },
        grades: Object.fromEntries(
          names.map((name) => [name, { correct: grades[name]![i]![s]!, extracted: '1' }]),
        ),
      })),
    }));
    this.write(`${dir}/samples.jsonl`, rows);
    const data = { file, rows: rows.length, sha256: 'x'.repeat(64) };
    this.write(`${dir}/summary.json`, {
      evaluation: { version: '1', model: 'm', data, skip: 0, settings: {} },
    });
    if (time !== undefined) utimesSync(this.path(dir, 'samples.jsonl'), time, time);
  }
}
