/** @file The queue of a run: which answers are still to be had, in which order, and where they go. Does not know where the model is. */
import type { PlacedProblem } from '../data/problems.js';
import { messageOf } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import type { Journal } from './journal.js';
import type { Meter } from './meter.js';
import type { Completion } from './reply.js';
import type { AnswerRequest, RequestId, RequestQueue } from './requests.js';
import { promptDigest, type PromptFile } from './promptFile.js';
import { endpointSeed, promptFor, seedOf, type AnswerSettings } from './settings.js';
import {
  isRight,
  journalEntry,
  knownAnswer,
  nextSample,
  turnsOf,
  type JournalEntry,
  type ProblemState,
  type Turn,
  type Wanted,
} from './states.js';

/** Says whether a response is right; `verify` of `src/verify` is one. */
export type Verifier = (item: { gold: string; pred: string }) => NonNullable<JournalEntry['verdict']>;

/** Says at once what a grader makes of a response; nothing where it does not say so before the end. */
export type GradeAtOnce = (
  problem: PlacedProblem,
  response: { text: string; finishReason: string },
) => JournalEntry['grade'];

export interface CollectorOptions {
  settings: AnswerSettings;
  wanted: Wanted;
  /** Verifies answers as they arrive. */
  verify?: Verifier;
  grade?: GradeAtOnce;
  /** The sampler wants journaled requests in their place (`Sampler.replays`). */
  replays: boolean;
  /** Says what is asked after an answer. */
  prompt?: PromptFile;
  progress: Progress;
}

/** So many problems given up in a row, without an answer in between, mean that all will be. */
const MOST_FAILURES_IN_A_ROW = 20;

/** Hands out the requests that are missing, until there are none or the budget is used up, and journals the answers. */
export class Collector implements RequestQueue {
  readonly #options: CollectorOptions;
  readonly #states: ReadonlyMap<number, ProblemState>;
  readonly #meter: Meter;
  readonly #journal: Journal;
  readonly #fresh: Iterator<RequestId, undefined>;
  /** Next tries at problems whose answer was wrong; they come before fresh problems. */
  readonly #further: RequestId[] = [];
  /** Next questions of conversations that were begun; they come before all else, so that none is left half. */
  readonly #questions: AnswerRequest[] = [];
  /** The turns of conversations that go on, by problem and sample. */
  readonly #turns = new Map<string, Turn[]>();
  #failuresInARow = 0;
  #failures = 0;
  #unitsDone = 0;

  constructor(options: CollectorOptions, states: readonly ProblemState[], meter: Meter, journal: Journal) {
    this.#options = options;
    this.#states = new Map(states.map((state) => [state.place, state]));
    this.#meter = meter;
    this.#journal = journal;
    this.#fresh = this.#all();
    for (const state of states) this.#unitsDone += this.#units(state);
    this.#report();
  }

