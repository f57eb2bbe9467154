/** @file Reads and describes low-rank adapters on the disk, in PEFT's format. What is there is checked before memory is taken for it. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SafetensorsReader } from '../torch/safetensorsReader.js';
import { UserError } from '../util/errors.js';
import type { ModelConfig } from './config.js';
import { readJsonObject } from './directory.js';
import { adaptableRows, adapterNames, adapterShapes, modulesNamed, type LoraConfig } from './loraShapes.js';
import { ADAPTER_CONFIG, ADAPTER_FILE, ADAPTER_FOLDER, INDEX_FILE, SINGLE_FILE } from './modelFiles.js';

/** What PEFT writes before the names of the base's modules. */
const PREFIX = 'base_model.model.';

/** Starts that leave the base as it is. Others, such as pissa, take a part of it away, which a reader would have to repeat. */
const STARTS = [true, false, 'gaussian', 'eva', 'orthogonal'];

/** Settings that do not change what a trained adapter computes, or that its tensors say. */
const ELSEWHERE = new Set([
  ...['auto_mapping', 'peft_version', 'revision', 'inference_mode', 'task_type', 'runtime_config'],
  ...['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern', 'lora_dropout'],
  ...['megatron_core', 'qalora_group_size', 'eva_config', 'ensure_weight_tying'],
]);

const description = z.looseObject({
  peft_type: z.literal('LORA'),
  base_model_name_or_path: z.string().min(1).nullish(),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.literal('none').default('none'),
  init_lora_weights: z
    .unknown()
    .default(true)
    .refine((start) => start === null || STARTS.some((known) => known === start)),
});

/** What adapter_config.json says. */
export interface AdapterDescription extends Omit<LoraConfig, 'modules'> {
  /** The name or path of the model that it adapts. */
  base: string | undefined;
}

/** Whether a directory is that of an adapter alone, without its model. */
export const isAdapter = (dir: string): boolean =>
  existsSync(join(dir, ADAPTER_CONFIG)) &&
  ![SINGLE_FILE, INDEX_FILE].some((name) => existsSync(join(dir, name)));

/** Returns the directory of the adapter that a model directory has in it; undefined if it has none. */
export function adapterIn(dir: string): string | undefined {
  const folder = join(dir, ADAPTER_FOLDER);
  return existsSync(join(folder, ADAPTER_CONFIG)) ? realpathSync(folder) : undefined;
}

/** @throws UserError that names what is missing or not supported */
export function readAdapterConfig(dir: string): AdapterDescription {
  const path = join(dir, ADAPTER_CONFIG);
  const json = readJsonObject(path);
  const { success, data, error } = description.safeParse(json);
  if (!success) {
    const key = String(error.issues[0]!.path[0]);
    throw new UserError(
      `${path}: ${key} is ${key in json ? JSON.stringify(json[key]) : 'missing'}, which is not supported; LoRA, rsLoRA and DoRA over matrices are`,
    );
  }
  const known = new Set([...Object.keys(description.shape), ...ELSEWHERE]);
  const isEmpty = (value: unknown): boolean =>
    value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
  const strange = Object.keys(json).find((key) => !known.has(key) && !isEmpty(json[key]));
  if (strange !== undefined)
    throw new UserError(
      `${path}: ${strange} is ${JSON.stringify(json[strange]).slice(0, 200)}, which is not supported; LoRA, rsLoRA and DoRA over matrices are`,
    );
  return {
    ...{ rank: data.r, alpha: data.lora_alpha, rslora: data.use_rslora, dora: data.use_dora },
    base: data.base_model_name_or_path ?? undefined,
  };
}

/** The open file of an adapter. `File` is the kind of reader that `open` makes. */
export interface OpenedAdapter<File> extends Disposable {
  lora: LoraConfig;
  file: File;
}

/**
 * Opens an adapter and compares its file's header with its description and the model that it is for.
 * @throws UserError naming file and tensor
 */
export function openAdapter<File extends SafetensorsReader>(
  dir: string,
  config: ModelConfig,
  open: (path: string) => File,
): OpenedAdapter<File> {
  const { rank, alpha, rslora, dora } = readAdapterConfig(dir);
  const path = join(dir, ADAPTER_FILE);
  if (!existsSync(path)) throw new UserError(`${dir} has ${ADAPTER_CONFIG}, but no ${ADAPTER_FILE}`);
  const file = open(path);
  try {
    const lora = checkAdapter(file, { rank, alpha, rslora, dora }, config);
    const dispose = file[Symbol.dispose].bind(file);
    return { file, lora, [Symbol.dispose]: dispose };
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}

function checkAdapter(
  file: SafetensorsReader,
  described: Omit<LoraConfig, 'modules'>,
  config: ModelConfig,
): LoraConfig {
  const { entries, path } = file;
  // Which modules have an adapter, the tensors say: target_modules may be a pattern.
  const modules = adaptableRows(config)
    .map(({ module }) => module)
    .filter((module) => Object.values(adapterNames(module)).some((name) => entries.has(fileName(name))));
  if (modules.length === 0)
    throw new UserError(`${path} has no adapter of a ${config.family} model's projections`);
  const lora = { ...described, modules };
  const shapes = adapterShapes(config, lora);
  for (const [name, shape] of shapes) {
    const { shape: found, dtype } = file.entry(fileName(name));
    if (found.join() !== shape.join())
      throw new UserError(
        `${path}: tensor "${fileName(name)}" has shape [${found.join(', ')}], but ${ADAPTER_CONFIG} and its model imply [${shape.join(', ')}]`,
      );
    if (!/^B?F\d+$/.test(dtype))
      throw new UserError(`${path}: tensor "${fileName(name)}" has type ${dtype}, which are no weights`);
  }
  for (const name of entries.keys())
    if (!name.startsWith(PREFIX) || !shapes.has(name.slice(PREFIX.length)))
      throw new UserError(
        `${path}: tensor "${name}" is not supported; adapters are of the projections of attention and MLP`,
      );
  return lora;
}

/** A parameter's name in files. */
export const fileName = (name: string): string => `${PREFIX}${name}`;

/** Describes an adapter as PEFT does. @param base the name or path of its model */
export function adapterConfig(
  { rank, alpha, rslora, dora, modules }: LoraConfig,
  config: ModelConfig,
  base: string,
): object {
  const lasts = [...new Set(modules.map((module) => module.split('.').at(-1)!))].sort();
  const isEveryLayer = modulesNamed(config, lasts).length === modules.length;
  return {
    ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', base_model_name_or_path: base, inference_mode: true },
    ...{ r: rank, lora_alpha: alpha, lora_dropout: 0, use_rslora: rslora, use_dora: dora, bias: 'none' },
    target_modules: isEveryLayer ? lasts : modules,
  };
}
