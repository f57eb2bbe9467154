/**
 * @file A training run's whole state: float32 weights, both moments of AdamW, and where the run stands. A step is a pure function
 * of these and of the data: nothing is drawn at random but the order of the rows, which follows from seed and step.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { OtherRun } from '../teacher/header.js';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { toBytes } from '../torch/data.js';
import { dtypeSize } from '../torch/dtype.js';
import type { AdamW } from '../torch/optim.js';
import { SafetensorsFile, saveSafetensorsMeanwhile, type NamedTensor } from '../torch/safetensors.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { messageOf, UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { fingerprintValue } from '../util/fingerprint.js';
import { makeFolder } from '../util/folders.js';
import type { MomentKind } from '../util/momentKinds.js';
import { together, type Writing } from '../util/meanwhile.js';
import { runIdentity } from './identity.js';
import { lastingMetrics } from './metricsFiles.js';
import { momentBytes } from './memoryModel.js';
import { DESCRIPTION, TENSORS } from './stateFolder.js';
import { watchState } from './watch/state.js';
import type { TrainableWeights } from './weights.js';

const count = z.int().min(0);

/** Where a run stands, and what it is. */
export const runPosition = z.strictObject({
  /** Steps that are done, and those of the whole run. */
  step: count,
  steps: count,
  /** Updates by which the schedule goes: those of earlier stages too where the run continues one. */
  updates: count,
  /** Those of the updates that were skipped, and how many in a row at the end. */
  skipped: z.strictObject({ total: count, inARow: count }),
  /** The line of metrics.jsonl of the last step: its loss, gradient norm, epoch and tokens. */
  last: lastingMetrics,
  /** Bytes of metrics.jsonl up to the last step. */
  metrics: z.strictObject({ bytes: count }),
  /** Rows of the data that are trained on, and the ids of those that the next step takes. */
  data: z.strictObject({ rows: count, next: z.array(z.string()) }),
  watch: watchState,
  /** What the objective remembers of the rows, by their ids; absent where it remembers nothing. */
  memory: z.record(z.string(), z.number()).optional(),
  identity: runIdentity,
});
export type RunPosition = z.output<typeof runPosition>;

/** Of what a state holds. One of another version is not damaged. */
const VERSION = 3;

const description = z.strictObject({
  format: z.literal('redistill training state'),
  version: z.literal(VERSION),
  /** Of everything else in the file. */
  digest: z.string(),
  /** Of state.safetensors: its size, and each tensor's sum of 64-bit words, modulo 2⁶⁴. */
  tensors: z.strictObject({ bytes: count, sums: z.record(z.string(), z.string()) }),
  position: runPosition,
});

/** A state on disk. Its tensors are read when they are wanted. */
export interface TrainState extends z.output<typeof description> {
  folder: string;
}

/** What the objective remembered when a state was written. */
export const memoryOf = ({ position: { memory = {} } }: TrainState): Map<string, number> =>
  new Map(Object.entries(memory));

/** What a state is made of. */
export interface TrainedTensors {
  weights: TrainableWeights;
  optimizer: AdamW;
}

/** Bytes of a state of so many parameters, at most. */
export const stateBytes = (parameters: number, moments: MomentKind): number =>
  parameters * (4 + 2 * momentBytes(moments));

/**
 * Writes a state into a new folder while the program goes on. The weights and moments must stay as they are until they have been
 * taken.
 */
export function writeState(folder: string, trained: TrainedTensors, position: RunPosition): Writing {
  makeFolder(folder);
  const file = join(folder, TENSORS);
  const { sums, writing } = scope(() => {
    const named = tensorsOf(trained);
    return {
      sums: Object.fromEntries(named.map(({ name, tensor }) => [name, sumOf(tensor)])),
      writing: saveSafetensorsMeanwhile(file, named),
    };
  });
  return together([writing], () => {
    const content = { tensors: { bytes: statSync(file).size, sums }, position };
    const described: z.output<typeof description> = {
      format: 'redistill training state',
      version: VERSION,
      digest: fingerprintValue(content),
      ...content,
    };
    writeFileAtomic(join(folder, DESCRIPTION), `${JSON.stringify(described, null, 2)}\n`);
  });
}

/** @throws OtherRun where another version has written it, which this one cannot go on with; UserError where it is not whole */
export function readState(folder: string): TrainState {
  const path = join(folder, DESCRIPTION);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw damaged(folder, `${DESCRIPTION}: ${messageOf(error)}`);
  }
  const { data: its } = z.object({ version: z.number() }).safeParse(found);
  if (its && its.version !== VERSION)
    throw new OtherRun(
      `${folder} was written by another version of redistill (its states are version ${its.version}, and this one reads ${VERSION}): go on with that version, or begin the run anew in another folder`,
    );
  const { success, data } = description.safeParse(found);
  if (!success) throw damaged(folder, `${DESCRIPTION} is not what this version writes`);
  const { digest, tensors, position } = data;
  if (fingerprintValue({ tensors, position }) !== digest)
    throw damaged(folder, `${DESCRIPTION} was changed after it had been written`);
  const size = statSync(join(folder, TENSORS), { throwIfNoEntry: false })?.size ?? 0;
  if (size !== tensors.bytes)
    throw damaged(folder, `${TENSORS} has ${size} bytes instead of ${tensors.bytes}`);
  return { folder, ...data };
}

/**
 * Puts a state into weights and moments, at all ranks.
 * @throws UserError where its tensors have other names or shapes, or are damaged; what it has been put into is of no use then
 */