  next(): AnswerRequest | undefined {
    const question = this.#questions.pop();
    if (question) return question;
    while (this.#meter.mayAsk()) {
      const id = this.#further.pop() ?? this.#fresh.next().value;
      if (id === undefined) return undefined;
      const state = this.#states.get(id.problem)!;
      // One failure is enough: a problem that is too long for the model stays so.
      if (state.failure !== undefined) continue;
      const known = state.answers[id.sample];
      const { asked = { prompt: promptFor(this.#options.settings, state.problem) } } = state;
      const request = { id, ...asked };
      if (!known) {
        this.#meter.underWay++;
        return request;
      }
      if (this.#options.replays) return { ...request, answeredTokens: known.tokens };
      this.#follow(id, known.right);
    }
    return undefined;
  }

  async answered(request: AnswerRequest, completion: Completion): Promise<void> {
    const { id, answeredTokens } = request;
    const state = this.#states.get(id.problem)!;
    if (answeredTokens !== undefined) {
      const { place, right } = state.answers[id.sample]!;
      if (!this.#prompt) this.#follow(id, right);
      else {
        const turns = turnsOf(journalEntry.parse(this.#journal.read(place)));
        const asked = (id.turn ?? 0) + 1;
        if (asked === turns.length) this.#follow(id, right);
        else this.#askAgain(request, state, turns.slice(0, asked), turns[asked]!.completion_tokens ?? 0);
      }
      return;
    }
    this.#failuresInARow = 0;
    const turn = this.#turnOf(request, completion, state);
    const name = `${id.problem}/${id.sample}`;
    const earlier = this.#turns.get(name) ?? [];
    if (earlier.length + 1 < (this.#prompt?.questions ?? 1)) {
      const turns = [...earlier, turn];
      this.#turns.set(name, turns);
      this.#askAgain(request, state, turns);
      return;
    }
    this.#turns.delete(name);
    const { problem, sample } = id;
    const grade = this.#options.grade?.(state, completion);
    const entry = {
      ...{ id: { problem, sample }, ...turn },
      ...(earlier.length > 0 && { earlier_turns: earlier }),
      ...(grade && { grade }),
    };
    this.#follow(id, isRight(entry));
    const place = await this.#journal.append(entry);
    const before = this.#units(state);
    state.answers[id.sample] = knownAnswer(entry, place);
    this.#meter.underWay--; // until now it may still cost something
    this.#meter.add(entry);
    this.#unitsDone += this.#units(state) - before;
    this.#report();
  }

  failed({ id }: AnswerRequest, reason: string, permanent: boolean): void {
    const state = this.#states.get(id.problem)!;
    this.#meter.underWay--;
    if (state.failure !== undefined) return;
    const before = this.#units(state);
    state.failure = { reason, permanent };
    this.#unitsDone += this.#units(state) - before;
    this.#failures++;
    this.#report();
    // A model that runs here refuses a prompt for the prompt's own sake.
    if (this.#options.replays || ++this.#failuresInARow < MOST_FAILURES_IN_A_ROW) return;
    throw new Error(
      `${this.#failuresInARow} problems in a row have failed, so the rest is left (${reason}): run the same command again when the endpoint works`,
    );
  }

  get #prompt(): PromptFile | undefined {
    return this.#options.prompt;
  }

  /** Asks what comes after so many turns of a conversation. */
  #askAgain(
    request: AnswerRequest,
    state: ProblemState,
    turns: readonly Turn[],
    answeredTokens?: number,
  ): void {
    const { problem, sample } = request.id;
    const responses = turns.map(({ text }) => text);
    try {
      const asked = this.#prompt!.askAgain(state.row!, state.asked!, responses);
      const id = { problem, sample, turn: turns.length };
      this.#questions.push({ id, ...asked, ...(answeredTokens !== undefined && { answeredTokens }) });
    } catch (error) {
      this.failed(request, messageOf(error), true);
    }
  }

  #turnOf(request: AnswerRequest, completion: Completion, { golds }: ProblemState): Turn {
    const { text, finishReason, promptTokens, completionTokens, tokens, computed } = completion;
    const { sampling } = this.#options.settings;
    const turn = {
      text,
      finish_reason: finishReason,
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      drawn: {
        seed: computed ? seedOf(sampling.seed, request.id) : endpointSeed(this.#options.settings, request.id),
        prompt_sha256: promptDigest(request),
        ...computed,
      },
      ...(tokens && { tokens }),
    };
    const { verify } = this.#options;
    if (!verify) return turn;
    const [own, ...others] = golds.map((gold) => verify({ gold, pred: text }));
    const { correct, reason, stage, extracted } = own!;
    return {
      ...turn,
      verdict: { correct, reason, stage, extracted },
      reparsed: others.length === 0 ? correct : others.some((verdict) => verdict.correct),
    };
  }

  /** Where a problem is asked until the first right answer, a wrong one brings about the next request. */
  #follow({ problem, sample }: RequestId, right: boolean): void {
    const { untilRight, samples } = this.#options.wanted;
    if (untilRight && !right && sample + 1 < samples) this.#further.push({ problem, sample: sample + 1 });
  }

  /** In input order; of a problem that is asked until the first right answer only the first. */
  *#all(): Generator<RequestId, undefined> {
    const { samples, untilRight } = this.#options.wanted;
    for (const problem of this.#states.keys())
      for (let sample = 0; sample < (untilRight ? 1 : samples); sample++) yield { problem, sample };
    return undefined;
  }

  /** A problem is `samples` units of work, all of them done once nothing more is asked about it. */
  #units(state: ProblemState): number {
    const { wanted } = this.#options;
    if (state.failure !== undefined || nextSample(state, wanted) === undefined) return wanted.samples;
    return state.answers.filter((answer) => answer !== undefined).length;
  }

  #report(): void {
    const failed = this.#failures === 0 ? '' : `, ${this.#failures} failed`;
    const total = this.#states.size * this.#options.wanted.samples;
    this.#options.progress.update(this.#unitsDone, total, this.#meter.describe() + failed);
  }
}
