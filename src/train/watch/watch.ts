/** @file Watches a run from step to step: measures what is due, judges how it goes, and says where it is to end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Generator } from '../../generate/generator.js';
import type { Objective } from '../../objectives/objective.js';
import { UserError } from '../../util/errors.js';
import type { Engine } from '../engine.js';
import type { MetricsFiles, StepMetrics } from '../metricsFiles.js';
import type { Kept } from '../saving.js';
import type { TrainRecipe } from '../settings.js';
import { statesOf } from '../stateFolder.js';
import { compareWithBest } from './best.js';
import { measureAccuracy } from './development.js';
import { BEST, BEST_FILE, SENTINEL_FILE, writeAccount } from './files.js';
import { measureHeldOut } from './heldOut.js';
import { responseMetrics } from './responses.js';
import { judge, verdicts, type Judgement, type Logps, type Verdict } from './sentinel.js';
import type { WatchSettings } from './settings.js';
import type { Watched } from './open.js';
import { drawSmallSamples } from './smallSamples.js';
import type { Sighting, WatchState } from './state.js';

/** Rows whose log-probs are averaged at the start and at a step, and steps at least: single rows differ too much. */
const WINDOW = { rows: 40, steps: 5 };

/** How a run ends before its last step. */
export type Ending = { sentence: string } & (
  | { kind: 'early' | 'stop' }
  /** To the state of an earlier step. */
  | { kind: 'rollback'; to: number; keep: readonly Kept[] }
);

/** What is to be done after a step. */
export interface Findings {
  /** Where the weights of this step are to be kept. */
  keep: Kept[];
  /** The run may have to come back here: its state is to be kept. */
  isHealthy: boolean;
  ending?: Ending;
}

export type WatchEvent =
  | { kind: 'measured'; step: number; metrics: Record<string, number>; seconds: number }
  | ({ kind: 'sentinel' } & Sighting);

export interface WatchParts {
  settings: WatchSettings & Pick<TrainRecipe, 'out' | 'batch_size' | 'optimizer' | 'save'>;
  /** Steps of the whole run. */
  steps: number;
  tokenBudget: number;
  objective: Objective;
  engine: Engine;
  watched: Watched;
  metrics: Pick<MetricsFiles, 'appendMeasured'>;
  /** Asked before each pack and between two tokens of a response; where it throws, nothing has been measured. */
  pause: { before: () => Promise<void>; throwIfAborted: () => void };
  onEvent: (event: WatchEvent) => void;
}

export class Watch {
  /** Samples with the weights that are trained. */
  readonly #generator: Generator;

  /** @param state what it remembers of the steps so far */
  constructor(
    readonly parts: WatchParts,
    readonly state: WatchState,
  ) {
    this.#generator = new Generator(parts.engine.weights.model, parts.watched.tokenizer);
    const { out } = parts.settings;
    // It may be gone where a run goes on from a state older than its newest.
    if (!existsSync(join(statesOf(out), `step-${state.healthy}`))) delete state.healthy;
    if (state.sightings.length > 0) this.#writeSightings();
  }

  /** Takes note of a step that is done. */
  see(done: StepMetrics): void {
    const logps = logpsOf(done, this.parts.objective);
    if (!logps) return;
    const { first, recent } = this.state;
    const most = Math.max(WINDOW.steps, Math.ceil(WINDOW.rows / this.parts.settings.batch_size));
    if (first.length < most) {
      first.push(logps);
      if (first.length === most) this.state.start.logps = meanOf(first);
    }
    recent.push(logps);
    if (recent.length > most) recent.shift();
  }

