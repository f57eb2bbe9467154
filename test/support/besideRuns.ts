/** What stands beside runs in a folder, written as the commands leave it: rows with tokens, a doctor's findings, tables. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTinyTokenizer } from './tinyTokenizer.js';

const said = (content: string) => [{ role: 'assistant', content }];

export class BesideRuns {
  readonly dir: string;
  readonly model: string;

  constructor(dir: string) {
    this.dir = dir;
    this.model = join(dir, 'model');
    mkdirSync(this.model, { recursive: true });
    writeTinyTokenizer(this.model);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  write(name: string, content: object): void {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    const lines = Array.isArray(content)
      ? (content as object[]).map((row) => `${JSON.stringify(row)}\n`).join('')
      : JSON.stringify(content);
    writeFileSync(path, lines);
  }

  record(name: string, command: string, settings: object = {}): void {
    this.write(`${name}/redistill.json`, { made_by: 'redistill', command, version: '0.1.0', settings });
  }

  /**
   * A collection of two responses a problem, a curation of it with a pair of each, and log-probs of both sides.
   * @param words stand in every response
   */
  curation(name: string, rows: number, words = 'so', data = `${name}-all`): void {
    const all = Array.from({ length: rows }, (_, i) => ({ i, problem: `How much is ${i} of ${name}?` }));
    const texts = (i: number) => [`${words} ${i}`, `${words} ${i + 1}`] as const;
    const lists = { math_verify_answer: [true, false], math_verify_reparsed_answer: [true, false] };
    this.record(data, 'collect', { model: this.model });
    this.write(
      `${data}/traces.jsonl`,
      all.map(({ i, problem }) => ({
        ...{ original_index: i, problem, answer: `gold ${i}`, generations: texts(i) },
        correctness: { llama_verification: null, ...lists },
        generation_details: [{ finish_reason: 'stop' }, { finish_reason: 'length' }],
      })),
    );
    this.record(name, 'curate', { data: this.path(`${data}/traces.jsonl`), model: this.model });
    const prompt = (problem: string) => [{ role: 'user', content: problem }];
    const places = { chosen_gen_idx: 0, rejected_gen_idx: 1 };
    this.write(
      `${name}/pref.jsonl`,
      all.map(({ i, problem }) => ({
        ...{ prompt: prompt(problem), chosen: said(texts(i)[0]), rejected: said(texts(i)[1]) },
        ...{ original_index: i, ...places },
      })),
    );
    this.write(
      `${name}/sft.jsonl`,
      all.map(({ i, problem }) => ({
        messages: [...prompt(problem), ...said(texts(i)[0])],
        ...{ original_index: i, chosen_gen_idx: 0 },
      })),
    );
    this.write(`${name}/summary.json`, { rows, sft: rows, pref: rows, dropped_rows: 0, dropped: {} });
    this.columns(`${name}-columns`, `${name}/pref.jsonl`, rows, (i) => texts(i));
  }

  /** Numbers of tokens, whose text is given; the tiny tokenizer has a token for each character, from 4 on. */
  columns(name: string, data: string, rows: number, texts: (i: number) => readonly [string, string]): void {
    const ids = (text: string) => [
      ...Array.from(text, (one) => (one === ' ' ? 4 + 0x7f - 0x21 : 4 + one.charCodeAt(0) - 0x21)),
      0,
    ];
    this.record(name, 'columns', {
      ...{ model: this.model, data: this.path(data), as: 'before', read: 'logps' },
    });
    this.write(
      `${name}/rows.jsonl`,
      Array.from({ length: rows }, (_, i) => ({
        ...{ original_index: i, chosen_gen_idx: 0, rejected_gen_idx: 1 },
        sequences: (['chosen', 'rejected'] as const).map((role, side) => {
          const own = ids(texts(i)[side]!);
          return {
            role,
            prompt: { ids: [2] },
            response: [{ ids: own }],
            columns: { before: own.map((_, t) => -t / 4) },
          };
        }),
      })),
    );
  }

  doctor(name: string, rows: number, word = 'trained'): void {
    this.record(name, 'doctor', { data: this.path('pairs/pref.jsonl'), model: this.model });
    const found = { code: 'cut-off', severity: 'error', detail: 'it ends in the middle' };
    this.write(`${name}/summary.json`, {
      ...{ file: 'pairs/pref.jsonl', rows: 9, ok: 8, warnings: 0, errors: 1, every: 1 },
      problems: [{ ...found, rows: 1, meaning: 'The response was cut off.', advice: 'Leave it out.' }],
    });
    this.write(
      `${name}/verdicts.jsonl`,
      Array.from({ length: rows }, (_, i) => ({
        line: i + 1,
        original_index: i,
        verdict: 'ok',
        problems: [],
      })),
    );
    this.write(
      `${name}/shown.jsonl`,
      Array.from({ length: rows }, (_, i) => ({
        ...{
          line: i + 1,
          original_index: i,
          verdict: i === 0 ? 'error' : 'ok',
          problems: i === 0 ? [found] : [],
        },
        tokens: [{ role: 'demonstration', prompt: 3, trained: 2 }],
        responses: [
          {
            role: 'demonstration',
            pieces: [
              { text: 'asked', trained: false },
              { text: `${word} ${i}`, trained: true },
            ],
          },
        ],
      })),
    );
  }

  study(name: string, passAt1: number): void {
    this.record(name, 'study');
    const row = { arm: 'sft', passAt1, standardError: 0.02, seeds: [passAt1], tokens: 100, cutOff: 0.1 };
    const against = {
      difference: 0.05,
      interval: [-0.01, 0.11],
      adjusted: 0.04,
      seeds: [{ difference: 0.05 }],
    };
    this.write(`${name}/study.json`, {
      ...{ control: 'sft', seeds: [1] },
      arms: ['sft', 'redi'].map((arm) => ({
        ...{ name: arm, setting: 1, development: [0.1], steps: 10, tokens: 1_000, compute: 1 },
      })),
      tests: [
        {
          ...{ name: 'held-out', grader: 'verify', problems: 50, seen: 0 },
          rows: [row, { ...row, arm: 'redi', against }],
        },
      ],
    });
  }

  benchmark(name: string): void {
    this.record(name, 'benchmark');
    const task = (own: string) => ({
      ...{ task: own, grader: 'v', problems: 30, samples: 1, cut_off: 0, mean_tokens: 90, disagreements: 0 },
      graders: { v: { pass_at_1: 0.5, standard_error: 0.1, unreadable: 0 } },
    });
    this.write(`${name}/benchmarks.json`, {
      tasks: [task('aime'), task('amc')],
      average: { pass_at_1: 0.5, standard_error: 0.1 },
    });
  }
}
