import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '../../src/models/checkpoint.js';
import { adapterShapes, modulesNamed, type LoraConfig } from '../../src/models/loraShapes.js';
import { loraTargets } from '../../src/models/loraTargets.js';
import { Transformer } from '../../src/models/transformer.js';
import { fromArray } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import * as ops from '../../src/torch/ops.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';
import { Random } from '../../src/util/random.js';
import { familyDir } from './families.js';

/** A family's tiny model with made-up adapters, none of whose matrices is zero. */
export function adapted(
  family: string,
  base: Dtype,
  {
    targets = loraTargets,
    ...settings
  }: Partial<Omit<LoraConfig, 'modules'>> & { targets?: readonly string[] } = {},
): Transformer {
  const { model } = loadModel(familyDir(family), { dtype: base });
  const { config, parameters } = model;
  const modules = modulesNamed(config, targets);
  const lora = { rank: 4, alpha: 6, rslora: false, dora: false, ...settings, modules };
  const random = new Random(5);
  const wide = base === 'f64' ? 'f64' : 'f32';
  const made = Array.from(adapterShapes(config, lora), ([name, shape]): [string, Tensor] => {
    const values = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
      const value = 2 * random.nextFloat() - 1;
      return name.endsWith('magnitude_vector') ? 1 + value / 2 : value / 4;
    });
    return [name, scope(() => ops.toDtype(fromArray(values, shape), wide))];
  });
  return new Transformer(config, new Map([...parameters, ...made]), undefined, undefined, lora);
}

/** Copies an adapter's folder and names another base in it. */
export function adaptedFolder(from: string, to: string, { base }: { base: string }): string {
  cpSync(from, to, { recursive: true });
  const path = join(to, 'adapter_config.json');
  const json = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...json, base_model_name_or_path: base }));
  return to;
}
