/** @file Counts what a server does, in the names that vLLM has for it and the text that Prometheus reads. */
import type { Load } from './loop.js';

/** Upper bounds of the classes, in seconds: vLLM's. */
const FIRST_TOKEN = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  ...[160, 640, 2560],
];
const REQUEST = [
  ...[0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
];

class Histogram {
  readonly #counts: number[];
  #sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const place = this.bounds.findIndex((bound) => value <= bound);
    this.#counts[place < 0 ? this.bounds.length : place]!++;
    this.#sum += value;
  }

  lines(name: string, label: string): string[] {
    let total = 0;
    const buckets = [...this.bounds.map(String), '+Inf'].map(
      (bound, i) => `${name}_bucket{${label},le="${bound}"} ${(total += this.#counts[i]!)}`,
    );
    return [...buckets, `${name}_sum{${label}} ${this.#sum}`, `${name}_count{${label}} ${total}`];
  }
}

/** The counts of one model since the server started. */
export class Metrics {
  promptTokens = 0;
  generationTokens = 0;
  /** Requests that were answered, by what ended each of their responses. */
  readonly #finished = new Map<string, number>();
  readonly #firstToken = new Histogram(FIRST_TOKEN);
  readonly #request = new Histogram(REQUEST);

  finished(reason: string): void {
    this.#finished.set(reason, (this.#finished.get(reason) ?? 0) + 1);
  }

  firstToken(seconds: number): void {
    this.#firstToken.observe(seconds);
  }

  request(seconds: number): void {
    this.#request.observe(seconds);
  }

  /** @param model its name */
  text(model: string, { running, waiting }: Load): string {
    const label = `model_name="${model.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
    const plain = (name: string, value: number) => [`${name}{${label}} ${value}`];
    const metrics: [name: string, type: string, help: string, lines: string[]][] = [
      ['vllm:num_requests_running', 'gauge', 'Responses in the batch.', []],
      ['vllm:num_requests_waiting', 'gauge', 'Responses that wait for a place in the batch.', []],
      ['vllm:prompt_tokens_total', 'counter', 'Tokens of prompts.', []],
      ['vllm:generation_tokens_total', 'counter', 'Tokens that were generated.', []],
    ];
    [running, waiting, this.promptTokens, this.generationTokens].forEach((value, i) => {
      metrics[i]![3] = plain(metrics[i]![0], value);
    });
    const [success, first, whole] = [
      'vllm:request_success_total',
      'vllm:time_to_first_token_seconds',
      'vllm:e2e_request_latency_seconds',
    ] as const;
    metrics.push(
      [
        success,
        'counter',
        'Responses that have ended, by what ended them.',
        Array.from(
          this.#finished,
          ([reason, count]) => `${success}{finished_reason="${reason}",${label}} ${count}`,
        ),
      ],
      [
        first,
        'histogram',
        'Seconds from a request to its first token.',
        this.#firstToken.lines(first, label),
      ],
      [whole, 'histogram', 'Seconds from a request to its end.', this.#request.lines(whole, label)],
    );
    return metrics
      .flatMap(([name, type, help, lines]) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines])
      .map((line) => `${line}\n`)
      .join('');
  }
}
