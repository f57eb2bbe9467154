/** @file Loads a model whose adapters are to be trained: new ones, or those that are in its directory. */
import * as ops from '../torch/ops.js';
import { fromArray } from '../torch/data.js';
import { SafetensorsReader } from '../torch/safetensorsReader.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { deriveSeed, Random } from '../util/random.js';
import { adapterIn, openAdapter } from './adapterFiles.js';
import { usual } from './arithmetic.js';
import { freeingAtFault, loadAdapter, loadBase, type LoadedModel, type LoadOptions } from './checkpoint.js';
import type { ModelConfig } from './config.js';
import { adapterShapes, modulesNamed, type LoraConfig } from './loraShapes.js';
import { Transformer } from './transformer.js';

/** What adapters are wanted. */
export interface WantedAdapters extends Omit<LoraConfig, 'modules'> {
  /** The last names of the projections that have one. */
  targets: readonly string[];
  seed: number;
  /** What the saved adapter says of its base: a name or a path. */
  base: string;
}

/**
 * Loads a model directory with adapters over it, in float32, which are not merged. One that is in the directory is gone on with.
 * @param options.dtype of the model itself
 * @throws UserError as `loadModel` does, and where the adapter that is there is another one than is wanted
 */
export function loadAdapted(dir: string, options: LoadOptions, wanted: WantedAdapters): LoadedModel {
  const loaded = loadBase(dir, options);
  return freeingAtFault(loaded.model, () => {
    const { config, parameters, device } = loaded.model;
    const { rank, alpha, rslora, dora, targets, base } = wanted;
    const lora = { rank, alpha, rslora, dora, modules: modulesNamed(config, targets) };
    const there = adapterIn(dir);
    if (there !== undefined) requireSame(there, config, lora);
    const tensors =
      there === undefined
        ? newAdapters(config, lora, { seed: wanted.seed, device })
        : loadAdapter(there, config, device).tensors;
    const model = new Transformer(config, new Map([...parameters, ...tensors]), usual, undefined, lora);
    if (there === undefined) model.adapters!.startMagnitudes();
    return { ...loaded, model, base };
  });
}

/**
 * Draws adapters as PEFT begins them: A uniformly between ±1/√columns, which is Kaiming's at a = √5, and B is zero. Magnitudes are
 * set when the weights are known.
 */
function newAdapters(
  config: ModelConfig,
  lora: LoraConfig,
  { seed, device }: { seed: number; device: string },
): Map<string, Tensor> {
  return scope(
    () =>
      new Map(
        Array.from(adapterShapes(config, lora), ([name, shape]) => {
          if (!name.endsWith('lora_A.weight')) return [name, ops.zeros(shape, { dtype: 'f32', device })];
          const random = new Random(deriveSeed(seed, 'adapter', name));
          const bound = shape[1]! ** -0.5;
          const values = new Float32Array(shape[0]! * shape[1]!).map(
            () => (2 * random.nextFloat() - 1) * bound,
          );
          return [name, ops.toDevice(fromArray(values, shape), device, 'f32')];
        }),
      ),
  );
}

/** The settings of adapters by their names in a recipe. */
const inRecipe = ({ rank, alpha, rslora, dora, modules }: LoraConfig) => ({
  rank,
  alpha,
  use_rslora: rslora,
  use_dora: dora,
  target_modules: [...new Set(modules.map((module) => module.split('.').at(-1)!))].sort(),
});

/** @throws UserError where the adapter that is there is another one than is wanted */
function requireSame(dir: string, config: ModelConfig, wanted: LoraConfig): void {
  using opened = openAdapter(dir, config, (path) => new SafetensorsReader(path));
  const { lora: found } = opened;
  const [there, here] = [inRecipe(found), inRecipe(wanted)];
  for (const key of Object.keys(there) as (keyof typeof there)[]) {
    const [its, ours] = [there, here].map((settings) => JSON.stringify(settings[key]));
    if (its !== ours)
      throw new UserError(
        `lora.${key}: ${dir}, which is gone on with, has ${its} and the recipe ${ours}: set lora.${key} to ${its}, or merge the adapter into its base first (\`redistill models merge\`)`,
      );
  }
  if (found.modules.join() !== wanted.modules.join())
    throw new UserError(
      `${dir} has adapters in some layers only, which cannot be gone on with: merge it into its base first (\`redistill models merge\`)`,
    );
}
