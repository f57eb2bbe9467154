/**
 * @file Proves before the first step, on a few of the run's own rows, what training takes for granted: that a pack gives what its
 * rows give alone, chunks of the head what the whole gives, several packs what one gives, that the reference is the model which
 * training starts from, and that what is saved is what is in memory.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { savedTensors, saveModelMeanwhile, type LoadedModel } from '../models/checkpoint.js';
import { ChunkedHead } from '../models/head.js';
import { ADAPTER_FILE, savedFiles, SINGLE_FILE } from '../models/modelFiles.js';
import { WeightFiles } from '../models/weightFiles.js';
import { withReference, type Objective } from '../objectives/objective.js';
import { noGrad } from '../torch/autograd.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { eachNorm } from '../torch/optim.js';
import { SafetensorsFile } from '../torch/safetensors.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { removeKnown } from '../util/ownFolder.js';
import type { Activations, Engine } from './engine.js';
import type { Examples } from './examples.js';
import { differenceOf, valueOf, type Reference } from './reference.js';
import { roundingOf } from './rounding.js';
import { wholeOf, type TrainedTensors } from './state.js';
import { cutSequence, sequencesOf, type TrainSequence } from './sequences.js';
import { runStep } from './step.js';

/** What was found on the rows of a run. */
export interface Proof {
  /** What agrees with what. */
  claim: string;
  /** The largest difference: of log-probs in nats a token, of everything else relative to its size. */
  difference: number;
  /** The largest that rounding explains. */
  bound: number;
}

export interface ProofParts {
  loaded: LoadedModel;
  engine: Engine;
  trained: TrainedTensors;
  objective: Objective;
  examples: Examples;
  /** If the objective needs one. */
  reference: Reference | undefined;
  /** The run's folder. */
  out: string;
}

/** Rows among which short ones are looked for. */
const MOST_ROWS = 512;
/** Tokens that are looked at of a prompt and of a response. */
const AROUND = 8;
/** Sequences that are computed by themselves as well. */
const ALONE = 2;

/**
 * Runs all proofs. The weights' gradients are zero afterwards.
 * @throws Error naming the first claim that does not hold, with its difference and bound
 */
export async function prove(parts: ProofParts): Promise<Proof[]> {
  const proofs: Proof[] = [];
  const add = (claim: string, difference: number, limit: number) => {
    // NaN is beyond any bound.
    if (!(difference <= limit))
      throw new Error(
        `before the first step: ${claim} should agree, and differ by ${difference.toPrecision(3)} where rounding explains ${limit}. ` +
          'Training with this would go wrong. Please report it with the recipe; proofs: off trains all the same.',
      );
    proofs.push({ claim, difference, bound: limit });
  };
  const folder = join(parts.out, 'proof.partial');
  removeKnown(folder, savedFiles);
  // It is written in another thread meanwhile, without waiting for the disk.
  const masters = wholeOf(parts.trained, 'weights');
  const { taken, done } = saveModelMeanwhile(parts.loaded, folder, masters);
  try {
    proveComputation(parts, add);
    await taken;
    // The index of several files is written last.
    if (![SINGLE_FILE, ADAPTER_FILE].some((name) => existsSync(join(folder, name)))) await done;
    add('saved weights and those in memory', compareSaved(folder, parts.loaded, masters), 0);
  } finally {
    await taken.catch(() => undefined);
    disposeAll(masters);
    removeKnown(folder, savedFiles);
  }
  return proofs;
}

