import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { stringify as toYaml } from 'yaml';
import type { Problem } from '../doctor/summary.js';
import { loadModel, saveModel, type LoadedModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { createObjective } from '../objectives/index.js';
import { TorchError } from '../torch/op.js';
import { AdamW, clipGradNorm, globalNorm } from '../torch/optim.js';
import type { Tensor } from '../torch/tensor.js';
import { memoryStats, openDevice, seed, setThreads } from '../torch/runtime.js';
import { messageOf, UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { checkData } from './preflight.js';
import { stepRows, stepsPerEpoch } from './dataOrder.js';
import { Engine } from './engine.js';
import { prepareExamples, type Example, type PreparedData } from './examples.js';
import { packByTokenBudget } from './packing.js';
import type { TrainRecipe } from './settings.js';
import { learningRate } from './schedule.js';
import { runStep, type TrainSequence } from './step.js';
import { TrainableWeights } from './weights.js';

/** One line of metrics.jsonl; for pairs also TRL's `rewards/…` and `logps/…`. */
export interface StepMetrics extends Record<string, number> {
  /** Counts from 1. */
  step: number;
  epoch: number;
  loss: number;
  /** Before clipping. */
  grad_norm: number;
  learning_rate: number;
  /** Tokens that went through the model so far, prompts included. */
  num_tokens: number;
  tokens_per_second: number;
  /** Of this process, or of the GPU's allocator. */
  peak_memory_bytes: number;
}

/** What a run tells while it goes. */
export type TrainEvent =
  | { kind: 'data'; rows: number; dropped: PreparedData['dropped']; tokens: number }
  | { kind: 'doctor'; problems: Problem[] }
  | { kind: 'start'; formula: string; steps: number; parameters: number }
  | { kind: 'reference'; done: number; total: number }
  | { kind: 'step'; metrics: StepMetrics; steps: number }
  | { kind: 'saved'; path: string };

export interface TrainResult {
  /** The trained model: a Hugging Face directory. */
  model: string;
  steps: number;
  last: StepMetrics;
}

/** Thrown when `stopRequested` answered true; what had been saved stays. */
export class Stopped extends Error {
  override name = 'Stopped';
}

export interface TrainHooks {
  onEvent: (event: TrainEvent) => void;
  /** Asked before every pack. */
  stopRequested: () => boolean;
}

/** Runs one training stage to its end. Synchronous work: call it in a worker (`trainInWorker`). */
export async function train(recipe: TrainRecipe, hooks: TrainHooks): Promise<TrainResult> {
  if (existsSync(recipe.out) && !statSync(recipe.out).isDirectory())
    throw new UserError(`"out" is ${recipe.out}, which is a file: name a folder.`);
  setThreads();
  openDevice(recipe.device);
  seed(recipe.seed);

  const objective = createObjective(recipe.objective);
  const data = await prepareExamples(recipe, objective);
  const problems = recipe.doctor === 'off' ? [] : await checkData(recipe, objective);
  const { examples } = data;
  const order = { rows: examples.length, batchSize: recipe.batch_size, seed: recipe.seed };
  const perEpoch = stepsPerEpoch(order);
  const steps = recipe.max_steps ?? Math.ceil((recipe.epochs ?? 1) * perEpoch);
  // Before the first write: a model that cannot be loaded leaves an earlier run's files as they are.
  const loaded = loadModel(recipe.model, { dtype: 'f32', device: recipe.device });
  mkdirSync(recipe.out, { recursive: true });
  writeFileAtomic(join(recipe.out, 'recipe.yaml'), toYaml(recipe));
  const metricsPath = join(recipe.out, 'metrics.jsonl');
  writeFileSync(metricsPath, '');
  hooks.onEvent({ kind: 'data', rows: examples.length, dropped: data.dropped, tokens: data.tokens });
  if (problems.length > 0) hooks.onEvent({ kind: 'doctor', problems });

  using weights = new TrainableWeights(loaded.model, recipe.dtype);
  using engine = new Engine(weights, recipe.recompute);
  const { clip_grad_norm: clip, lr: peak } = recipe.optimizer;
  using optimizer = new AdamW([...weights.masters.values()], {
    betas: recipe.optimizer.betas,
    eps: recipe.optimizer.eps,
    weightDecay: recipe.optimizer.weight_decay,
  });
  const grads = [...weights.grads.values()];
  const stopIfAsked = () => {
    if (hooks.stopRequested()) throw new Stopped('stopped');
  };
  if (objective.needs.reference) scoreReference(weights, examples, recipe.token_budget, hooks, stopIfAsked);
  const parameters = [...weights.masters.values()].reduce((sum, tensor) => sum + tensor.elements, 0);
  hooks.onEvent({ kind: 'start', formula: objective.formula, steps, parameters });

  let tokens = 0;
  let model = '';
  let last: StepMetrics | undefined;
  for (let step = 0; step < steps; step++) {
    const started = performance.now();
    const sequences = stepRows(step, order).flatMap((row, group) => sequencesOf(examples[row]!, group));
    weights.zeroGrads();
    const result = guarded(recipe, step, () =>
      runStep(engine, objective, sequences, recipe.token_budget, stopIfAsked),
    );
    const gradNorm = clipGradNorm(grads, clip);
    const lr = learningRate(step, {
      peak,
      totalSteps: steps,
      warmupRatio: recipe.schedule.warmup_ratio,
      decay: recipe.schedule.decay,
    });
    refuseNonFinite(recipe, step, result.loss, gradNorm, model);
    optimizer.step(grads, lr);
    weights.sync();

    const stepTokens = sequences.reduce((sum, sequence) => sum + sequence.row.ids.length, 0);
    tokens += stepTokens;
    last = {
      step: step + 1,
      epoch: (step + 1) / perEpoch,
      loss: result.loss,
      grad_norm: gradNorm,
      learning_rate: lr,
      ...result.metrics,
      num_tokens: tokens,
      tokens_per_second: stepTokens / ((performance.now() - started) / 1000),
      peak_memory_bytes: memoryStats(recipe.device).peakAllocated,
    };
    appendFileSync(metricsPath, `${JSON.stringify(last)}\n`);
    hooks.onEvent({ kind: 'step', metrics: last, steps });

    const final = step + 1 === steps;
    if (final || (step + 1) % (recipe.save.every ?? Infinity) === 0) {
      refuseRuinedWeights(recipe, step, [...weights.masters.values()], model);
      model = saveWeights(
        loaded,
        weights,
        join(recipe.out, final ? 'model' : `checkpoints/step-${step + 1}`),
      );
      hooks.onEvent({ kind: 'saved', path: model });
    }
    await setImmediate(); // finalizers and messages get their turn; a synchronous loop would hold both back
  }
  return { model, steps, last: last! };
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

/** Log-probs of every response under the start weights, in the precision that training will use. */
function scoreReference(
  weights: TrainableWeights,
  examples: readonly Example[],
  tokenBudget: number,
  hooks: TrainHooks,
  beforePack: () => void,
): void {
  using scorer = new Scorer(weights.model);
  const parts = examples.flatMap((example) => example.parts);
  const packs = packByTokenBudget(
    parts.map((part) => part.row.ids.length),
    tokenBudget,
  );
  let done = 0;
  for (const members of packs) {
    beforePack();
    const logps = scorer.score(members.map((i) => parts[i]!.row));
    members.forEach((i, position) => (parts[i]!.referenceLogps = logps[position]!));
    done += members.length;
    hooks.onEvent({ kind: 'reference', done, total: parts.length });
  }
}

/** Says what to change when memory runs out. */
function guarded<T>(recipe: TrainRecipe, step: number, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof TorchError && error.code === 'ERR_OUT_OF_MEMORY') {
      throw new Error(
        `step ${step + 1}: ${messageOf(error).slice(0, 200)}; lower token_budget (now ${recipe.token_budget})` +
          (recipe.recompute ? '' : ' or set recompute: true'),
        { cause: error },
      );
    }
    throw error;
  }
}

/** A step with a NaN is never applied. */
function refuseNonFinite(
  recipe: TrainRecipe,
  step: number,
  loss: number,
  gradNorm: number,
  saved: string,
): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new Error(
    `step ${step + 1}: the loss is ${loss} and the gradient norm ${gradNorm}, so training stopped before this update; ` +
      advice(recipe, saved),
  );
}

/** Weights that an update has blown up are never saved: what is on disk stays the last good ones. */
function refuseRuinedWeights(
  recipe: TrainRecipe,
  step: number,
  masters: readonly Tensor[],
  saved: string,
): void {
  const norm = globalNorm(masters);
  if (Number.isFinite(norm)) return;
  throw new Error(`step ${step + 1}: its update left weights of norm ${norm}; ${advice(recipe, saved)}`);
}

const advice = (recipe: TrainRecipe, saved: string): string =>
  `${saved === '' ? 'no checkpoint had been saved yet' : `the last checkpoint is ${saved}`}; ` +
  `lower optimizer.lr (now ${recipe.optimizer.lr}) or look at the data of ${recipe.data}`;

/** Writes the masters beside the others and renames the directory when it is whole. */
function saveWeights(loaded: LoadedModel, weights: TrainableWeights, path: string): string {
  const partial = `${path}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  saveModel(loaded, partial, weights.masters);
  if (existsSync(path)) rmSync(path, { recursive: true });
  renameSync(partial, path);
  return path;
}
