import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readSafetensorsHeader,
  writeSafetensors,
  type SafetensorsDtype,
} from '../../src/torch/safetensorsFormat.js';

export interface StoredTensor {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** Changes the tensors of a model directory's weight file, by name. */
export function rewriteWeights(dir: string, change: (tensors: Map<string, StoredTensor>) => void): void {
  rewriteTensors(join(dir, 'model.safetensors'), change);
}

/** Changes the tensors of a file, by name. */
export function rewriteTensors(path: string, change: (tensors: Map<string, StoredTensor>) => void): void {
  const { entries, metadata, dataStart } = readSafetensorsHeader(path);
  const data = readFileSync(path).subarray(dataStart);
  const tensors = new Map(
    entries.map(({ name, dtype, shape, begin, end }) => [
      name,
      { dtype, shape, bytes: data.subarray(begin, end) },
    ]),
  );
  change(tensors);
  writeSafetensors(
    path,
    Array.from(tensors, ([name, tensor]) => ({ name, ...tensor })),
    metadata,
  );
}
