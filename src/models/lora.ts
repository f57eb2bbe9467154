/** @file Computes with low-rank adapters: `loraShapes.ts` says which there are. Reads no files. */
import { noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { eachNorm } from '../torch/optim.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { Linear } from './arithmetic.js';
import type { ModelConfig } from './config.js';
import { adaptableRows, adapterNames, scaleOf, type AdaptedRows, type LoraConfig } from './loraShapes.js';

/** The adapter of a module; with DoRA, its magnitudes and the norms of the rows that they are given to. */
interface Adapter extends AdaptedRows {
  a: Tensor;
  b: Tensor;
  magnitude?: Tensor;
  norms?: Tensor;
}

/** A projection's own weight. */
interface Projection {
  weight: Tensor;
  bias: Tensor | undefined;
  /** As in `Linear`. */
  sum: Tensor | undefined;
}

/** The adapters of a model. Their tensors are among the model's parameters. */
export class Adapters implements Disposable {
  readonly #scale: number;
  /** Of each projection, in the order of its rows. */
  readonly #of = new Map<string, Adapter[]>();

  constructor(
    config: ModelConfig,
    readonly lora: LoraConfig,
    readonly parameters: ReadonlyMap<string, Tensor>,
    /** As in `Transformer`. */
    readonly sums?: ReadonlyMap<string, Tensor>,
  ) {
    this.#scale = scaleOf(lora);
    const adapted = new Set(lora.modules);
    for (const rows of adaptableRows(config)) {
      if (!adapted.has(rows.module)) continue;
      const names = adapterNames(rows.module);
      const [a, b, magnitude] = [names.a, names.b, names.magnitude].map((name) => parameters.get(name));
      const adapter: Adapter = {
        ...{ ...rows, a: a!, b: b! },
        ...(magnitude && { magnitude, norms: ops.zerosLike(magnitude) }),
      };
      this.#of.set(rows.parameter, [...(this.#of.get(rows.parameter) ?? []), adapter]);
    }
    this.refresh();
  }

  /** The names of the parameters of a projection's adapters. */
  namesOf(projection: string): string[] {
    return (this.#of.get(projection) ?? []).flatMap(({ module, magnitude }) => {
      const names = adapterNames(module);
      return [names.a, names.b, ...(magnitude ? [names.magnitude] : [])];
    });
  }

  /** Whether the model computes what it would without them, as it does before their training. */
  get areIdle(): boolean {
    const all = [...this.#all()];
    const areZero = eachNorm(all.map(({ b }) => b)).every((norm) => norm === 0);
    return areZero && all.every(({ magnitude, norms }) => !magnitude || ops.equal(magnitude, norms!));
  }

  /**
   * Takes the norms of the rows again after weights have changed. The gradient does not go through them, as in section 4.3 of the
   * paper, so that they are the same for all of a step.
   */
  refresh(): void {
    if (!this.lora.dora) return;
    noGrad(() => {
      for (const adapter of this.#all())
        scope(() => {
          const merged = this.#merged(adapter);
          ops.copy_(adapter.norms!, ops.sqrt(ops.sumDim(ops.mul(merged, merged), [1])));
        });
    });
  }

  /** Sets the magnitudes to the norms of the rows, as they are before training. */
  startMagnitudes(): void {
    noGrad(() => {
      scope(() => {
        for (const { magnitude, norms } of this.#all()) if (magnitude) ops.copy_(magnitude, norms!);
      });
    });
  }

  /** Puts into the projections' weights what they and the adapters compute together. */
  merge(): void {
    scope(() => {
      noGrad(() => {
        for (const adapter of this.#all())
          scope(() => {
            const merged = this.#merged(adapter);
            const { magnitude, norms } = adapter;
            if (magnitude) ops.mul_(merged, ops.unsqueeze(ops.div(magnitude, norms!), 1));
            ops.copy_(this.#weight(adapter), merged);
          });
      });
    });
  }

  /** Computes a projection: x · (W + s·B·A)ᵀ + bias. With DoRA each row of the matrix is given its magnitude. */
  project(parameter: string, x: Tensor, { weight, bias, sum }: Projection, linear: Linear): Tensor {
    const adapters = this.#of.get(parameter);
    const product = linear(x, weight, bias, sum);
    if (!adapters) return product;
    return scope(() => {
      const update = this.#update(adapters, x, weight.size(0), linear);
      if (!this.lora.dora) return ops.add_(product, update);
      const own = bias ? ops.sub(product, bias) : product;
      const scaled = ops.mul(ops.add(own, update), gainOf(adapters, weight.size(0)));
      // In this order nothing is changed, to the last bit, where all gains are one.
      return ops.toDtype(bias ? ops.add(product, ops.sub(scaled, own)) : scaled, x.dtype);
    });
  }

  /** Computes x · (s·B·A)ᵀ for all rows of a projection: zeros where there is no adapter. */
  #update(adapters: readonly Adapter[], x: Tensor, rows: number, linear: Linear): Tensor {
    const { dtype, device } = x;
    return inRows(adapters, rows, 1, {
      of: ({ module, a, b }) => {
        const names = adapterNames(module);
        const low = linear(x, a, undefined, this.sums?.get(names.a));
        return linear(ops.mulScalar(low, this.#scale), b, undefined, this.sums?.get(names.b));
      },
      gap: (count) => ops.zeros([x.size(0), count], { dtype, device }),
    });
  }

  *#all(): Generator<Adapter> {
    for (const adapters of this.#of.values()) yield* adapters;
  }

  /** The module's own weight. */
  #weight({ parameter, row, rows }: Adapter): Tensor {
    return ops.narrow(this.parameters.get(parameter)!, 0, row, rows);
  }

  /** Computes W + s·B·A of a module in float32, or float64. */
  #merged(adapter: Adapter): Tensor {
    return scope(() => {
      const own = this.#weight(adapter);
      const wide = own.dtype === 'f64' ? 'f64' : 'f32';
      const [a, b] = [adapter.a, adapter.b].map((factor) => ops.toDtype(factor, wide)) as [Tensor, Tensor];
      return ops.add(ops.mulScalar(ops.mm(b, a), this.#scale), ops.toDtype(own, wide));
    });
  }

  [Symbol.dispose](): void {
    for (const { norms } of this.#all()) norms?.dispose();
  }
}

/** Joins what adapters give their rows of a projection along dimension `dim`, with something else for those between them. */
function inRows(
  adapters: readonly Adapter[],
  rows: number,
  dim: number,
  { of, gap }: { of: (adapter: Adapter) => Tensor; gap: (count: number) => Tensor },
): Tensor {
  const pieces: Tensor[] = [];
  let row = 0;
  for (const adapter of adapters) {
    if (adapter.row > row) pieces.push(gap(adapter.row - row));
    pieces.push(of(adapter));
    row = adapter.row + adapter.rows;
  }
  if (rows > row) pieces.push(gap(rows - row));
  return pieces.length === 1 ? pieces[0]! : ops.cat(pieces, dim);
}

/** What DoRA multiplies the rows of a projection by: magnitude over norm, and one where there is no adapter. */
function gainOf(adapters: readonly Adapter[], rows: number): Tensor {
  const { dtype, device } = adapters[0]!.norms!;
  return inRows(adapters, rows, 0, {
    of: ({ magnitude, norms }) => ops.div(magnitude!, norms!),
    gap: (count) => ops.ones([count], { dtype, device }),
  });
}
