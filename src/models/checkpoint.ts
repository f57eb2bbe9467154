/** @file Loads and saves a Hugging Face model directory, with its weights as tensors. */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { dtypeSize, type Dtype } from '../torch/dtype.js';
import { withMemoryFor } from '../torch/errors.js';
import { eachNorm } from '../torch/optim.js';
import {
  byteLength,
  SafetensorsFile,
  saveSafetensors,
  saveSafetensorsMeanwhile,
  type NamedTensor,
} from '../torch/safetensors.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { explained } from '../util/fileErrors.js';
import { writeFileAtomic } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import { together, type Writing } from '../util/meanwhile.js';
import { adapterConfig, adapterIn, fileName, openAdapter } from './adapterFiles.js';
import { exact, requireExact, usual } from './arithmetic.js';
import type { ModelConfig } from './config.js';
import { readConfig, readJsonObject } from './directory.js';
import { adapterShapes, type LoraConfig } from './loraShapes.js';
import {
  ADAPTER_CONFIG,
  ADAPTER_FILE,
  companionFiles,
  INDEX_FILE,
  SINGLE_FILE,
  weightsOnly,
} from './modelFiles.js';
import { overridden, type ModelOverrides } from './overrides.js';
import { parameterCount, parameterSpecs } from './parameters.js';
import { Transformer } from './transformer.js';
import { checkWeights, WeightFiles } from './weightFiles.js';

/** The largest size of a shard's weights, as in `transformers`. */
const shardBytes = 5e9;

export interface LoadOptions {
  /** Element type of the parameters in memory, whatever the files hold. */
  dtype: Dtype;
  device?: string;
  /** Compute in f32 on the CPU so that a row's result does not depend on other rows; it is slow. */
  exact?: boolean;
  /** What is changed of config.json, for computing and for saving. */
  overrides?: ModelOverrides | undefined;
  /** Is told what the user should know about the model; without it the process warns. */
  onNotice?: ((sentence: string) => void) | undefined;
}

/** A model with what is needed to save it. */
export interface LoadedModel {
  model: Transformer;
  dir: string;
  /** Element type of each tensor in the files it came from. */
  fileDtypes: ReadonlyMap<string, Dtype>;
  /** What is changed of config.json when the model is saved. */
  overrides?: ModelOverrides | undefined;
  /** Where the model has adapters, which alone are saved then: the name or path of their base. */
  base?: string;
}

/**
 * Loads a Hugging Face model directory: one safetensors file or shards, f32, f16 or bf16. An adapter in it, as
 * `resolveModel` puts one beside its base, is merged into the weights.
 * @throws UserError naming file and field or tensor, also where weights are not finite
 */
export function loadModel(dir: string, options: LoadOptions): LoadedModel {
  const loaded = loadBase(dir, options);
  const adapter = adapterIn(dir);
  if (adapter === undefined) return loaded;
  return freeingAtFault(loaded.model, () => {
    const { config, parameters, device } = loaded.model;
    const { lora, tensors } = loadAdapter(adapter, config, device);
    const adapted = new Transformer(config, new Map([...parameters, ...tensors]), usual, undefined, lora);
    adapted.adapters!.merge();
    adapted.adapters![Symbol.dispose]();
    for (const tensor of tensors.values()) tensor.dispose();
    return loaded;
  });
}

