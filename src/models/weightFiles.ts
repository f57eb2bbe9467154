/** @file Opens the weight files of a model directory and checks that they hold what config.json describes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsReader } from '../torch/safetensorsReader.js';
import { UserError } from '../util/errors.js';
import type { ModelConfig } from './config.js';
import { readConfig, readWeightMap } from './directory.js';
import { ADAPTER_CONFIG, ADAPTER_FILE, INDEX_FILE, SINGLE_FILE } from './modelFiles.js';
import { parameterSpecs } from './parameters.js';

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';

/** Positions' frequencies, which old exporters added and which follow from config.json. */
const FREQUENCIES = /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/;

/** Element types of weights; integers are quantized ones, whose scales are elsewhere. */
const FLOATS: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16']);

/** The open weight files of a model directory, or of an adapter's. `File` is the kind of reader that `open` makes. */
export class WeightFiles<File extends SafetensorsReader> implements Disposable {
  readonly #files = new Map<string, File>();
  /** Maps each tensor's name to the file that holds it. */
  readonly byTensor = new Map<string, File>();

  constructor(
    readonly dir: string,
    open: (path: string) => File,
  ) {
    try {
      this.#openAll(open);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #openAll(open: (path: string) => File): void {
    const index = join(this.dir, INDEX_FILE);
    const single = [SINGLE_FILE, ADAPTER_FILE].find((name) => existsSync(join(this.dir, name)));
    if (single !== undefined) {
      this.#open(single, open);
    } else {
      if (!existsSync(index))
        throw new UserError(`${this.dir} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}`);
      for (const [name, shard] of Object.entries(readWeightMap(index))) {
        const file = this.#open(shard, open);
        file.entry(name);
        this.byTensor.set(name, file);
      }
    }
    for (const [shard, file] of this.#files) {
      for (const name of file.entries.keys()) {
        const listed = this.byTensor.get(name);
        if (listed !== undefined && listed !== file)
          throw new UserError(
            `${this.dir}: the tensor "${name}" is in ${shard} too, which ${INDEX_FILE} does not say`,
          );
        this.byTensor.set(name, file);
      }
    }
  }

  #open(name: string, open: (path: string) => File): File {
    let file = this.#files.get(name);
    if (!file) this.#files.set(name, (file = open(join(this.dir, name))));
    return file;
  }

  /** Returns the file that holds a tensor. */
  holding(tensor: string): File {
    const file = this.byTensor.get(tensor);
    if (!file)
      throw new UserError(`${this.dir}: the weights have no tensor "${tensor}", which config.json implies`);
    return file;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }
}

/**
 * Compares the files' headers with the config, before anything is allocated: every tensor that the config implies must be
 * there with its shape, and no other. A config that ties the head to the embedding is believed unless the files hold a
 * head of other values: then that head is the model's, as in `transformers`.
 * @returns the config of the model in the files, which is the given one but for `tied`
 * @throws UserError naming file and tensor
 */
export function checkWeights(files: WeightFiles<SafetensorsReader>, config: ModelConfig): ModelConfig {
  if (existsSync(join(files.dir, ADAPTER_CONFIG)))
    throw new UserError(
      `${files.dir} holds an adapter (${ADAPTER_CONFIG}), which would not be applied: move it into a folder of its own, or remove it`,
    );
  const tied = config.tied && !hasOtherHead(files);
  const actual = tied === config.tied ? config : { ...config, tied };
  const known = new Set<string>();
  for (const { shape, parts } of parameterSpecs(actual).values()) {
    for (const { name, rows } of parts) {
      known.add(name);
      checkTensor(files.holding(name), name, [rows, ...shape.slice(1)]);
    }
  }
  for (const name of files.byTensor.keys()) {
    if (known.has(name) || FREQUENCIES.test(name) || (tied && name === HEAD)) continue;
    throw new UserError(
      `${files.dir}: tensor "${name}" does not belong to a ${config.family} model as config.json describes it`,
    );
  }
  return actual;
}

function checkTensor(file: SafetensorsReader, name: string, expected: readonly number[]): void {
  const { shape, dtype } = file.entry(name);
  if (shape.join() !== expected.join()) {
    throw new UserError(
      `${file.path}: tensor "${name}" has shape [${shape.join(', ')}], but config.json implies [${expected.join(', ')}]`,
    );
  }
  if (!FLOATS.has(dtype)) {
    throw new UserError(
      `${file.path}: tensor "${name}" has type ${dtype}, which are no weights; take the model in bf16, f16 or f32`,
    );
  }
}

function hasOtherHead(files: WeightFiles<SafetensorsReader>): boolean {
  const head = files.byTensor.get(HEAD);
  return head !== undefined && !SafetensorsReader.equal(files.holding(EMBEDDING), EMBEDDING, head, HEAD);
}

/** Reads the config of the model in a directory, with what its weights, if they are there, say about it. */
export function readModelConfig(dir: string): ModelConfig {
  const config = readConfig(dir);
  if (![SINGLE_FILE, INDEX_FILE].some((name) => existsSync(join(dir, name)))) return config;
  using files = new WeightFiles(dir, (path) => new SafetensorsReader(path));
  return checkWeights(files, config);
}
