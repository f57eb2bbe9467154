/** @file Runs the optimizer steps of a run: its rows, the update, and the line of metrics. */
import type { Objective } from '../objectives/objective.js';
import { clipFactor, globalNorm, type AdamW } from '../torch/optim.js';
import { noGrad } from '../torch/autograd.js';
import { memoryStats } from '../torch/runtime.js';
import { stepRows } from './dataOrder.js';
import type { Engine } from './engine.js';
import type { Examples } from './examples.js';
import type { LastingMetrics, StepMetrics } from './metricsFiles.js';
import type { StepPlan } from './plan.js';
import type { Ranks } from './ranks.js';
import { learningRate } from './schedule.js';
import type { TrainRecipe } from './settings.js';
import { sequencesOf } from './sequences.js';
import { stepByPacks, type StepResult } from './step.js';

export interface StepperParts {
  recipe: TrainRecipe;
  tokenBudget: number;
  engine: Engine;
  optimizer: AdamW;
  objective: Objective;
  examples: Examples;
  plan: StepPlan;
  /** Awaited before each pack; where it throws, the step ends without an update. */
  beforePack: () => Promise<void>;
  /** Awaited before the weights change. */
  beforeUpdate: () => Promise<void>;
  onNotice: (sentence: string) => void;
  /** What to do where numbers are not finite, and what there is on the disk. */
  remedy: () => Promise<string>;
}

/** So many steps in a row were not finite that the run ends. The weights are those before them. */
export class NotFinite extends Error {}

/** Updates that were skipped since their numbers were not finite. */
export interface Skips {
  total: number;
  /** Of the last steps. */
  inARow: number;
}

/** So many in a row end a run: what gives no numbers three times will give none. */
const MOST_SKIPS = 3;

/** The norm of an update is known in so many steps: in every one it would make them some per cent slower. */
const UPDATE_NORM_EVERY = 10;

export class Stepper {
  /** Those of the steps so far; of the stages that the run continues too. */
  skipped: Skips = { total: 0, inARow: 0 };
  /** What the objective remembers of the rows so far. */
  memory: Map<string, number> = new Map<string, number>();

  constructor(readonly parts: StepperParts) {}

  /** Goes on from what is known of the steps before, at all ranks. */
  know(of: { skipped: Skips; memory: Map<string, number> }): void {
    this.parts.engine.weights.ranks.order('know', of);
    ({ skipped: this.skipped, memory: this.memory } = of);
  }

  /**
   * Runs a step, counted from 0, at all ranks, of which each knows what it came to. Where loss or gradient are not finite, weights and moments stay as they are; data and schedule
   * go on.
   * @param last the metrics of the step before it
   * @throws NotFinite where several steps in a row were so
   */
  async run(step: number, last: LastingMetrics | undefined): Promise<StepMetrics> {
    const { recipe, engine, optimizer, objective, examples, plan, tokenBudget } = this.parts;
    const { weights } = engine;
    const { ranks } = weights;
    ranks.order('step', { step, last });
    const started = performance.now();
    const rows = stepRows(step, plan.order);
    const sequences = rows.flatMap((row, group) => sequencesOf(examples.at(row), group));
    const clock = {
      ...{ step, steps: plan.steps, epoch: step / plan.stepsPerEpoch },
      ...(last && { gradNorm: last.grad_norm }),
    };
    const place = { clock, memory: this.memory };
    const packs = stepByPacks(engine, objective, sequences, tokenBudget, place, ranks);
    const { loss, metrics, remember } = await finish(packs, this.parts.beforePack, ranks);
    const gradNorm = weights.sumGrads();
    const rate = learningRate(plan.updatesBefore + step, plan.schedule);
    const factor = clipFactor(gradNorm, recipe.optimizer.clip_grad_norm);
    const isFinite = Number.isFinite(loss) && Number.isFinite(gradNorm);
    this.#count(step, isFinite, `the loss is ${loss} and the gradient norm ${gradNorm}`);
    await this.parts.beforeUpdate();
    if (isFinite) for (const [id, value] of remember) this.memory.set(id, value);
    if (isFinite) weights.update(optimizer, rate, factor);
    else weights.zeroGrads();

    const lengthOf = (some: typeof sequences) => some.reduce((sum, { row }) => sum + row.ids.length, 0);
    return {
      step: step + 1,
      epoch: (step + 1) / plan.stepsPerEpoch,
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      // The order in which a state's schema gives them back.
      num_tokens: (last?.num_tokens ?? 0) + lengthOf(sequences.filter(({ onlyScored }) => !onlyScored)),
      clipped_share: 1 - factor,
      skipped_steps: this.skipped.total,
      ...((step + 1) % UPDATE_NORM_EVERY === 0 && {
        update_norm: isFinite ? Math.hypot(...ranks.gather(noGrad(() => optimizer.updateNorm(rate)))) : 0,
      }),
      ...metrics,
      tokens_per_second: lengthOf(sequences) / ((performance.now() - started) / 1000),
      peak_memory_bytes: memoryStats(recipe.device).peakAllocated,
    };
  }

  /** Refuses to save weights that an update has blown up: the last good ones stay on disk. */
  async refuseRuinedWeights(step: number): Promise<void> {
    const norm = this.weightNorm();
    if (Number.isFinite(norm)) return;
    throw new Error(`step ${step}: its update left weights of norm ${norm}; ${await this.parts.remedy()}`);
  }

  /** The norm of all weights; not finite where an update has ruined them. */
  weightNorm(): number {
    return globalNorm([...this.parts.engine.weights.model.parameters.values()]);
  }

  /**
   * Counts a step that is skipped.
   * @throws NotFinite where it is one too many, or the run would have had no update at all; it is not counted then, so that a run
   * which goes on tries it again
   */
  #count(step: number, isFinite: boolean, numbers: string): void {
    const { total, inARow } = this.skipped;
    const now = isFinite ? 0 : inARow + 1;
    if (now > 0) this.parts.onNotice(`step ${step + 1} was skipped: ${numbers}`);
    if (now >= Math.min(MOST_SKIPS, this.parts.plan.steps)) {
      const skipped = now === 1 ? 'the only step was' : `${now} steps in a row were`;
      throw new NotFinite(`step ${step + 1}: ${numbers}; ${skipped} skipped for that, so training stopped`);
    }
    this.skipped = { total: isFinite ? total : total + 1, inARow: now };
  }
}

/** Runs a step to its end; where `beforePack` throws, what it kept is freed, and the other ranks end the step as well. */
async function finish(
  packs: Generator<void, StepResult, void>,
  beforePack: () => Promise<void>,
  ranks: Ranks,
): Promise<StepResult> {
  try {
    let next = packs.next();
    while (!next.done) {
      await beforePack().catch((error: unknown) => {
        ranks.stop();
        throw error;
      });
      next = packs.next();
    }
    return next.value;
  } finally {
    packs.return({ loss: NaN, metrics: {}, remember: new Map() });
  }
}
