/** @file Names and lays out the weights of a GGUF file as Hugging Face does. */
import { basename } from 'node:path';
import { UserError } from '../../util/errors.js';
import { ARCHITECTURES, type Architecture, type WeightChange } from './architectures.js';
import type { GgufFile, GgufTensor } from './file.js';

export interface NamedTensor {
  /** Hugging Face's name. */
  name: string;
  tensor: GgufTensor;
  change?: WeightChange;
}

/** Tensor with the frequency factors of Llama 3's RoPE scaling, which belongs to the configuration. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** Returns the file's architecture. @throws UserError if it is not supported */
export function architectureOf(gguf: GgufFile): Architecture {
  const name = gguf.metadata.string('general.architecture');
  if (Object.hasOwn(ARCHITECTURES, name)) return ARCHITECTURES[name]!;
  throw new UserError(
    `${basename(gguf.path)} holds a model of the architecture "${name}"; supported are ${Object.keys(ARCHITECTURES).join(', ')}`,
  );
}

/**
 * Lists all weights of the model under their Hugging Face names.
 * @throws UserError if one is missing, or if the architecture does not have one: without it the model would compute
 *   something else
 */
export function nameTensors(gguf: GgufFile, blocks: number): NamedTensor[] {
  const { block, changes } = architectureOf(gguf);
  const file = basename(gguf.path);
  const rest = new Map(gguf.tensors);
  rest.delete(ROPE_FACTORS);
  const named: NamedTensor[] = [];
  const take = (from: string, name: string, key: string): void => {
    const tensor = rest.get(from);
    if (tensor === undefined) throw new UserError(`${file}: the tensor ${from} is missing`);
    rest.delete(from);
    named.push({ name, tensor, change: changes[key] });
  };
  take('token_embd.weight', 'model.embed_tokens.weight', '');
  take('output_norm.weight', 'model.norm.weight', 'output_norm.weight');
  if (rest.has('output.weight')) take('output.weight', 'lm_head.weight', '');
  for (let index = 0; index < blocks; index++) {
    for (const [from, to] of Object.entries(block)) {
      take(`blk.${index}.${from}`, `model.layers.${index}.${to}`, from);
    }
  }
  const [unknown] = rest.keys();
  if (unknown !== undefined) {
    throw new UserError(
      `${file}: the tensor ${unknown} is not part of a ${gguf.metadata.string('general.architecture')} model of ` +
        `${blocks} blocks as it is known here; take the model in Hugging Face's format`,
    );
  }
  return named;
}

/** Brings a weight with that many rows into Hugging Face's layout; `heads` counts those of queries and of keys. */
export function changeWeights(
  weights: Float32Array,
  rows: number,
  change: WeightChange | undefined,
  heads: { query: number; key: number },
): Float32Array {
  switch (change) {
    case undefined:
      return weights;
    case 'subtract-one':
      for (let i = 0; i < weights.length; i++) weights[i]! -= 1;
      return weights;
    case 'unpermute-query':
      return unpermute(weights, rows, heads.query);
    case 'unpermute-key':
      return unpermute(weights, rows, heads.key);
  }
}

/** Moves, in each head, row 2i to i and row 2i + 1 to half + i. */
function unpermute(weights: Float32Array, rows: number, heads: number): Float32Array {
  const columns = weights.length / rows;
  const half = rows / heads / 2;
  const result = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const inHead = row % (2 * half);
    const target = row - inHead + (inHead >> 1) + (inHead & 1) * half;
    result.set(weights.subarray(row * columns, (row + 1) * columns), target * columns);
  }
  return result;
}
