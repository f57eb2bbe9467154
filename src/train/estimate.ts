/**
 * @file Predicts before a run what it takes: memory from shapes, before any of it is taken, and the time of a step from a
 * measurement of two seconds on the run's own rows.
 */
import type { ModelConfig } from '../models/config.js';
import { readColumns, withReference, type Objective } from '../objectives/objective.js';
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { AdamW, globalNorm } from '../torch/optim.js';
import { MESSAGE_NUMBERS } from '../torch/distributed.js';
import { memoryStats } from '../torch/runtime.js';
import { scope } from '../torch/tensor.js';
import { crowding, processesHere } from '../torch/threads.js';
import { formatBytes } from '../util/bytes.js';
import { freeMemory } from '../util/freeMemory.js';
import type { MomentKind } from '../util/momentKinds.js';
import { stepRows } from './dataOrder.js';
import type { Engine } from './engine.js';
import type { Examples } from './examples.js';
import type { BesideSteps } from './besideSteps.js';
import {
  activationBytes,
  headBytes,
  operations,
  trainedCount,
  weightBytes,
  type TokenLoad,
  type TrainedShapes,
} from './memoryModel.js';
import type { StepPlan } from './plan.js';
import { cutSequence, sequencesOf, type TrainSequence } from './sequences.js';
import { callsOf, ofRank, runStep, sharesOf } from './step.js';
import { packByTokenBudget } from './tokenBudget.js';

/** What a run is expected to take. */
export interface Estimate {
  /** Bytes at the highest: of the process, or of a GPU's allocator. */
  memory: number;
  /** The processes that train beside this one, and the bytes of each: it brings states together, and they do not. Absent for one alone. */
  others?: { count: number; memory: number };
  /** Seconds of a step, and tokens that it takes, on average. */
  seconds: number;
  tokens: number;
}

/** What a run's steps are made of. */
export interface StepsToCome {
  objective: Objective;
  examples: Examples;
  plan: StepPlan;
  tokenBudget: number;
  /** What it takes beside its steps. */
  beside: BesideSteps;
  /** How many ranks divide a step among them. Default: 1. */
  world?: number;
  /** In what the optimizer keeps its moments. */
  moments?: MomentKind;
  /** Whether the optimizer's part of the weights is in the host's memory. */
  offload?: boolean;
}

/** Steps that are looked at: their memory, and their time. */
const STEPS = { memory: 1000, time: 32 };
/** An estimate may be that much too high. */
const TOLERANCE = 0.1;

/** Tokens of a pack of a step, by the lengths of the rows alone. */
interface PackLoad extends TokenLoad {
  /** Who computes it. */
  rank: number;
  /** Whether it goes backward, and how often forward alone. */
  isTrained: boolean;
  forwards: number;
}

function loadsOf(
  step: number,
  { objective, examples, plan, tokenBudget, world = 1 }: StepsToCome,
): PackLoad[] {
  const parts = stepRows(step, plan.order).flatMap((row, group) =>
    examples.at(row).parts.map(({ length, responseLength, onlyScored = false }) => ({
      ...{ group, tokens: length, responses: responseLength, onlyScored },
      seen: (length * (length + 1)) / 2,
    })),
  );
  const [trained, scored] = [false, true].map((only) =>
    parts.filter(({ onlyScored }) => onlyScored === only),
  );
  const total = (members: readonly number[], of = trained!): TokenLoad =>
    members
      .map((i) => of[i]!)
      .reduce(
        (sum, { tokens, responses, seen }) => ({
          tokens: sum.tokens + tokens,
          responses: sum.responses + responses,
          seen: sum.seen + seen,
        }),
        { tokens: 0, responses: 0, seen: 0 },
      );
  const [lengths, others] = [trained!, scored!].map((some) => some.map(({ tokens }) => tokens));
  const scoring = packByTokenBudget(others!, tokenBudget);
  const calls = callsOf(objective, trained!, tokenBudget);
  return Array.from({ length: world }, (_, rank): PackLoad[] => {
    const shares = sharesOf(objective, calls, lengths!, { rank, world });
    return [
      ...ofRank(scoring, others!, { rank, world }).map((pack) => ({
        ...{ ...total(pack, scored), rank, isTrained: false, forwards: 1 },
      })),
      ...shares.flatMap(({ packs }) =>
        packs.map((pack) => ({
          ...{ ...total(pack), rank, isTrained: true, forwards: packs.length > 1 ? 1 : 0 },
        })),
      ),
    ];
  }).flat();
}

