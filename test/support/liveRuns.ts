/** Training runs that are written while a test looks at them, by the files' own writer. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MetricsFiles } from '../../src/train/metricsFiles.js';

/** A run of made-up numbers that can be killed and go on from an earlier step. */
export class LiveRun {
  readonly dir: string;
  step = 0;
  #files: MetricsFiles;
  /** Bytes of metrics.jsonl after each step. */
  readonly #bytes = [0];
  /** How often the run has begun, which its speeds tell. */
  #lives = 1;

  constructor(dir: string, settings: object = {}) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
    const all = {
      objective: { name: 'redi' },
      seed: 1,
      epochs: 2,
      model: 'm/student',
      data: 'd.jsonl',
      ...settings,
    };
    writeFileSync(
      join(dir, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command: 'train', version: '0.1.0', settings: all }),
    );
    this.#files = new MetricsFiles(dir, { tensorboard: false }, { begin: () => undefined });
  }

  /** Runs so many steps. @param more of the numbers of each */
  run(steps: number, more: Record<string, number> = {}): void {
    for (let i = 0; i < steps; i++) {
      const step = ++this.step;
      this.#files.append({
        ...{ step, epoch: step / 500, loss: 1 + Math.sin(step) / 3, grad_norm: 1 + Math.cos(step) },
        ...{ learning_rate: 1e-5, num_tokens: 100 * step },
        'logps/chosen_per_token': -1 - Math.sin(step / 50) / 5,
        'logps/rejected_per_token': -1 - step / 500,
        ...more,
        ...{ tokens_per_second: 50 + (step % 7) + this.#lives / 8, peak_memory_bytes: 1e9 },
      });
      this.#bytes[step] = this.#files.bytes;
    }
  }

  measure(name: string, value: number): void {
    this.#files.appendMeasured({ step: this.step, [name]: value });
    this.#bytes[this.step] = this.#files.bytes;
  }

  /** Dies without a word and goes on from an earlier step, as a resumed run does. */
  resume(from: number): void {
    const after = { step: from, bytes: this.#bytes[from]!, mayBeGone: false };
    this.#files = new MetricsFiles(this.dir, { tensorboard: false }, { after, begin: () => undefined });
    this.step = from;
    this.#lives++;
  }

  finish(): void {
    writeFileSync(join(this.dir, 'finished.json'), '{}');
  }

  alert(sentence: string): void {
    writeFileSync(
      join(this.dir, 'sentinel.json'),
      JSON.stringify([{ step: this.step, verdict: 'collapse', sentence }]),
    );
  }

  /** Every step by its own, read in the plainest way: all of the files at once. */
  plainly(): { steps: number[]; values: (name: string) => (number | null)[] } {
    const read = (name: string) =>
      readFileSync(join(this.dir, name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number | null>);
    const speeds = read('speed.jsonl');
    const lines = read('metrics.jsonl')
      .filter((line) => 'learning_rate' in line)
      .map(
        (line) => ({ ...line, ...speeds.find(({ step }) => step === line.step) }) as Record<string, number>,
      );
    return {
      steps: lines.map(({ step }) => step!),
      values: (name) => lines.map((line) => line[name] ?? null),
    };
  }
}