export function loadState({ folder, tensors, position }: TrainState, trained: TrainedTensors): void {
  const { weights, optimizer } = trained;
  weights.ranks.order('load', { folder });
  using file = openTensors(folder);
  requireSameTensors(folder, file, trained);
  const read = (full: string, place: Tensor): void => {
    file.copyInto(full, place);
    if (sumOf(place) !== tensors.sums[full])
      throw damaged(folder, `${TENSORS} has other numbers in ${full} than were written`);
  };
  // The gradients' place is as large as the whole of each kind, of which a rank may have a part.
  noGrad(() => {
    for (const [name, place] of weights.grads) read(nameIn('weights', name), place);
    weights.takeMasters();
    for (const kind of ['exp_avg', 'exp_avg_sq'] as const) {
      const { parts, scales } = momentsOf(optimizer, kind);
      scope(() => {
        for (const [name, place] of weights.placesOf(parts)) read(nameIn(kind, name), place);
      });
      weights.takeMoment(parts);
      for (const [i, part] of scales)
        scope(() => {
          const whole = ops.empty([weights.blocksOf(i)], { dtype: 'f32', device: part.device });
          read(nameIn(kind, scalesName(i)), whole);
          weights.takeScales(part, whole);
        });
    }
  });
  weights.zeroGrads();
  optimizer.resumeAfter(position.updates - position.skipped.total);
}

function requireSameTensors(
  folder: string,
  { entries }: SafetensorsFile,
  { weights, optimizer }: TrainedTensors,
): void {
  const strangers = new Set(entries.keys());
  const is8bit = [...strangers].some((name) => name.startsWith(nameIn('exp_avg', scalesName(''))));
  if (is8bit !== optimizer.scales.size > 0)
    throw new UserError(
      `${folder} has moments in ${is8bit ? '8 bits' : 'float32'}, which a run with optimizer.moments: ${is8bit ? 'f32' : '8bit'} does not go on with: set it to ${is8bit ? '8bit' : 'f32'}, or begin anew in another folder`,
    );
  const scales = Array.from(optimizer.scales.keys(), (i) => [scalesName(i), [weights.blocksOf(i)]] as const);
  const shapes = Array.from(weights.grads, ([name, { shape }]) => [name, shape] as const);
  for (const kind of stateKinds)
    for (const [name, wanted] of [...shapes, ...(kind === 'weights' ? [] : scales)]) {
      const full = nameIn(kind, name);
      const shape = entries.get(full)?.shape;
      strangers.delete(full);
      if (shape?.join() !== wanted.join())
        throw new UserError(
          `${folder} is a state of another model: ${full} has ${shape ? `the shape [${shape.join(', ')}]` : 'no tensor'} there and [${wanted.join(', ')}] here`,
        );
    }
  const [stranger] = strangers;
  if (stranger !== undefined)
    throw new UserError(`${folder} is a state of another model: this one has no ${stranger}`);
}

function openTensors(folder: string): SafetensorsFile {
  try {
    return new SafetensorsFile(join(folder, TENSORS));
  } catch (error) {
    throw damaged(folder, messageOf(error));
  }
}

const damaged = (folder: string, how: string): UserError =>
  new UserError(
    `${folder} is damaged (${how}): remove that folder, and what goes on begins at the state before it`,
  );

const stateKinds = ['weights', 'exp_avg', 'exp_avg_sq'] as const;
export type StateKind = (typeof stateKinds)[number];

const nameIn = (kind: StateKind, name: string): string => `${kind}.${name}`;

/** The tensors of one kind, whole, which all ranks help to bring together; empty but at rank 0. */
export function wholeOf({ weights, optimizer }: TrainedTensors, kind: StateKind): Map<string, Tensor> {
  weights.ranks.order('give', kind);
  if (kind === 'weights') return weights.whole();
  const { parts, scales } = momentsOf(optimizer, kind);
  const whole = weights.whole(parts);
  for (const [i, part] of scales) {
    const all = weights.wholeScales(i, part);
    if (all) whole.set(scalesName(i), all);
  }
  return whole;
}

/** This rank's parts of a moment, and the scales of those that are in 8 bits. */
function momentsOf(
  optimizer: AdamW,
  kind: 'exp_avg' | 'exp_avg_sq',
): { parts: readonly Tensor[]; scales: [i: number, part: Tensor][] } {
  const isFirst = kind === 'exp_avg';
  return {
    parts: isFirst ? optimizer.expAvgs : optimizer.expAvgSqs,
    scales: Array.from(optimizer.scales, ([i, { expAvg, expAvgSq }]) => [i, isFirst ? expAvg : expAvgSq]),
  };
}

const scalesName = (i: number | ''): string => `scales.${i}`;

const tensorsOf = (trained: TrainedTensors): NamedTensor[] =>
  stateKinds.flatMap((kind) =>
    Array.from(wholeOf(trained, kind), ([name, tensor]) => ({
      ...{ name: nameIn(kind, name), tensor },
      dtype: tensor.dtype === 'u8' ? ('u8' as const) : ('f32' as const),
    })),
  );

/**
 * Sums the 64-bit words of a tensor's bytes, modulo 2⁶⁴, as hexadecimal digits; what is left over counts as one. It is
 * made at the speed of memory, which no cryptographic digest is.
 */
export function sumOf(tensor: Tensor): string {
  return scope(() => {
    const flat = ops.view(tensor, [-1]);
    const whole = flat.elements - (flat.elements % (8 / dtypeSize[tensor.dtype]));
    const words = ops.viewDtype(ops.narrow(flat, 0, 0, whole), 'i64');
    const sum = new BigInt64Array(toBytes(ops.sum(words)).buffer)[0]!;
    const last = new Uint8Array(8);
    last.set(toBytes(ops.narrow(flat, 0, whole, flat.elements - whole)));
    const word = new DataView(last.buffer).getBigUint64(0, true);
    return BigInt.asUintN(64, sum + word)
      .toString(16)
      .padStart(16, '0');
  });
}