const steps = ({ plan }: StepsToCome, most: number): number[] =>
  Array.from({ length: Math.min(plan.steps, most) }, (_, step) => step);

/** Predicts the bytes that a run takes beside what the process has before. */
export function bytesToCome(shapes: TrainedShapes, run: StepsToCome): number {
  let [kept, responses] = [0, 0];
  for (const step of steps(run, STEPS.memory))
    for (const pack of loadsOf(step, run)) {
      if (pack.isTrained) kept = Math.max(kept, activationBytes(shapes, pack));
      responses = Math.max(responses, pack.responses);
    }
  const { world = 1 } = run;
  // A message, and what Gloo copies of it.
  const messages = world > 1 ? 8 * Math.min(MESSAGE_NUMBERS, trainedCount(shapes)) : 0;
  const computing =
    messages +
    headBytes(shapes, responses, readColumns(run.objective).length > 0) +
    kept +
    run.beside.written;
  return weightBytes(shapes) + Math.max(computing, run.beside.between);
}

/**
 * Predicts the highest memory of a run that has taken none of it yet.
 * @param free bytes that the process can still take, on the CPU
 * @throws Error where it cannot fit, which says what would
 */
export function expectMemory(
  shapes: TrainedShapes,
  run: StepsToCome,
  free = freeMemory() / processesHere(),
): number {
  const { gathered = 0, sampled } = run.beside;
  // Rank 0 alone brings a state together, and may take what the others leave of the machine's memory.
  const bytes = bytesToCome(shapes, run);
  const needed = bytes + gathered / processesHere();
  // Responses may end sooner: nothing is refused for what they would take at their longest.
  const most = Math.max(bytes, weightBytes(shapes) + sampled) + gathered;
  if (shapes.device !== 'cpu') return most;
  if (needed * (1 - TOLERANCE) > free)
    throw new Error(
      `there is not enough memory: this run would take about ${formatBytes(needed)}, ` +
        `${formatBytes(weightBytes(shapes))} of it for weights, gradients and moments, and ${formatBytes(free)} are free. ` +
        whatFits(shapes, run, free),
    );
  return memoryStats('cpu').allocated + most;
}

/** Says with which settings a run would fit. */
function whatFits(shapes: TrainedShapes, run: StepsToCome, free: number): string {
  const { gathered = 0 } = run.beside;
  const fits = (recompute: boolean, tokenBudget: number) =>
    bytesToCome({ ...shapes, recompute }, { ...run, tokenBudget }) + gathered / processesHere() <= free;
  const halves = Array.from({ length: 24 }, (_, i) => Math.floor(run.tokenBudget / 2 ** i)).filter(
    (budget) => budget >= 1,
  );
  const found = [shapes.recompute, true].flatMap((recompute) => {
    const budget = halves.find((tokens) => fits(recompute, tokens));
    if (budget === undefined) return [];
    const settings = [
      ...(recompute === shapes.recompute ? [] : ['recompute: true']),
      ...(budget === run.tokenBudget ? [] : [`token_budget: ${budget}`]),
    ];
    return [settings.join(' with ')];
  });
  const ways = [...new Set(found)];
  if (ways.length > 0) return `It would fit with ${ways.join(', or with ')}.`;
  return weightBytes(shapes) > free
    ? 'Take a smaller model, or a machine with more memory.'
    : 'Shorter rows (max_length) take less, or take a smaller model, or a machine with more memory.';
}

/** Tokens of the smaller measurement; the larger has as many as take the time below, and no more than a pack. */
const FEW_TOKENS = 48;
const MEASURED_SECONDS = 0.9;
/** The share of the forward pass in forward and backward. */
const FORWARD = 1 / 3;
/** A token of the larger pack takes about that share of the time of one of the smaller. */
const SHARE = 0.5;

/**
 * Measures forward and backward on the beginning of the data, and the update on weights of its own. Gradients are zero
 * afterwards, and nothing else has changed.
 */
export function expectTime(engine: Engine, run: StepsToCome): Pick<Estimate, 'seconds' | 'tokens'> {
  const { config } = engine.weights.model;
  const time = timeOfPacks(engine, run, config);
  const { world = 1 } = run;
  const update = updateSeconds(engine, run);
  const looked = steps(run, STEPS.time);
  let [seconds, tokens] = [0, 0];
  for (const step of looked) {
    const ofRanks = new Array<number>(world).fill(0);
    for (const pack of loadsOf(step, run)) {
      ofRanks[pack.rank]! += time(pack) * (Number(pack.isTrained) + pack.forwards * FORWARD);
      tokens += pack.tokens;
    }
    seconds += Math.max(...ofRanks); // the others wait for the slowest
  }
  if (world > 1) seconds *= crowding(); // one alone was measured
  return { seconds: seconds / looked.length + update, tokens: Math.round(tokens / looked.length) };
}