function proveComputation(
  { engine, objective, examples, reference }: ProofParts,
  add: (claim: string, difference: number, limit: number) => void,
): void {
  const { device, dtype } = engine.weights.model;
  const chosen = shortRows(examples);
  const rows = chosen.flatMap(shortened);
  const { logps, head } = packAndHead(engine, rows);
  const bound = roundingOf(dtype, head.largestLogit);
  if (rows.length > 1) {
    // What leaks from the rows before is seen in the last ones.
    const alone = rows.slice(-ALONE).map((row) => score(engine, [row])[0]!);
    add('rows in a pack and alone', farthest(logps.slice(-ALONE), alone), bound.logps);
  }
  add('the head in chunks and whole', head.logps, bound.logps);
  add('its gradient in chunks and whole', head.gradient, bound.gradients);
  if (chosen.length > 1) {
    // As parts of rows they have a reference of their own.
    const sequences = rows.map((row, i) => withReference(row, logps[i]!));
    add('several packs and one', packDifference(engine, objective, sequences), bound.gradients);
  }
  engine.weights.zeroGrads();
  // The same responses together give the same numbers on the CPU.
  if (reference?.isStart) {
    const difference = referenceDifference(engine, objective, reference);
    add('the reference and the model', difference, device === 'cpu' ? 0 : bound.logps);
  }
}

/** Takes the two shortest rows, by their lengths alone, as one step. */
function shortRows(examples: Examples): TrainSequence[][] {
  const tokensOf = (row: number) => examples.at(row).parts.reduce((sum, { length }) => sum + length, 0);
  return Array.from({ length: Math.min(MOST_ROWS, examples.length) }, (_, row) => ({
    row,
    tokens: tokensOf(row),
  }))
    .sort((a, b) => a.tokens - b.tokens)
    .slice(0, 2)
    .map(({ row }, group) => sequencesOf(examples.at(row), group));
}

/**
 * Keeps of a row's sequences what stands around the beginning of their responses, or around where these begin to differ: what they
 * have in common may have no gradient.
 */
function shortened(sequences: readonly TrainSequence[]): TrainSequence[] {
  const [{ ids: first }, { ids: last }] = [sequences[0]!.row, sequences.at(-1)!.row];
  const differ = sequences.length > 1 ? first.findIndex((id, i) => id !== last[i]) : 0;
  return sequences.map((sequence) => {
    const { ids, responseStart: begin } = sequence.row;
    const middle = Math.min(Math.max(begin, differ), ids.length - 1);
    const place = { from: Math.max(0, middle - AROUND), end: middle + AROUND };
    return cutSequence(sequence, { ...place, responseStart: middle, responseAt: middle - begin });
  });
}

/** Scores sequences as one pack, by the forward pass of training. */
function score(engine: Engine, sequences: readonly Pick<TrainSequence, 'row'>[]): Float64Array[] {
  const activations = engine.forward(sequences.map(({ row }) => row));
  try {
    return engine.score(activations).map((logps) => Float64Array.from(logps));
  } finally {
    disposeAll(activations);
  }
}

function farthest(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  return Math.max(0, ...a.flatMap((logps, row) => Array.from(logps, (x, i) => Math.abs(x - b[row]![i]!))));
}

/** Compares what the reference has given its sample with what the model gives it now, by the forward pass of training. */
function referenceDifference(engine: Engine, objective: Objective, { sample }: Reference): number {
  const rows = sample.map(({ row }) => ({ row }));
  const differences = score(engine, rows).map((logps, i) => {
    const { reference, responseLength } = sample[i]!;
    return differenceOf(valueOf(logps, rows[i]!.row, objective), reference!, responseLength);
  });
  return Math.max(...differences);
}

/** Scores sequences as one pack, and compares the head on two chunks with the plain softmax over all logits. */
function packAndHead(
  engine: Engine,
  sequences: readonly TrainSequence[],
): { logps: Float64Array[]; head: HeadDifferences } {
  const activations = engine.forward(sequences.map(({ row }) => row));
  try {
    const logps = engine.score(activations).map((values) => Float64Array.from(values));
    return { logps, head: scope(() => noGrad(() => headDifferences(engine, activations))) };
  } finally {
    disposeAll(activations);
  }
}

