/** @file Packs sequences into one row, within which each attends to itself alone. */
import {
  attendLong,
  attendPack,
  hasFlashAttention,
  hasPackAttention,
  longSequences,
} from '../torch/fused.js';
import * as ops from '../torch/ops.js';
import { fromArray, indices } from '../torch/data.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { attendSequence, bandOf } from './composedAttention.js';
import type { Attend, LayerContext, Transformer } from './transformer.js';

/** Sequences concatenated in a single row, without padding. */
export interface Pack {
  ids: Tensor; // i64[tokens]
  lengths: readonly number[];
  context: LayerContext;
  /** Tensors that `context.attend` reads: a mask, or the borders of the sequences. */
  borders: readonly Tensor[];
}

/** Concatenates sequences into one row on the model's device. Positions start at 0 in each. */
export function packSequences(model: Transformer, sequences: readonly Int32Array[]): Pack {
  return scope(() => {
    const lengths = sequences.map((ids) => ids.length);
    const total = lengths.reduce((a, b) => a + b, 0);
    const ids = new Int32Array(total);
    const positions = new Int32Array(total);
    const lengthOf = new Int32Array(total); // of each token's sequence
    let offset = 0;
    for (const sequence of sequences) {
      ids.set(sequence, offset);
      for (let i = 0; i < sequence.length; i++) positions[offset + i] = i;
      lengthOf.fill(sequence.length, offset, offset + sequence.length);
      offset += sequence.length;
    }
    const rotations = model.rotations(indices(positions, model.device), lengthOf);
    const { attend, borders } = attention(model, lengths);
    return { ids: indices(ids, model.device), lengths, context: { rotations, attend }, borders };
  });
}

type PackedAttention = { attend: Attend; borders: Tensor[] };

/** Returns the window of a layer if it is narrower than the longest sequence. */
function windowOf(model: Transformer, layer: number, longest: number): number | undefined {
  const { attention, slidingWindow } = model.config;
  return attention[layer] === 'sliding' && slidingWindow < longest ? slidingWindow : undefined;
}

/** Tells whether libtorch's varlen flash attention supports this model. */
export const hasVarlen = (model: Transformer): boolean => hasFlashAttention(model, model.config.headDim);

function attention(model: Transformer, lengths: readonly number[]): PackedAttention {
  if (model.isExact) return attendSingly(model, lengths);
  if (hasVarlen(model)) return attendVarlen(model, lengths);
  const { headDim, heads, attentionScale: scale } = model.config;
  if (!hasPackAttention(model, headDim)) return attendEach(model, lengths);
  const longest = Math.max(...lengths);
  const attend: Attend = (layer, q, k, v) =>
    ops.reshape(attendPack(q, k, v, lengths, scale, windowOf(model, layer, longest)), [-1, heads * headDim]);
  return { attend, borders: [] };
}

/** Computes each query by itself, as decoding does. */
function attendSingly(model: Transformer, lengths: readonly number[]): PackedAttention {
  const { attention, slidingWindow, attentionScale: scale } = model.config;
  const starts: number[] = [];
  const counts: number[] = [];
  for (const length of lengths) {
    const start = starts.length;
    for (let i = 1; i <= length; i++) {
      starts.push(start);
      counts.push(i);
    }
  }
  const borders = [indices(starts), indices(counts)] as const;
  const attend: Attend = (layer, q, k, v) =>
    ops.attendSlots(q, k, v, ...borders, scale, attention[layer] === 'sliding' ? slidingWindow : 0);
  return { attend, borders: [...borders] };
}

/** Calls attention once per sequence; works on every device. */
function attendEach(model: Transformer, lengths: readonly number[]): PackedAttention {
  const { attentionScale: scale, attention } = model.config;
  const window = windowOf(model, attention.indexOf('sliding'), Math.max(...lengths));
  const band = window === undefined ? undefined : bandOf(window, model.device);
  const attend: Attend = (layer, q, k, v) => {
    const [queries, keys, values] = [q, k, v].map((x) => ops.splitWithSizes(x, lengths)) as [
      Tensor[],
      Tensor[],
      Tensor[],
    ];
    const own = attention[layer] === 'sliding' ? band : undefined;
    const outputs = queries.map((query, s) =>
      ops.reshape(attendSequence(query, keys[s]!, values[s]!, scale, own), [query.size(0), -1]),
    );
    return outputs.length === 1 ? outputs[0]! : ops.cat(outputs, 0);
  };
  return { attend, borders: band ? [band.mask] : [] };
}

/** Calls varlen flash attention for the whole row, or for what is left of it where long sequences have a faster way. */
function attendVarlen(model: Transformer, lengths: readonly number[]): PackedAttention {
  const { attentionScale: scale, headDim, heads } = model.config;
  const longest = Math.max(...lengths);
  const whole = flashPart(model, lengths);
  const isLong = longSequences(model, headDim);
  const parts = lengths.some(isLong) ? partsOf(model, lengths, isLong) : undefined;
  const attend: Attend = (layer, q, k, v) => {
    const window = windowOf(model, layer, longest);
    if (!parts || window !== undefined) return ops.reshape(whole.run(q, k, v, window), [-1, heads * headDim]);
    const [queries, keys, values] = [q, k, v].map((x) =>
      ops.splitWithSizes(
        x,
        parts.map(({ tokens }) => tokens),
      ),
    ) as [Tensor[], Tensor[], Tensor[]];
    const outputs = parts.map(({ flash }, i) => {
      const [a, b, c] = [queries[i]!, keys[i]!, values[i]!];
      return ops.reshape(flash ? flash.run(a, b, c) : attendLong(a, b, c, scale), [-1, heads * headDim]);
    });
    return outputs.length === 1 ? outputs[0]! : ops.cat(outputs, 0);
  };
  return {
    attend,
    borders: [whole, ...(parts ?? []).flatMap(({ flash }) => flash ?? [])].map((x) => x.borders),
  };
}

/** Consecutive sequences that varlen flash attention computes in one call. */
interface FlashPart {
  borders: Tensor;
  run: (q: Tensor, k: Tensor, v: Tensor, window?: number) => Tensor;
}

function flashPart(model: Transformer, lengths: readonly number[]): FlashPart {
  const { attentionScale: scale } = model.config;
  const longest = Math.max(...lengths);
  const ends = new Int32Array(lengths.length + 1);
  lengths.forEach((length, s) => (ends[s + 1] = ends[s]! + length));
  const borders = ops.toDevice(fromArray(ends), model.device, 'i32');
  const run: FlashPart['run'] = (q, k, v, window) =>
    ops.flashAttentionForward(q, k, v, borders, borders, longest, longest, 0, true, false, {
      scale,
      ...(window !== undefined && { windowSizeLeft: window - 1, windowSizeRight: 0 }),
    })[0];
  return { borders, run };
}

/** Divides a row into its long sequences and what lies between them. */
function partsOf(
  model: Transformer,
  lengths: readonly number[],
  isLong: (length: number) => boolean,
): { tokens: number; flash?: FlashPart }[] {
  const groups: number[][] = [];
  for (const length of lengths) {
    const last = groups.at(-1);
    if (last && !isLong(length) && !isLong(last[0]!)) last.push(length);
    else groups.push([length]);
  }
  return groups.map((group) => ({
    tokens: group.reduce((a, b) => a + b, 0),
    ...(!isLong(group[0]!) && { flash: flashPart(model, group) }),
  }));
}