interface Measurement {
  seconds: number;
  operations: number;
  tokens: number;
}

/** Measures a small and a larger pack: what each pack costs, and each operation. */
function timeOfPacks(engine: Engine, run: StepsToCome, config: ModelConfig): (load: TokenLoad) => number {
  const measured = (tokens: number): Measurement => {
    const sequences = beginning(run, tokens);
    const started = performance.now();
    runStep(engine, run.objective, sequences, Infinity);
    const seconds = (performance.now() - started) / 1000;
    const load = { tokens: 0, responses: 0, seen: 0 };
    for (const { row, length } of sequences) {
      const { length: all } = row.ids;
      load.tokens += all;
      load.responses += length;
      load.seen += (all * (all + 1)) / 2;
    }
    return { seconds, operations: operations(config, load), tokens: load.tokens };
  };
  try {
    measured(FEW_TOKENS); // memory is taken, and threads are started
    // A pause of the machine in one of them would be taken for its speed.
    const quicker = (tokens: number): Measurement => {
      const [one, other] = [measured(tokens), measured(tokens)];
      return one.seconds < other.seconds ? one : other;
    };
    const few = quicker(FEW_TOKENS);
    const most = Math.min(run.tokenBudget, Math.floor((few.tokens * MEASURED_SECONDS) / SHARE / few.seconds));
    const many = most > 2 * few.tokens ? quicker(most) : few;
    const slope = (many.seconds - few.seconds) / (many.operations - few.operations);
    const perOperation = slope > 0 && Number.isFinite(slope) ? slope : many.seconds / many.operations;
    const perPack = Math.max(0, many.seconds - perOperation * many.operations);
    return (load) => perPack + perOperation * operations(config, load);
  } finally {
    engine.weights.zeroGrads();
  }
}

/** Takes rows of the first step until they have so many tokens; of a longer one a part, with its share of prompt and response. */
function beginning({ examples, plan }: StepsToCome, tokens: number): TrainSequence[] {
  const taken: TrainSequence[] = [];
  let left = tokens;
  for (const [group, row] of stepRows(0, plan.order).entries()) {
    const sequences = sequencesOf(examples.at(row), group);
    const length = sequences.reduce((sum, { row: { ids } }) => sum + ids.length, 0);
    if (length > left && taken.length > 0) break;
    taken.push(...sequences.map((sequence) => cut(sequence, Math.min(1, left / length))));
    left -= length;
  }
  return taken;
}

function cut(sequence: TrainSequence, share: number): TrainSequence {
  const { ids, responseStart: begin } = sequence.row;
  const end = Math.max(2, Math.round(ids.length * share));
  const responseStart = Math.min(end - 1, Math.max(1, Math.round(begin * share)));
  const short = cutSequence(sequence, { from: 0, end, responseStart, responseAt: 0 });
  return withReference(short, new Float64Array(short.length));
}

/** Elements of the matrix on which the update is measured: more than caches hold. */
const UPDATED = 2 ** 23;

/** Measures the norm of the gradients, and an update of other weights, of which each rank has its part. */
function updateSeconds({ weights }: Engine, { world = 1, moments, offload = false }: StepsToCome): number {
  const { dtype } = weights.model;
  const device = offload ? 'cpu' : weights.model.device;
  const parameters = weights.count;
  const started = performance.now();
  globalNorm([...weights.grads.values()]);
  const norm = (performance.now() - started) / 1000;
  return scope(() =>
    noGrad(() => {
      const shape = [1024, Math.ceil(Math.min(parameters, UPDATED) / 1024)];
      const [master, grad] = [
        ops.zeros(shape, { dtype: 'f32', device }),
        ops.zeros(shape, { dtype: 'f32', device }),
      ];
      const copies = dtype === 'bf16' ? [ops.zeros(shape, { dtype, device })] : [];
      using optimizer = new AdamW([master], { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, moments });
      const update = () => {
        optimizer.update([grad], 1e-6, { factor: 1, copies });
        globalNorm([grad]); // waits for the device
      };
      update();
      const begun = performance.now();
      update();
      return norm + ((performance.now() - begun) / 1000) * (parameters / world / (shape[0]! * shape[1]!));
    }),
  );
}
