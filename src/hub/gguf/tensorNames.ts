/** @file Finds the weights of a GGUF file under Hugging Face's names. */
import { basename } from 'node:path';
import { UserError } from '../../util/errors.js';
import {
  ARCHITECTURES,
  OUTPUT_HEAD,
  ROPE_FACTORS,
  weightNames,
  type Architecture,
  type WeightChange,
} from './architectures.js';
import { ARCHITECTURE } from './keys.js';
import type { GgufFile, GgufTensor } from './file.js';

export interface NamedTensor {
  /** Hugging Face's name. */
  name: string;
  tensor: GgufTensor;
  change: WeightChange | undefined;
}

/** Returns the file's architecture. @throws UserError if it is not supported */
export function architectureOf(gguf: GgufFile): Architecture {
  const name = gguf.metadata.string(ARCHITECTURE);
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
  const file = basename(gguf.path);
  const rest = new Map(gguf.tensors);
  rest.delete(ROPE_FACTORS);
  const named: NamedTensor[] = [];
  for (const { gguf: name, huggingFace, change } of weightNames(architectureOf(gguf), blocks)) {
    const tensor = rest.get(name);
    if (tensor === undefined) {
      if (name === OUTPUT_HEAD) continue;
      throw new UserError(`${file}: the tensor ${name} is missing`);
    }
    rest.delete(name);
    named.push({ name: huggingFace, tensor, change });
  }
  const [unknown] = rest.keys();
  if (unknown !== undefined) {
    throw new UserError(
      `${file}: the tensor ${unknown} is not part of a ${gguf.metadata.string(ARCHITECTURE)} model of ` +
        `${blocks} blocks as it is known here; take the model in Hugging Face's format`,
    );
  }
  return named;
}