/** Does something with a model that is freed if that fails. */
export function freeingAtFault<T>(model: Disposable, work: () => T): T {
  try {
    return work();
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/** Loads the tensors of an adapter in float32. @throws UserError as `openAdapter` does, and where they are not finite */
export function loadAdapter(
  dir: string,
  config: ModelConfig,
  device: string,
): { lora: LoraConfig; tensors: Map<string, Tensor> } {
  using opened = openAdapter(dir, config, (path) => new SafetensorsFile(path));
  const { lora, file } = opened;
  return scope(() => {
    const tensors = new Map(
      Array.from(adapterShapes(config, lora), ([name, shape]) => {
        const tensor = ops.empty(shape, { dtype: 'f32', device });
        file.copyInto(fileName(name), tensor);
        return [name, tensor];
      }),
    );
    requireFinite(file.path, tensors, (name) => `"${fileName(name)}"`);
    return { lora, tensors };
  });
}

/** Loads a model directory as it is without an adapter that may be in it. */
export function loadBase(dir: string, options: LoadOptions): LoadedModel {
  if (options.exact) requireExact({ device: 'cpu', ...options });
  const described = readConfig(dir, options.overrides);
  using files = new WeightFiles(dir, (path) => new SafetensorsFile(path));
  // Before memory is taken for any of them: config.json alone could ask for more than there is.
  const config = checkWeights(files, described);
  if (config.tied !== described.tied) {
    const notice =
      `${dir}: config.json ties the output head to the embedding, but the weights have a head of their own with other ` +
      'values, which is used; set tie_word_embeddings to false there';
    if (options.onNotice) options.onNotice(notice);
    else process.emitWarning(notice);
  }
  const bytes = parameterCount(config) * dtypeSize[options.dtype];
  return withMemoryFor(`the weights of ${dir} in ${options.dtype} take`, bytes, () =>
    loadWeights(files, config, options),
  );
}

function loadWeights(
  files: WeightFiles<SafetensorsFile>,
  config: ModelConfig,
  { dtype, device = 'cpu', exact: isExact = false, overrides }: LoadOptions,
): LoadedModel {
  const { dir } = files;
  const specs = parameterSpecs(config);
  const fileDtypes = new Map<string, Dtype>();
  const parameters = scope(() =>
    noGrad(() => {
      const loaded = new Map(
        Array.from(specs, ([name, spec]) => [name, ops.empty(spec.shape, { dtype, device })]),
      );
      ops.useHugePages([...loaded.values()]);
      for (const [name, spec] of specs) {
        const parameter = loaded.get(name)!;
        let row = 0;
        for (const part of spec.parts) {
          const file = files.holding(part.name);
          scope(() => {
            file.copyInto(part.name, ops.narrow(parameter, 0, row, part.rows));
          });
          fileDtypes.set(part.name, file.dtype(part.name));
          row += part.rows;
        }
      }
      return loaded;
    }),
  );
  requireFinite(dir, parameters, (name) =>
    specs
      .get(name)!
      .parts.map((part) => `"${part.name}"`)
      .join(' or '),
  );
  return { model: new Transformer(config, parameters, isExact ? exact : usual), dir, fileDtypes, overrides };
}

/** @throws UserError where values are not finite; the tensors are freed then */
function requireFinite(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  named: (name: string) => string,
): void {
  const ruined = eachNorm([...tensors.values()]).findIndex((norm) => !Number.isFinite(norm));
  if (ruined < 0) return;
  for (const tensor of tensors.values()) tensor.dispose();
  throw new UserError(
    `${path}: tensor ${named([...tensors.keys()][ruined]!)} holds values that are not finite, or too large to compute with: ` +
      'the file is damaged, or its training diverged. Take another checkpoint.',
  );
}

/** Returns what is saved of parameters under their names in files: the adapters', or else all. */
export function savedTensors(
  { model: { config, adapters }, fileDtypes }: LoadedModel,
  parameters: ReadonlyMap<string, Tensor>,
): NamedTensor[] {
  if (!adapters) return namedTensors(config, parameters, fileDtypes);
  return [...adapterShapes(config, adapters.lora).keys()].map((name) => {
    const tensor = parameters.get(name)!;
    return { name: fileName(name), tensor, dtype: tensor.dtype };
  });
}

/** Returns the parameters under their names in files, as views. */
export function namedTensors(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Tensor>,
  fileDtypes: ReadonlyMap<string, Dtype>,
): NamedTensor[] {
  const named: NamedTensor[] = [];
  for (const [name, spec] of parameterSpecs(config)) {
    const parameter = parameters.get(name)!;
    let row = 0;
    for (const part of spec.parts) {
      const tensor = ops.narrow(parameter, 0, row, part.rows);
      named.push({ name: part.name, tensor, dtype: fileDtypes.get(part.name) ?? parameter.dtype });
      row += part.rows;
    }
  }
  return named;
}

/**
 * Writes a Hugging Face model directory, or the adapters of a model that has some as PEFT does: files that `transformers` and vLLM load. The weights have the element types they were
 * loaded from; config, with what was changed of it, tokenizer and template are the model's own. The weights are written
 * last, so that a directory with weights is complete.
 * @param parameters what to save, e.g. the float32 masters of a training run
 */
export function saveModel(
  loaded: LoadedModel,
  out: string,
  parameters: ReadonlyMap<string, Tensor> = loaded.model.parameters,
): void {
  copyCompanions(loaded, out);
  scope(() => {
    noGrad(() => {
      const tensors = savedTensors(loaded, parameters);
      if (loaded.model.adapters) saveSafetensors(join(out, ADAPTER_FILE), tensors, metadata);
      else writeShards(out, tensors);
    });
  });
}

/**
 * Writes the same files into a new folder while the program goes on.
 * @param parameters must stay as they are until they have been taken
 */
export function saveModelMeanwhile(
  loaded: LoadedModel,
  out: string,
  parameters: ReadonlyMap<string, Tensor>,
): Writing {
  copyCompanions(loaded, out);
  return scope(() => {
    const tensors = noGrad(() => savedTensors(loaded, parameters));
    if (loaded.model.adapters) return saveSafetensorsMeanwhile(join(out, ADAPTER_FILE), tensors, metadata);
    const { shards, index } = shardsOf(tensors, shardBytes);
    const writings = shards.map(([file, shard]) =>
      saveSafetensorsMeanwhile(join(out, file), shard, metadata),
    );
    return together(writings, () => {
      if (index !== undefined) writeFileAtomic(join(out, INDEX_FILE), index);
    });
  });
}

/** Parameters in the types that files have them in, so that several files share one copy; a GPU's as they are, which has no room for it. */
export function inFileDtypes(
  { model, fileDtypes }: LoadedModel,
  parameters: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const specs = parameterSpecs(model.config);
  return new Map(
    [...parameters].map(([name, parameter]) => {
      const [dtype = parameter.dtype, ...others] = new Set(
        specs.get(name)?.parts.map((part) => fileDtypes.get(part.name) ?? parameter.dtype),
      );
      const isShared = model.device === 'cpu' && others.length === 0;
      return [name, isShared ? ops.toDtype(parameter, dtype) : parameter];
    }),
  );
}

function copyCompanions({ model, dir, overrides = {}, base }: LoadedModel, out: string): void {
  makeFolder(out);
  const { config, adapters } = model;
  for (const file of companionFiles) {
    if (adapters && weightsOnly.includes(file)) continue;
    const [from, to] = [join(dir, file), join(out, file)];
    if (!existsSync(from) || from === to) continue;
    makeFolder(dirname(to));
    explained(to, () => {
      copyFileSync(from, to);
    });
  }
  if (adapters) {
    const described = adapterConfig(adapters.lora, config, base!);
    writeFileAtomic(join(out, ADAPTER_CONFIG), `${JSON.stringify(described, null, 2)}\n`);
    return;
  }
  const { tied } = config;
  writeConfig(out, overrides, readConfig(dir, overrides).tied === tied ? undefined : tied);
}

/** Changes what was copied of config.json where the model differs from it: whether the head is the embedding, and what a recipe says. */
function writeConfig(out: string, overrides: ModelOverrides, tied: boolean | undefined): void {
  if (tied === undefined && Object.keys(overrides).length === 0) return;
  const path = join(out, 'config.json');
  const config = {
    ...overridden(readJsonObject(path), overrides),
    ...(tied !== undefined && { tie_word_embeddings: tied }),
  };
  writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
}

const metadata = { format: 'pt' };

/** Writes one file, or several and their index where one would exceed `limit` bytes. Replaces either. */
export function writeShards(out: string, tensors: readonly NamedTensor[], limit = shardBytes): void {
  const { shards, index } = shardsOf(tensors, limit);
  for (const [file, shard] of shards) saveSafetensors(join(out, file), shard, metadata);
  if (index !== undefined) writeFileAtomic(join(out, INDEX_FILE), index);
  // A reader would take the single file first.
  rmSync(join(out, index === undefined ? INDEX_FILE : SINGLE_FILE), { force: true });
}

/** Divides tensors into files by their names, with the text of their index where there are several. */
function shardsOf(
  tensors: readonly NamedTensor[],
  limit: number,
): { shards: [string, NamedTensor[]][]; index?: string } {
  const shards: NamedTensor[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = byteLength(tensor);
    if (filled > 0 && filled + bytes > limit) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytes;
  }
  if (shards.length === 1) return { shards: [[SINGLE_FILE, shards[0]!]] };
  const number = (n: number) => String(n).padStart(5, '0');
  const named = shards.map((shard, i): [string, NamedTensor[]] => [
    `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`,
    shard,
  ]);
  const index = {
    metadata: { total_size: tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0) },
    weight_map: Object.fromEntries(named.flatMap(([file, shard]) => shard.map(({ name }) => [name, file]))),
  };
  return { shards: named, index: `${JSON.stringify(index, null, 2)}\n` };
}
