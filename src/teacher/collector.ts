import type { Progress } from '../util/progress.js';
import { EndpointError, type Completion, type Endpoint } from './endpoint.js';
import type { Journal } from './journal.js';
import type { Meter } from './meter.js';
import { promptFor, requestFields, type CollectSettings } from './settings.js';
import { nextSample, type JournalEntry, type ProblemState } from './states.js';

/** Says whether an answer is right; `verify` of `src/verify` is one. */
export type Verifier = (item: { gold: string; pred: string }) => JournalEntry['verdict'];

export interface CollectorOptions {
  endpoint: Endpoint;
  settings: CollectSettings;
  verify: Verifier;
  progress: Progress;
  signal?: AbortSignal;
}

interface Job {
  problem: number;
  sample: number;
}

/** So many problems given up in a row, without an answer in between, mean that all will be. */
const MOST_FAILURES_IN_A_ROW = 20;

/** Asks for the traces that are missing, until there are none or the budget is used up. */
export class Collector {
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #fresh: Iterator<Job, undefined>;
  /** Next tries at problems whose trace was wrong; they come before fresh problems. */
  readonly #further: Job[] = [];
  #failuresInARow = 0;
  #failures = 0;
  #unitsDone = 0;

  constructor(
    private readonly options: CollectorOptions,
    private readonly states: readonly ProblemState[],
    private readonly meter: Meter,
    private readonly journal: Journal,
  ) {
    const { signal } = options;
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    this.#fresh = this.missing();
    for (const state of states) this.#unitsDone += this.unitsDone(state);
  }

  /**
   * @throws UserError where the endpoint refuses every request, Error where it has stopped to work or a trace cannot be
   * stored, the signal's reason when it is aborted: requests under way are then given up
   */
  async run(): Promise<void> {
    this.report();
    const workers = Array.from({ length: this.options.endpoint.concurrency }, () => this.work());
    try {
      await Promise.all(workers);
    } catch (error) {
      this.#stop.abort(error);
      await Promise.allSettled(workers);
      throw error;
    }
  }

  private async work(): Promise<void> {
    while (this.meter.mayAsk()) {
      this.#signal.throwIfAborted();
      const job = this.#further.pop() ?? this.#fresh.next().value;
      if (job === undefined) return;
      const state = this.states[job.problem]!;
      const before = this.unitsDone(state);
      await this.collectTrace(job, state);
      this.#unitsDone += this.unitsDone(state) - before;
      this.report();
    }
  }

  private async collectTrace(job: Job, state: ProblemState): Promise<void> {
    const { endpoint, settings } = this.options;
    this.meter.underWay++;
    try {
      const fields = requestFields(settings, job.problem, job.sample);
      const prompt = promptFor(settings, state.problem);
      const completion = await endpoint.complete(prompt, fields, this.#signal);
      this.#failuresInARow = 0;
      const entry = this.entryOf(completion, job, state);
      state.traces[job.sample] = await this.journal.append(entry);
      if (entry.right) state.right++;
      this.meter.add(entry);
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      this.giveUp(state, error.message);
      return;
    } finally {
      this.meter.underWay--;
    }
    const sample = nextSample(state, settings);
    if (settings.until_right && sample !== undefined) this.#further.push({ problem: job.problem, sample });
  }

  private giveUp(state: ProblemState, reason: string): void {
    if (state.failure !== undefined) return;
    state.failure = reason;
    this.#failures++;
    if (++this.#failuresInARow < MOST_FAILURES_IN_A_ROW) return;
    throw new Error(
      `${this.#failuresInARow} problems in a row have failed, so the rest is left (${reason}): run the same command again when the endpoint works`,
    );
  }

  private entryOf(completion: Completion, job: Job, { golds }: ProblemState): JournalEntry {
    const { text, finishReason, promptTokens, completionTokens } = completion;
    const [own, ...reparsed] = golds.map((gold) => this.options.verify({ gold, pred: text }));
    const { correct, reason, stage, extracted } = own!;
    return {
      problem: job.problem,
      sample: job.sample,
      text,
      finish_reason: finishReason,
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      verdict: { correct, reason, stage, extracted },
      right: reparsed.length === 0 ? correct : reparsed.some((verdict) => verdict.correct),
    };
  }

  /** In input order; of a problem that is asked until the first right trace only the next. */
  private *missing(): Generator<Job, undefined> {
    const { settings } = this.options;
    for (const [problem, state] of this.states.entries()) {
      const first = nextSample(state, settings);
      const end = settings.until_right && first !== undefined ? first + 1 : settings.samples;
      for (let sample = first ?? end; sample < end; sample++) {
        // One failure is enough: a problem that is too long for the model stays so.
        if (!state.traces[sample] && state.failure === undefined) yield { problem, sample };
      }
    }
    return undefined;
  }

  /** A problem is `samples` units of work, all of them done once nothing more is asked about it. */
  private unitsDone(state: ProblemState): number {
    const { settings } = this.options;
    if (state.failure !== undefined || nextSample(state, settings) === undefined) return settings.samples;
    return state.traces.filter((place) => place !== undefined).length;
  }

  private report(): void {
    const failed = this.#failures === 0 ? '' : `, ${this.#failures} failed`;
    const total = this.states.length * this.options.settings.samples;
    this.options.progress.update(this.#unitsDone, total, this.meter.describe() + failed);
  }
}
