/** @file Makes the metadata that describe a model in a GGUF file: the opposite of `config.ts`, with which it is checked. */
import { parseConfig, type ModelConfig } from '../../models/config.js';
import { UserError } from '../../util/errors.js';
import { ARCHITECTURES, type Architecture } from './architectures.js';
import { LLAMA3, llama3Factors, makeConfig, readShape } from './config.js';
import { ARCHITECTURE, MODEL_KEYS } from './keys.js';
import { GgufMetadata } from './metadata.js';
import { count, real, text, type MetadataValue, type TensorInfo } from './metadataWriter.js';

/** Returns the architecture as which a model is written, with its name. */
export function architectureFor({ family }: ModelConfig): [string, Architecture] {
  return Object.entries(ARCHITECTURES).find(([, { families }]) => families.includes(family))!;
}

type Metadata = readonly (readonly [string, MetadataValue])[];

/** Describes the sizes and settings of a model, after the architecture's name. */
export function modelMetadata(config: ModelConfig): Metadata {
  const [architecture] = architectureFor(config);
  const { scaling, theta } = config.rope.full;
  const values: Partial<Record<keyof typeof MODEL_KEYS, MetadataValue>> = {
    context: count(config.maxPositions),
    hidden: count(config.hiddenSize),
    feedForward: count(config.intermediateSize),
    blocks: count(config.attention.length),
    queryHeads: count(config.heads),
    keyHeads: count(config.kvHeads),
    headDim: count(config.headDim),
    valueDim: count(config.headDim),
    normEps: real(config.normEps),
    ropeTheta: real(theta),
    ropeDimensions: count(config.headDim),
    ...(scaling.kind === 'linear' && { ropeScaling: text('linear'), ropeFactor: real(scaling.factor) }),
    ...(slides(config) && { window: count(config.slidingWindow) }),
  };
  return [
    [ARCHITECTURE, text(architecture)],
    ...Object.entries(values).map(([key, value]): [string, MetadataValue] => [
      `${architecture}.${MODEL_KEYS[key as keyof typeof MODEL_KEYS]}`,
      value,
    ]),
  ];
}

const slides = ({ attention }: ModelConfig): boolean => attention.includes('sliding');

/** Returns the factors by which the model divides the frequencies of its rotation, if it does. */
export function frequencyFactors({ rope, headDim }: ModelConfig): Float32Array | undefined {
  const { scaling, theta } = rope.full;
  return scaling.kind === 'llama3' ? llama3Factors(theta, headDim, scaling.factor) : undefined;
}

/**
 * Checks that the metadata and tensors say what the model is, by reading them as a file's: what GGUF has no key for, and
 * llama.cpp computes in its own way, would be lost.
 * @throws UserError that names the first setting that would be read as another
 */
export function requireSaid(
  dir: string,
  config: ModelConfig,
  metadata: Metadata,
  tensors: readonly TensorInfo[],
): void {
  const [architecture] = architectureFor(config);
  const refuse = (path: string, own: unknown, read: unknown) =>
    new UserError(
      `${dir} cannot be written as GGUF: its ${path} is ${JSON.stringify(own)}, but a ${architecture} file has ` +
        `${JSON.stringify(read)} there`,
    );
  const { scaling } = config.rope.full;
  if (scaling.kind === 'llama3') {
    const length = LLAMA3.original_max_position_embeddings;
    if (scaling.originalContext !== length)
      throw refuse('rope.full.scaling.originalContext', scaling.originalContext, length);
  }
  const values = Object.fromEntries(metadata.map(([key, { value }]) => [key, value]));
  const gguf = {
    path: dir,
    metadata: new GgufMetadata(dir, values, Buffer.alloc(0)),
    tensors: new Map(
      tensors.map((tensor) => [tensor.name, { ...tensor, shape: [...tensor.shape], path: dir, begin: 0 }]),
    ),
  };
  const json = makeConfig(gguf, readShape(gguf), frequencyFactors(config));
  const read = parseConfig(json, dir);
  // Mistral's models are Llama's; a window over the whole context is none.
  const whole = config.slidingWindow >= config.maxPositions;
  const own: ModelConfig = {
    ...config,
    family: read.family,
    ...(whole && { attention: config.attention.map(() => 'full') }),
  };
  const other = firstDifference(own, read, '');
  if (other !== undefined) throw refuse(other.path, other.own, other.read);
}

/** Finds the first value that differs, numbers as float32. */
function firstDifference(
  own: unknown,
  read: unknown,
  path: string,
): { path: string; own: unknown; read: unknown } | undefined {
  if (typeof own !== 'object' || own === null || typeof read !== 'object' || read === null) {
    const same =
      typeof own === 'number' && typeof read === 'number'
        ? Math.fround(own) === Math.fround(read)
        : own === read;
    return same ? undefined : { path, own, read };
  }
  for (const key of new Set([...Object.keys(own), ...Object.keys(read)])) {
    const [a, b] = [own, read].map((value) => (value as Record<string, unknown>)[key]);
    const found = firstDifference(a, b, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