interface HeadDifferences {
  logps: number;
  gradient: number;
  /** The largest logit, without its sign. */
  largestLogit: number;
}

/**
 * Compares in float32, unless the model is in float64. dLoss/dlogp alternates in sign, as that of a pair does. The gradient of the
 * head's weight is added to that of the weights.
 */
function headDifferences(
  { weights }: Engine,
  { final: { normed }, responses: { targets } }: Activations,
): HeadDifferences {
  const { model } = weights;
  const count = normed.size(0);
  const g = Float64Array.from({ length: count }, (_, i) => (i % 2 === 0 ? -1 : 0.5) / count);
  using head = new ChunkedHead(model.head, Math.max(1, Math.ceil(count / 2)));
  const found = head.backward(normed, targets, g, weights.headGrad);
  const wide = model.dtype === 'f64' ? 'f64' : 'f32';
  const logits = ops.toDtype(ops.linear(normed, model.head), wide);
  const extremes = [logits, ops.neg(logits)].map((some) => toFloat64Array(ops.amax(some))[0]!);
  const all = ops.logSoftmax(logits, -1);
  const column = ops.unsqueeze(targets, 1);
  const logps = toFloat64Array(ops.reshape(ops.gather(all, 1, column), [-1]));
  const signed = ops.toDevice(fromArray(g, [count, 1]), model.device, wide);
  const logitsGrad = ops.mul_(ops.exp_(all), ops.neg(signed));
  ops.scatterAdd_(logitsGrad, -1, column, signed);
  const expected = ops.mm(logitsGrad, ops.toDtype(model.head, wide));
  return {
    logps: farthest([found.logps], [logps]),
    gradient: gap(ops.toDtype(found.hiddenGrad, wide), expected),
    largestLogit: Math.max(...extremes),
  };
}

/** The norm of the difference over the norm. */
function gap(a: Tensor, b: Tensor): number {
  const [difference, size] = eachNorm([ops.sub(a, b), b]) as unknown as [number, number];
  return difference === 0 ? 0 : difference / size;
}

/** Compares loss and the norm of every tensor's gradient between packs no larger than a group and a single pack. */
function packDifference(engine: Engine, objective: Objective, sequences: readonly TrainSequence[]): number {
  const run = (tokenBudget: number): Float64Array => {
    engine.weights.zeroGrads();
    const { loss } = runStep(engine, objective, sequences, tokenBudget);
    return Float64Array.of(loss, ...eachNorm([...engine.weights.grads.values()]));
  };
  const tokensOf = (group: number) =>
    sequences.reduce((sum, { group: of, row }) => sum + (of === group ? row.ids.length : 0), 0);
  const [several, one] = [run(Math.max(tokensOf(0), tokensOf(1))), run(Infinity)];
  const [loss, ...norms] = one as unknown as [number, ...number[]];
  // A model of zeros has no gradient.
  const largest = Math.max(...norms) || 1;
  const scale = (i: number) => (i === 0 ? Math.max(1, Math.abs(loss)) : largest);
  return Math.max(...several.map((value, i) => Math.abs(value - one[i]!) / scale(i)));
}

/** Compares what is read of a folder with what is in memory. */
function compareSaved(folder: string, loaded: LoadedModel, masters: ReadonlyMap<string, Tensor>): number {
  using files = new WeightFiles(folder, (path) => new SafetensorsFile(path));
  return scope(() =>
    noGrad(() => {
      let largest = 0;
      for (const { name, tensor } of savedTensors(loaded, masters)) {
        const file = files.byTensor.get(name);
        if (!file) return Infinity;
        const difference = scope(() => {
          const read = file.tensor(name);
          const kept = ops.toDevice(tensor, 'cpu', read.dtype);
          return ops.equal(read, kept) ? 0 : gap(ops.toDtype(read, 'f32'), ops.toDtype(kept, 'f32'));
        });
        largest = Math.max(largest, difference);
      }
      return largest;
    }),
  );
}
