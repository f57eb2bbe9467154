/** @file Loads and saves a Hugging Face model directory, with its weights as tensors. */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { dtypeSize, type Dtype } from '../torch/dtype.js';
import { withMemoryFor } from '../torch/errors.js';
import { eachNorm } from '../torch/optim.js';
import { byteLength, SafetensorsFile, saveSafetensors, type NamedTensor } from '../torch/safetensors.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import type { ModelConfig } from './config.js';
import { readConfig, readWeightMap } from './directory.js';
import { companionFiles, INDEX_FILE, SINGLE_FILE } from './modelFiles.js';
import { parameterCount, parameterSpecs, type ParameterSpec } from './parameters.js';
import { Transformer } from './transformer.js';

/** The largest size of a shard's weights, as in `transformers`. */
const shardBytes = 5e9;

/** The open weight files of a model directory. */
class WeightFiles implements Disposable {
  readonly #files = new Map<string, SafetensorsFile>();
  /** Maps each tensor's name to the file that holds it. */
  readonly byTensor = new Map<string, SafetensorsFile>();

  constructor(readonly dir: string) {
    try {
      this.#openAll();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #openAll(): void {
    if (existsSync(join(this.dir, SINGLE_FILE))) {
      const file = this.#open(SINGLE_FILE);
      for (const name of file.entries.keys()) this.byTensor.set(name, file);
      return;
    }
    const index = join(this.dir, INDEX_FILE);
    if (!existsSync(index)) throw new UserError(`${this.dir} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`);
    for (const [name, shard] of Object.entries(readWeightMap(index)))
      this.byTensor.set(name, this.#open(shard));
  }

  #open(name: string): SafetensorsFile {
    let file = this.#files.get(name);
    if (!file) this.#files.set(name, (file = new SafetensorsFile(join(this.dir, name))));
    return file;
  }

  /** Returns the file that holds a tensor. */
  holding(tensor: string): SafetensorsFile {
    const file = this.byTensor.get(tensor);
    if (!file)
      throw new UserError(`${this.dir}: the weights have no tensor "${tensor}", which config.json implies`);
    return file;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }
}

/** Names tensors that some exporters add and that no model of these families reads. */
const ignorable = (name: string, config: ModelConfig): boolean =>
  name.endsWith('.rotary_emb.inv_freq') || (config.tied && name === 'lm_head.weight');

export interface LoadOptions {
  /** Element type of the parameters in memory, whatever the files hold. */
  dtype: Dtype;
  device?: string;
}

/** A model with what is needed to save it. */
export interface LoadedModel {
  model: Transformer;
  dir: string;
  /** Element type of each tensor in the files it came from. */
  fileDtypes: ReadonlyMap<string, Dtype>;
}

/**
 * Loads a Hugging Face model directory: one safetensors file or shards, f32, f16 or bf16.
 * @throws UserError naming file and field or tensor, also where weights are not finite
 */
export function loadModel(dir: string, options: LoadOptions): LoadedModel {
  const config = readConfig(dir);
  const bytes = parameterCount(config) * dtypeSize[options.dtype];
  return withMemoryFor(`the weights of ${dir} in ${options.dtype} take`, bytes, () =>
    loadWeights(dir, config, options),
  );
}

function loadWeights(dir: string, config: ModelConfig, { dtype, device = 'cpu' }: LoadOptions): LoadedModel {
  const specs = parameterSpecs(config);
  using files = new WeightFiles(dir);
  refuseStrangers(files, specs, config);
  const fileDtypes = new Map<string, Dtype>();
  // Before memory is taken for any of them: config.json alone could ask for more than there is.
  for (const { parts, shape } of specs.values())
    for (const { name, rows } of parts)
      fileDtypes.set(name, checkPart(files, name, [rows, ...shape.slice(1)]));
  const parameters = scope(() =>
    noGrad(() => {
      const loaded = new Map<string, Tensor>();
      for (const [name, spec] of specs) {
        const parameter = ops.empty(spec.shape, { dtype, device });
        let row = 0;
        for (const part of spec.parts) {
          scope(() => {
            const file = files.holding(part.name);
            ops.copy_(ops.narrow(parameter, 0, row, part.rows), file.tensor(part.name));
          });
          row += part.rows;
        }
        loaded.set(name, parameter);
      }
      return loaded;
    }),
  );
  const ruined = eachNorm([...parameters.values()]).findIndex((norm) => !Number.isFinite(norm));
  if (ruined >= 0) {
    for (const parameter of parameters.values()) parameter.dispose();
    const names = [...specs.values()][ruined]!.parts.map(({ name }) => `"${name}"`).join(' or ');
    throw new UserError(
      `${dir}: tensor ${names} holds values that are not finite, or too large to compute with: ` +
        'the file is damaged, or its training diverged. Take another checkpoint.',
    );
  }
  return { model: new Transformer(config, parameters), dir, fileDtypes };
}

/** @returns the element type in the file. @throws UserError where a tensor is missing or has not the expected shape */
function checkPart(files: WeightFiles, name: string, expected: readonly number[]): Dtype {
  const file = files.holding(name);
  const dtype = file.dtype(name);
  const { shape } = file.entries.get(name)!;
  if (shape.join() !== expected.join()) {
    throw new UserError(
      `${file.path}: tensor "${name}" has shape [${shape.join(', ')}], but config.json implies [${expected.join(', ')}]`,
    );
  }
  return dtype;
}

/** Refuses tensors that the config does not imply: they are parts of the model that would silently be left out. */
function refuseStrangers(
  files: WeightFiles,
  specs: ReadonlyMap<string, ParameterSpec>,
  config: ModelConfig,
): void {
  const known = new Set([...specs.values()].flatMap(({ parts }) => parts.map(({ name }) => name)));
  for (const name of files.byTensor.keys()) {
    if (known.has(name) || ignorable(name, config)) continue;
    throw new UserError(
      `${files.dir}: tensor "${name}" does not belong to a ${config.family} model as config.json describes it`,
    );
  }
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
 * Writes a Hugging Face model directory that `transformers` and vLLM load. The weights have the element types they were
 * loaded from; config, tokenizer and template are copied from the model's own directory. The weights are written last,
 * so that a directory with weights is complete.
 * @param parameters what to save, e.g. the float32 masters of a training run
 */
export function saveModel(
  { model, dir, fileDtypes }: LoadedModel,
  out: string,
  parameters: ReadonlyMap<string, Tensor> = model.parameters,
): void {
  makeFolder(out);
  for (const file of companionFiles) {
    if (existsSync(join(dir, file)) && join(dir, file) !== join(out, file))
      copyFileSync(join(dir, file), join(out, file));
  }
  scope(() => {
    noGrad(() => {
      const tensors = namedTensors(model.config, parameters, fileDtypes);
      writeShards(out, tensors);
    });
  });
}

/** Writes one file, or several and their index where one would exceed `limit` bytes. Replaces either. */
export function writeShards(out: string, tensors: readonly NamedTensor[], limit = shardBytes): void {
  const metadata = { format: 'pt' };
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
  if (shards.length === 1) {
    saveSafetensors(join(out, SINGLE_FILE), shards[0]!, metadata);
    rmSync(join(out, INDEX_FILE), { force: true });
    return;
  }
  const weightMap: Record<string, string> = {};
  shards.forEach((shard, i) => {
    const number = (n: number) => String(n).padStart(5, '0');
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    saveSafetensors(join(out, file), shard, metadata);
    for (const { name } of shard) weightMap[name] = file;
  });
  const index = {
    metadata: { total_size: tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0) },
    weight_map: weightMap,
  };
  writeFileAtomic(join(out, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`);
  rmSync(join(out, SINGLE_FILE), { force: true }); // a reader would take it first
}
