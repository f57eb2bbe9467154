/** @file Makes typed metadata for GGUF files and writes the header. Knows no architecture. */
import {
  GGUFValueType,
  type GGMLQuantizationType,
  serializeGgufMetadata,
  type GGUFTypedMetadata,
} from '@huggingface/gguf';

/** A value with its type in the file. */
export type MetadataValue = GGUFTypedMetadata[string];

export const text = (value: string): MetadataValue => ({ value, type: GGUFValueType.STRING });
export const count = (value: number): MetadataValue => ({ value, type: GGUFValueType.UINT32 });
export const real = (value: number): MetadataValue => ({ value, type: GGUFValueType.FLOAT32 });
export const flag = (value: boolean): MetadataValue => ({ value, type: GGUFValueType.BOOL });

const list = (value: unknown[], subType: GGUFValueType): MetadataValue =>
  ({ value, type: GGUFValueType.ARRAY, subType }) as MetadataValue;
export const texts = (values: string[]): MetadataValue => list(values, GGUFValueType.STRING);
export const counts = (values: number[]): MetadataValue => list(values, GGUFValueType.INT32);
export const reals = (values: number[]): MetadataValue => list(values, GGUFValueType.FLOAT32);

/** Data begin at multiples of so many bytes. */
const ALIGNMENT = 32;
export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A tensor of the file that is to be written. */
export interface TensorInfo {
  name: string;
  type: GGMLQuantizationType;
  /** Slowest dimension first; the file has the opposite order. */
  shape: readonly number[];
  /** Bytes of its data. */
  length: number;
}

/**
 * Writes all that precedes the data, which begin right after it: each tensor's at the next multiple of the alignment after
 * those of the one before.
 */
export function encodeHeader(
  metadata: ReadonlyMap<string, MetadataValue>,
  tensors: readonly TensorInfo[],
): Buffer {
  const typed = {
    version: { value: 3, type: GGUFValueType.UINT32 },
    tensor_count: { value: BigInt(tensors.length), type: GGUFValueType.UINT64 },
    kv_count: { value: BigInt(metadata.size), type: GGUFValueType.UINT64 },
    ...Object.fromEntries(metadata),
  } as GGUFTypedMetadata;
  const parts = [serializeGgufMetadata(typed, { alignment: 1 })];
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(encodeInfo(tensor, offset));
    offset += aligned(tensor.length);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat(parts, aligned(length));
}

function encodeInfo({ name, type, shape }: TensorInfo, offset: number): Uint8Array {
  const label = Buffer.from(name);
  const bytes = Buffer.alloc(8 + label.length + 4 + 8 * shape.length + 4 + 8);
  let at = bytes.writeBigUInt64LE(BigInt(label.length));
  at += label.copy(bytes, at);
  at = bytes.writeUInt32LE(shape.length, at);
  for (const size of shape.toReversed()) at = bytes.writeBigUInt64LE(BigInt(size), at);
  at = bytes.writeUInt32LE(type, at);
  bytes.writeBigUInt64LE(BigInt(offset), at);
  return bytes;
}
