/** @file Runs a training stage: data, model, the loop over optimizer steps, checkpoints. One step is in `step.ts`. */

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import { resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { parameterCount } from '../models/parameters.js';
import { Scorer } from '../models/scorer.js';
import { openObjective } from '../objectives/index.js';
import { withMemoryFor } from '../torch/errors.js';
import { AdamW, clipFactor, globalNorm } from '../torch/optim.js';
import type { Tensor } from '../torch/tensor.js';
import { memoryStats, openDevice, seed, setThreads } from '../torch/runtime.js';
import { explained } from '../util/fileErrors.js';
import { writeFileAtomic } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import { stepRows } from './dataOrder.js';
import { Engine } from './engine.js';
import { prepareExamples, type Example, type PreparedData } from './examples.js';
import { defaultTokenBudget, packByTokenBudget } from './tokenBudget.js';
import { planSteps } from './plan.js';
import { preflight, type Preflight } from './preflight.js';
import type { TrainRecipe } from './settings.js';
import { requireRoom, saveWeights } from './saving.js';
import { learningRate } from './schedule.js';
import { stepByPacks, type StepResult, type TrainSequence } from './step.js';
import { TrainableWeights } from './weights.js';

/** One line of metrics.jsonl; for pairs it also has TRL's `rewards/…` and `logps/…`. */
export interface StepMetrics extends Record<string, number> {
  /** Counts from 1. */
  step: number;
  epoch: number;
  loss: number;
  /** The norm before clipping. */
  grad_norm: number;
  learning_rate: number;
  /** Tokens that have gone through the model, prompts included. */
  num_tokens: number;
  tokens_per_second: number;
  /** The peak of this process, or of the GPU's allocator. */
  peak_memory_bytes: number;
}

/** Events of a training run, in order. */
export type TrainEvent =
  /** Rows that are tokenised so far. */
  | { kind: 'tokenized'; done: number; total: number }
  | { kind: 'data'; rows: number; dropped: PreparedData['dropped']; tokens: number }
  | { kind: 'notice'; sentence: string }
  | ({ kind: 'doctor' } & Preflight)
  /** `idle` of the steps have learning rate 0. */
  | { kind: 'start'; formula: string; steps: number; idle: number; parameters: number }
  | { kind: 'reference'; done: number; total: number }
  | { kind: 'step'; metrics: StepMetrics; steps: number }
  | { kind: 'saved'; path: string };

export interface TrainResult {
  /** The trained model: a Hugging Face directory. */
  model: string;
  steps: number;
  last: StepMetrics;
}

export interface TrainHooks {
  onEvent: (event: TrainEvent) => void;
  /** Asked before every pack. When it throws, the run ends with its reason; what had been saved stays. */
  signal?: Pick<AbortSignal, 'throwIfAborted'>;
}

/**
 * Runs a training stage to its end. Most of the work is synchronous: to stay free meanwhile, call `trainInProcess`.
 * @throws UserError for a recipe that cannot be run, before anything is written; the signal's reason when it is aborted
 */
export async function train(written: TrainRecipe, { onEvent, signal }: TrainHooks): Promise<TrainResult> {
  const recipe = { ...written, model: await resolveModel(written.model) };
  const { out, device } = recipe;
  const tokenBudget = recipe.token_budget ?? defaultTokenBudget(device);
  setThreads();
  openDevice(device);
  seed(recipe.seed);
  const beforePack = async () => {
    await setImmediate(); // gives messages and finalizers their turn, which a synchronous loop would hold back
    signal?.throwIfAborted();
  };

  const objective = await openObjective(recipe.objective);
  const onRows = (done: number, total: number) => {
    signal?.throwIfAborted();
    onEvent({ kind: 'tokenized', done, total });
  };
  const onNotice = (sentence: string) => {
    onEvent({ kind: 'notice', sentence });
  };
  const data = await prepareExamples(recipe, objective, onRows, onNotice);
  const { examples } = data;
  const { steps, idle, order, schedule, stepsPerEpoch: perEpoch } = planSteps(recipe, examples.length);
  const examined = recipe.doctor === 'off' ? undefined : await preflight(recipe, objective);
  // Before the first write: a model that cannot be loaded leaves an earlier run's files as they are.
  const loaded = loadModel(recipe.model, { dtype: 'f32', device, onNotice });

  const parameters = parameterCount(loaded.model.config);
  // Masters, gradients and two moments in float32, and a copy to compute with.
  const bytes = parameters * (16 + (recipe.dtype === 'bf16' ? 2 : 0));
  const state = `training ${recipe.model} takes, for weights, gradients and moments alone,`;
  using weights = withMemoryFor(state, bytes, () => new TrainableWeights(loaded.model, recipe.dtype));
  makeFolder(out);
  requireRoom(loaded, out, steps, recipe.save.every);
  writeFileAtomic(join(out, 'recipe.yaml'), toYaml({ ...written, token_budget: tokenBudget }));
  const metricsPath = join(out, 'metrics.jsonl');
  writeFileAtomic(metricsPath, ''); // a new file: the old one may be kept elsewhere as a hard link
  onEvent({ kind: 'data', rows: examples.length, dropped: data.dropped, tokens: data.tokens });
  if (examined && (examined.every > 1 || examined.findings.length > 0))
    onEvent({ kind: 'doctor', ...examined });

  using engine = new Engine(weights, recipe.recompute);
  const masters = [...weights.masters.values()];
  const grads = [...weights.grads.values()];
  const { lr: peak, betas, eps, weight_decay: weightDecay, clip_grad_norm: maxNorm } = recipe.optimizer;
  using optimizer = withMemoryFor(state, bytes, () => new AdamW(masters, { betas, eps, weightDecay }));

  if (objective.needs.reference) await scoreReference(weights, examples, tokenBudget, onEvent, beforePack);
  onEvent({ kind: 'start', formula: objective.formula, steps, idle, parameters });

  let tokens = 0;
  let saved: string | undefined;
  let last: StepMetrics | undefined;
  const remedy = () =>
    `${saved === undefined ? 'no checkpoint had been saved yet' : `the last checkpoint is ${saved}`}; ` +
    `lower optimizer.lr (now ${peak}) or look at the data of ${recipe.data}`;
  for (let step = 0; step < steps; step++) {
    const started = performance.now();
    const sequences = stepRows(step, order).flatMap((row, group) => sequencesOf(examples[row]!, group));
    const { loss, metrics } = await finish(
      stepByPacks(engine, objective, sequences, tokenBudget),
      beforePack,
    );
    const gradNorm = globalNorm(grads);
    refuseNonFinite(step, loss, gradNorm, remedy);
    const rate = learningRate(step, schedule);
    weights.update(optimizer, rate, clipFactor(gradNorm, maxNorm));

    const stepTokens = sequences.reduce((sum, { row }) => sum + row.ids.length, 0);
    tokens += stepTokens;
    last = {
      step: step + 1,
      epoch: (step + 1) / perEpoch,
      loss,
      grad_norm: gradNorm,
      learning_rate: rate,
      ...metrics,
      num_tokens: tokens,
      tokens_per_second: stepTokens / ((performance.now() - started) / 1000),
      peak_memory_bytes: memoryStats(device).peakAllocated,
    };
    explained(metricsPath, () => {
      appendFileSync(metricsPath, `${JSON.stringify(last)}\n`);
    });
    onEvent({ kind: 'step', metrics: last, steps });

    const final = step + 1 === steps;
    if (final || (step + 1) % (recipe.save.every ?? Infinity) === 0) {
      refuseRuinedWeights(step, masters, remedy);
      saved = saveWeights(loaded, weights, join(out, final ? 'model' : `checkpoints/step-${step + 1}`));
      onEvent({ kind: 'saved', path: saved });
    }
  }
  return { model: saved!, steps, last: last! };
}

/** Runs a step to its end; where `beforePack` throws, what it kept is freed. */
async function finish(
  packs: Generator<void, StepResult, void>,
  beforePack: () => Promise<void>,
): Promise<StepResult> {
  try {
    let next = packs.next();
    while (!next.done) {
      await beforePack();
      next = packs.next();
    }
    return next.value;
  } finally {
    packs.return({ loss: NaN, metrics: {} });
  }
}

function sequencesOf(example: Example, group: number): TrainSequence[] {
  return example.parts.map(({ role, row, referenceLogps }) => ({
    role,
    group,
    length: row.ids.length - row.responseStart,
    row,
    ...(referenceLogps && { referenceLogps }),
  }));
}

/** Scores every response under the start weights, in the precision that training will use. */
async function scoreReference(
  weights: TrainableWeights,
  examples: readonly Example[],
  tokenBudget: number,
  onEvent: (event: TrainEvent) => void,
  beforePack: () => Promise<void>,
): Promise<void> {
  using scorer = new Scorer(weights.model);
  const parts = examples.flatMap((example) => example.parts);
  const packs = packByTokenBudget(
    parts.map((part) => part.row.ids.length),
    tokenBudget,
  );
  let done = 0;
  for (const members of packs) {
    await beforePack();
    const logps = scorer.score(members.map((i) => parts[i]!.row));
    members.forEach((i, position) => (parts[i]!.referenceLogps = logps[position]!));
    done += members.length;
    onEvent({ kind: 'reference', done, total: parts.length });
  }
}

/** Refuses to apply a step with a NaN. */
function refuseNonFinite(step: number, loss: number, gradNorm: number, remedy: () => string): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new Error(
    `step ${step + 1}: the loss is ${loss} and the gradient norm ${gradNorm}, so training stopped before this update; ${remedy()}`,
  );
}

/** Refuses to save weights that an update has blown up: the last good ones stay on disk. */
function refuseRuinedWeights(step: number, masters: readonly Tensor[], remedy: () => string): void {
  const norm = globalNorm(masters);
  if (Number.isFinite(norm)) return;
  throw new Error(`step ${step + 1}: its update left weights of norm ${norm}; ${remedy()}`);
}
