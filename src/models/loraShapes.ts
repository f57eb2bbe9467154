/**
 * @file Describes low-rank adapters of a model's projections: LoRA (Hu et al. 2021, arXiv:2106.09685), rsLoRA (Kalajdzievski 2023,
 * arXiv:2312.03732) and DoRA (Liu et al. 2024, arXiv:2402.09353), as PEFT has them. Loads no libtorch.
 */
import type { ModelConfig } from './config.js';
import { parameterSpecs } from './parameters.js';

/** What adapters there are, and what they are multiplied by. */
export interface LoraConfig {
  rank: number;
  alpha: number;
  rslora: boolean;
  dora: boolean;
  /** The projections that have one, as files name them: `model.layers.0.self_attn.q_proj`. */
  modules: readonly string[];
}

/** Consecutive rows of one of our projections, which are a module in files. */
export interface AdaptedRows {
  module: string;
  /** The projection's name. */
  parameter: string;
  row: number;
  rows: number;
  columns: number;
}

/** Lists the modules of a model that can have an adapter, in its order. */
export function adaptableRows(config: ModelConfig): AdaptedRows[] {
  return [...parameterSpecs(config)].flatMap(([parameter, { shape, parts }]) => {
    const [, columns] = shape;
    if (!parameter.startsWith('layers.') || columns === undefined) return [];
    let row = 0;
    return parts.map(({ name, rows }) => {
      const found = { module: name.replace(/\.weight$/, ''), parameter, row, rows, columns };
      row += rows;
      return found;
    });
  });
}

/** Lists the modules whose last name is among the targets. */
export const modulesNamed = (config: ModelConfig, targets: readonly string[]): string[] =>
  adaptableRows(config)
    .map(({ module }) => module)
    .filter((module) => targets.includes(module.split('.').at(-1)!));

/** The names of a module's adapter; in files they follow `base_model.model.`. */
export const adapterNames = (module: string) => ({
  a: `${module}.lora_A.weight`,
  b: `${module}.lora_B.weight`,
  magnitude: `${module}.lora_magnitude_vector`,
});

/** Whether a parameter of adapters stays in float32 where the model computes in less: rounded, a magnitude would learn nothing. */
export const staysWide = (name: string): boolean => name.endsWith('.lora_magnitude_vector');

/** Returns the shapes of the adapters' parameters by their names, in the model's order. */
export function adapterShapes(
  config: ModelConfig,
  { rank, dora, modules }: LoraConfig,
): Map<string, readonly number[]> {
  const adapted = new Set(modules);
  return new Map(
    adaptableRows(config)
      .filter(({ module }) => adapted.has(module))
      .flatMap(({ module, rows, columns }): [string, readonly number[]][] => {
        const { a, b, magnitude } = adapterNames(module);
        return [
          [a, [rank, columns]],
          [b, [rows, rank]],
          ...(dora ? [[magnitude, [rows]] as [string, number[]]] : []),
        ];
      }),
  );
}

/** Counts the adapters' parameters. */
export function adapterCount(config: ModelConfig, lora: LoraConfig): number {
  let count = 0;
  for (const shape of adapterShapes(config, lora).values()) count += shape.reduce((a, b) => a * b, 1);
  return count;
}

/** Returns what B·A is multiplied by. */
export const scaleOf = ({ rank, alpha, rslora }: LoraConfig): number =>
  alpha / (rslora ? Math.sqrt(rank) : rank);
