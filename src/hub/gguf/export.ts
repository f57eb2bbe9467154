/** @file Writes a model directory as a GGUF file: `redistill models export`. */
import { GGMLQuantizationType } from '@huggingface/gguf';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../../util/errors.js';
import { FileReplacement, writeAll } from '../../util/files.js';
import { requireOwnFile } from '../../util/ownFile.js';
import { adapterIn } from '../../models/adapterFiles.js';
import { readConfig } from '../../models/directory.js';
import { parameterSpecs } from '../../models/parameters.js';
import { checkWeights, WeightFiles } from '../../models/weightFiles.js';
import type { SafetensorsDtype } from '../../torch/safetensorsFormat.js';
import { SafetensorsReader } from '../../torch/safetensorsReader.js';
import { ROPE_FACTORS, weightNames, type WeightName } from './architectures.js';
import { blockSize, dequantize } from './dequantize.js';
import { FILE_TYPES, type GgufType } from './fileTypes.js';
import { aligned, count, encodeHeader, text, type MetadataValue, type TensorInfo } from './metadataWriter.js';
import { architectureFor, frequencyFactors, modelMetadata, requireSaid } from './modelMetadata.js';
import { quantize } from './quantize.js';
import { tokenizerMetadata } from './tokenizerMetadata.js';
import { changeWeights, type Heads } from './weightChanges.js';

/** Stands first in our files, so that they are known by it. */
const MADE_BY = ['general.quantized_by', 'redistill'] as const;

/** The types of weights in safetensors files that ggml has too. */
const STORED: Partial<Record<SafetensorsDtype, GGMLQuantizationType>> = {
  F32: GGMLQuantizationType.F32,
  F16: GGMLQuantizationType.F16,
  BF16: GGMLQuantizationType.BF16,
};

export interface ExportOptions {
  /** Receives the number of weights written so far and the total. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Stops the work between tensors; nothing is written then. */
  signal?: AbortSignal | undefined;
}

/** A tensor of the file, whose data come in pieces. */
interface Source extends TensorInfo {
  pieces: () => Iterable<Float32Array>;
}

/**
 * Writes the model of a directory as a GGUF file that llama.cpp reads, by way of a temporary file beside it: matrices in
 * the type, vectors in float32; one tensor at a time is in memory.
 * @throws UserError for a model that the format cannot express, and where `out` holds something else than such a file
 */
export async function exportGguf(
  dir: string,
  out: string,
  type: GgufType,
  { onProgress, signal }: ExportOptions = {},
): Promise<void> {
  const adapter = adapterIn(dir);
  if (adapter !== undefined)
    throw new UserError(
      `${adapter} is an adapter: make a model of it first, with \`redistill models merge ${adapter} --out DIR\`.`,
    );
  requireOwnFile(out, isOurs, 'the model is written');
  using files = new WeightFiles(dir, (path) => new SafetensorsReader(path));
  const config = checkWeights(files, readConfig(dir));
  const [, architecture] = architectureFor(config);
  const names = new Map(
    weightNames(architecture, config.attention.length).map((name) => [name.huggingFace, name]),
  );
  const heads = { query: config.heads, key: config.kvHeads };
  const sources: Source[] = [];
  for (const { shape, parts } of parameterSpecs(config).values()) {
    for (const { name, rows } of parts) {
      // What has no name there is refused below, with the setting that it belongs to.
      const known = names.get(name);
      if (known) sources.push(sourceOf(files, known, [rows, ...shape.slice(1)], type, heads));
    }
  }
  const factors = frequencyFactors(config);
  if (factors) sources.push({ ...infoOf(ROPE_FACTORS, [factors.length], type), pieces: () => [factors] });

  const ofModel = modelMetadata(config);
  requireSaid(dir, config, ofModel, sources);
  const metadata = new Map<string, MetadataValue>([
    [MADE_BY[0], text(MADE_BY[1])],
    ...ofModel,
    ['general.name', text(basename(dir))],
    ['general.file_type', count(FILE_TYPES[type])],
    ['general.quantization_version', count(2)],
    ...tokenizerMetadata(dir, config.vocabSize),
  ]);
  await write(out, encodeHeader(metadata, sources), sources, dir, { onProgress, signal });
}

function isOurs(beginning: string): boolean {
  const mark = MADE_BY.map((part) => `${String.fromCharCode(part.length)}${'\0'.repeat(7)}${part}`);
  const [key, value] = mark as [string, string];
  return beginning === '' || (beginning.startsWith('GGUF') && beginning.includes(`${key}\x08\0\0\0${value}`));
}

/** Chooses a tensor's type: vectors are float32, as llama.cpp wants them, and rows of no whole blocks F16, as it does. */
function infoOf(name: string, shape: readonly number[], type: GgufType): TensorInfo {
  const whole = shape.at(-1)! % blockSize(GGMLQuantizationType[type])!.weights === 0;
  const own = shape.length === 1 ? GGMLQuantizationType.F32 : GGMLQuantizationType[whole ? type : 'F16'];
  const { weights, bytes } = blockSize(own)!;
  const length = (shape.reduce((product, size) => product * size, 1) / weights) * bytes;
  return { name, type: own, shape, length };
}

/** Reads weights of one of the types that `checkWeights` lets pass. */
function decode(dtype: SafetensorsDtype, bytes: Uint8Array): Float32Array {
  if (dtype === 'F64') return new Float32Array(new Float64Array(bytes.slice().buffer));
  return dequantize(STORED[dtype]!, bytes);
}

function sourceOf(
  files: WeightFiles<SafetensorsReader>,
  { gguf, huggingFace, change }: WeightName,
  shape: readonly number[],
  type: GgufType,
  heads: Heads,
): Source {
  const file = files.holding(huggingFace);
  const { dtype } = file.entry(huggingFace);
  return {
    ...infoOf(gguf, shape, type),
    *pieces() {
      const whole = new Float32Array(
        change === undefined ? 0 : shape.reduce((product, size) => product * size, 1),
      );
      let at = 0;
      for (const bytes of file.pieces(huggingFace)) {
        const piece = decode(dtype, bytes);
        if (change === undefined) yield piece;
        else whole.set(piece, at);
        at += piece.length;
      }
      if (change !== undefined) yield changeWeights(whole, shape[0]!, change, heads, 'to GGUF');
    },
  };
}

async function write(
  out: string,
  header: Uint8Array,
  sources: readonly Source[],
  dir: string,
  { onProgress, signal }: ExportOptions,
): Promise<void> {
  const bytes = sources.reduce((sum, { length }) => sum + aligned(length), header.length);
  const weights = ({ shape }: Source) => shape.reduce((product, size) => product * size, 1);
  const total = sources.reduce((sum, source) => sum + weights(source), 0);
  using file = new FileReplacement(out, { atLeast: bytes });
  const put = (data: Uint8Array): void => {
    file.fill((fd) => {
      writeAll(fd, data);
    });
  };
  put(header);
  let done = 0;
  for (const { name, type, length, pieces } of sources) {
    for (const piece of pieces()) {
      const data = quantize(type, piece);
      if (data === undefined)
        throw new UserError(
          `${dir}: the tensor that GGUF calls ${name} holds values that are not finite or too large for ` +
            `${GGMLQuantizationType[type]}: the file is damaged, or its training diverged; take another checkpoint`,
        );
      put(data);
      done += piece.length;
      onProgress?.(done, total);
    }
    put(new Uint8Array(aligned(length) - length));
    await setImmediate(); // a signal arrives
    signal?.throwIfAborted();
  }
  file.commit();
}