  /**
   * Measures what is due after a step, 0 being the start, and judges the run.
   * @throws what `pause` throws, before anything is changed
   */
  async after(step: number): Promise<Findings> {
    const { settings, metrics, onEvent } = this.parts;
    const started = performance.now();
    const measured = this.state.measured === step ? {} : await this.#measure(step);
    const keep: Kept[] = [];
    const { best } = this.state;
    const ending = this.#compare(step, measured, keep); // before the first line: it refuses a metric that there is not
    if (Object.keys(measured).length > 0) {
      this.state.measured = step;
      metrics.appendMeasured({ step, ...measured });
      onEvent({ kind: 'measured', step, metrics: measured, seconds: (performance.now() - started) / 1000 });
    }
    const judgement = this.#judge(step);
    if (judgement) this.#note({ step, ...judgement });
    const { act } = settings.sentinel;
    if (judgement?.verdict === 'collapse' && (act === 'stop' || act === 'rollback')) {
      const goesBack = act === 'rollback' && this.state.healthy !== undefined;
      // What weights are best by may rise while they collapse.
      if (goesBack) this.state.best = best;
      const end = this.#endingOf(step, act, judgement.sentence);
      return { keep: goesBack ? [] : keep, isHealthy: false, ending: end };
    }
    const isHealthy =
      act === 'rollback' && judgement !== undefined && this.#isHealthyLook(step, 'eval_accuracy' in measured);
    if (isHealthy) this.state.healthy = step;
    return { keep, isHealthy, ...(ending && { ending }) };
  }

