import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import { byteLength, SafetensorsFile, saveSafetensors, type NamedTensor } from '../torch/safetensors.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import type { ModelConfig } from './config.js';
import { INDEX_FILE, readConfig, readWeightMap, SINGLE_FILE } from './directory.js';
import { parameterSpecs, type ParameterSpec } from './parameters.js';
import { Transformer } from './transformer.js';

/** Files of a model directory besides its weights; saving copies those that are there. */
export const companionFiles = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'LICENSE',
  'NOTICE',
];

/** Weights of a shard file at most; what `transformers` uses too. */
const shardBytes = 5e9;

/** The directory's weight files, opened; each tensor name with the file that holds it. */
class Weights implements Disposable {
  readonly #files = new Map<string, SafetensorsFile>();
  readonly byName = new Map<string, SafetensorsFile>();

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
      for (const name of file.entries.keys()) this.byName.set(name, file);
      return;
    }
    const index = join(this.dir, INDEX_FILE);
    if (!existsSync(index)) throw new UserError(`${this.dir} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`);
    for (const [name, shard] of Object.entries(readWeightMap(index)))
      this.byName.set(name, this.#open(shard));
  }

  #open(name: string): SafetensorsFile {
    let file = this.#files.get(name);
    if (!file) this.#files.set(name, (file = new SafetensorsFile(join(this.dir, name))));
    return file;
  }

  file(name: string): SafetensorsFile {
    const file = this.byName.get(name);
    if (!file)
      throw new UserError(`${this.dir}: the weights have no tensor "${name}", which config.json implies`);
    return file;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }
}

/** What some exporters add and no model of these families reads. */
const ignorable = (name: string, config: ModelConfig): boolean =>
  name.endsWith('.rotary_emb.inv_freq') || (config.tied && name === 'lm_head.weight');

export interface LoadOptions {
  /** Of the parameters in memory, whatever the files hold. */
  dtype: Dtype;
  device?: string;
}

/** A model with what saving it needs to know. */
export interface LoadedModel {
  model: Transformer;
  dir: string;
  /** Element type of each tensor in the files it came from. */
  fileDtypes: ReadonlyMap<string, Dtype>;
}

/**
 * Loads a Hugging Face model directory: one safetensors file or shards, f32, f16 or bf16.
 * @throws UserError naming file and field or tensor
 */
export function loadModel(dir: string, { dtype, device = 'cpu' }: LoadOptions): LoadedModel {
  const config = readConfig(dir);
  const specs = parameterSpecs(config);
  const weights = new Weights(dir);
  try {
    refuseStrangers(weights, specs, config);
    const fileDtypes = new Map<string, Dtype>();
    const parameters = scope(() =>
      noGrad(() => {
        const loaded = new Map<string, Tensor>();
        for (const [name, spec] of specs) {
          const parameter = ops.empty(spec.shape, { dtype, device });
          let row = 0;
          for (const part of spec.parts) {
            scope(() => {
              const file = weights.file(part.name);
              const source = file.tensor(part.name);
              const expected = [part.rows, ...spec.shape.slice(1)];
              if (source.shape.join() !== expected.join()) {
                throw new UserError(
                  `${file.path}: tensor "${part.name}" has shape [${source.shape.join(', ')}], but config.json implies [${expected.join(', ')}]`,
                );
              }
              fileDtypes.set(part.name, file.dtype(part.name));
              ops.copy_(ops.narrow(parameter, 0, row, part.rows), source);
            });
            row += part.rows;
          }
          loaded.set(name, parameter);
        }
        return loaded;
      }),
    );
    return { model: new Transformer(config, parameters), dir, fileDtypes };
  } finally {
    weights[Symbol.dispose]();
  }
}

/** A tensor that the config does not imply is a part of the model that would silently be left out. */
function refuseStrangers(
  weights: Weights,
  specs: ReadonlyMap<string, ParameterSpec>,
  config: ModelConfig,
): void {
  const known = new Set([...specs.values()].flatMap(({ parts }) => parts.map(({ name }) => name)));
  for (const name of weights.byName.keys()) {
    if (known.has(name) || ignorable(name, config)) continue;
    throw new UserError(
      `${weights.dir}: tensor "${name}" does not belong to a ${config.family} model as config.json describes it`,
    );
  }
}

/** The parameters under their names in files, as views. */
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
 * Writes a Hugging Face model directory that `transformers` and vLLM load: the weights in the element types they were
 * loaded from, config, tokenizer and template copied from the model's own directory. The weights come last, so that a
 * directory with weights is whole.
 * @param parameters what to save, e.g. the float32 masters of a training run
 */
export function saveModel(
  { model, dir, fileDtypes }: LoadedModel,
  out: string,
  parameters: ReadonlyMap<string, Tensor> = model.parameters,
): void {
  mkdirSync(out, { recursive: true });
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

/** One file, or where that would pass `limit` bytes several and their index. Replaces either. */
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