  /**
   * Whether a step is one to go back to. Accuracy of an earlier step says nothing for it.
   * @param isMeasured whether accuracy was measured after it
   */
  #isHealthyLook(step: number, isMeasured: boolean): boolean {
    const { start, now, healthy } = this.state;
    const { every } = this.parts.settings.sentinel;
    if (step === 0 || step === this.parts.steps || step % every > 0 || step === healthy) return false;
    const signs = { ...now };
    if (!isMeasured) delete signs.accuracy;
    return judge(start, signs).verdict !== 'collapse';
  }

  /** What there is to say at the end of the run. */
  finish(step: number): Sighting | undefined {
    const judgement = this.#judge(step);
    if (!judgement) return undefined;
    const sighting = { step, ...judgement };
    if (this.state.sightings.at(-1)?.verdict !== judgement.verdict)
      this.parts.onEvent({ kind: 'sentinel', ...sighting });
    if (this.state.sightings.at(-1)?.step !== step) this.state.sightings.push(sighting);
    this.#writeSightings();
    return sighting;
  }

  #isDue(step: number, every: number): boolean {
    return step % every === 0 || step === this.parts.steps;
  }

  async #measure(step: number): Promise<Record<string, number>> {
    const { settings, steps, watched, engine, objective, tokenBudget, pause } = this.parts;
    const { heldOut, development, samples } = watched;
    const { state } = this;
    const beforeToken = () => {
      pause.throwIfAborted();
    };
    let measured: Record<string, number> = {};
    if (heldOut && this.#isDue(step, settings.evaluation!.every))
      measured = await measureHeldOut(
        heldOut,
        { scorer: engine.scorer, objective, tokenBudget },
        pause.before,
      );
    let accuracy: WatchState['now']['accuracy'];
    if (development && this.#isDue(step, settings.development!.every)) {
      Object.assign(measured, await measureAccuracy(development, this.#generator, beforeToken));
      accuracy = { mean: measured.eval_accuracy!, problems: development.problems.length };
    }
    // A run that is shorter is judged by its log-probs.
    const { act, every } = settings.sentinel;
    const drawn =
      samples && act !== 'off' && steps >= every && this.#isDue(step, every)
        ? await drawSmallSamples(samples, this.#generator, beforeToken)
        : undefined;
    if (drawn) Object.assign(measured, responseMetrics(drawn));
    // From here on nothing throws.
    for (const [name, value] of Object.entries({ accuracy, samples: drawn })) {
      if (!value) continue;
      Object.assign(state.now, { [name]: value });
      state.start = { [name]: value, ...state.start };
    }
    return measured;
  }

  #endingOf(step: number, act: 'stop' | 'rollback', seen: string): Ending {
    const { out, optimizer, save, sentinel } = this.parts.settings;
    const { healthy } = this.state;
    const said = `the sentinel ended the run after step ${step} of ${this.parts.steps}: ${seen}`;
    const remedy = `a lower optimizer.lr (now ${optimizer.lr}) is the usual remedy`;
    if (act === 'rollback' && healthy !== undefined)
      return {
        kind: 'rollback',
        to: healthy,
        keep: this.insteadOfBest(healthy),
        sentence: `${said}; the trained model is that of step ${healthy}, the last look that was healthy (sentinel.act: rollback); ${remedy}: \`redistill train --resume ${out} --allow-changes --set optimizer.lr=…\` goes on from there`,
      };
    const none = `there is no healthy step to go back to (sentinel.every: ${sentinel.every}) and so no trained model; `;
    const saved =
      save.states === 0
        ? 'nothing of it is saved (save.states: 0)'
        : `its state, of the collapsed weights, is saved, and \`redistill train --resume ${out} --set sentinel.act=warn\` goes on`;
    return {
      kind: 'stop',
      sentence: `${said}; ${act === 'rollback' ? none : ''}${saved}; ${remedy}, from an earlier state or the start`,
    };
  }

  /**
   * Where the weights of the step that a run comes to take the place of the best: those may be of a step that it has gone back from,
   * or have been forgotten, and nothing was measured since.
   */
  insteadOfBest(step: number): Kept[] {
    const { best } = this.state;
    const { best: settings } = this.parts.settings;
    if (!settings || (best && best.step <= step)) return [];
    return [{ folder: BEST, file: BEST_FILE, account: { metric: settings.metric, step } }];
  }

  /** Compares with the best so far. @returns why the run is to end, if it is */
  #compare(step: number, measured: Record<string, number>, keep: Kept[]): Ending | undefined {
    const { best: settings, evaluation, development } = this.parts.settings;
    if (!settings || Object.keys(measured).length === 0) return undefined;
    const { metric, patience = Infinity } = settings;
    const measuresAll = [evaluation, development].every((part) => !part || this.#isDue(step, part.every));
    if (!(metric in measured) && !measuresAll) return undefined;
    const { best, isBest } = compareWithBest(metric, this.state.best, { step, ...measured });
    if (!best) throw new UserError(`best.metric: ${metric} is ${measured[metric]} before the first step`);
    this.state.best = best;
    if (isBest) {
      keep.push({ folder: BEST, file: BEST_FILE, account: { metric, value: best.value, step } });
    }
    if (best.since < patience || step === this.parts.steps) return undefined;
    return {
      kind: 'early',
      sentence:
        `ended after step ${step} of ${this.parts.steps}: ${metric} has not been better than the ${best.value} of step ${best.step} ` +
        `for ${best.since} measurements (best.patience)`,
    };
  }

  /**
   * Judges the run after a step by what was measured last. A run that goes on after a step at which it collapsed is told of it in
   * the words of then.
   */
  #judge(step: number): Judgement | undefined {
    if (this.parts.settings.sentinel.act === 'off') return undefined;
    const { start, now, recent, sightings } = this.state;
    const noted = sightings.at(-1);
    if (noted?.step === step) return { verdict: noted.verdict, sentence: noted.sentence };
    if (start.logps) now.logps = meanOf(recent);
    const isKnown = start.logps ?? start.samples ?? start.accuracy;
    return isKnown && judge(start, now, this.#worst === 'collapse');
  }

  /** The worst verdict so far. */
  get #worst(): Verdict {
    return (
      verdicts.findLast((verdict) => this.state.sightings.some((sighting) => sighting.verdict === verdict)) ??
      'healthy'
    );
  }

  /** Says what is worse than all before. */
  #note(sighting: Sighting): void {
    if (verdicts.indexOf(sighting.verdict) <= verdicts.indexOf(this.#worst)) return;
    this.state.sightings.push(sighting);
    this.#writeSightings();
    this.parts.onEvent({ kind: 'sentinel', ...sighting });
  }

  #writeSightings(): void {
    writeAccount(join(this.parts.settings.out, SENTINEL_FILE), this.state.sightings);
  }
}

/** The log-probs a token that a step has had; undefined where it had none, or such that are no numbers. */
function logpsOf(done: StepMetrics, { name }: Objective): Logps | undefined {
  const { 'logps/chosen_per_token': chosen, 'logps/rejected_per_token': rejected } = done;
  const all =
    chosen !== undefined ? { chosen, rejected } : name === 'sft' ? { chosen: -done.loss } : undefined;
  return all && Object.values(all).every(Number.isFinite) ? all : undefined;
}

function meanOf(steps: readonly Logps[]): Logps {
  const mean = (of: (step: Logps) => number) => steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  return {
    chosen: mean(({ chosen }) => chosen),
    ...(steps[0]!.rejected !== undefined && { rejected: mean(({ rejected }) => rejected!) }),
  };
}
