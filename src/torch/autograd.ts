import { native } from './native.js';
import { Tensor } from './tensor.js';

const toHandles = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.handle);

function withGradMode<T>(enabled: boolean, body: () => T): T {
  const before = native.setGradMode(enabled);
  try {
    return body();
  } finally {
    native.setGradMode(before);
  }
}

/** Runs `body` without recording for backward. Per thread; `body` is synchronous. */
export function noGrad<T>(body: () => T): T {
  return withGradMode(false, body);
}

/** Runs `body` with recording, inside a `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGradMode(true, body);
}

/**
 * Backward from `outputs`: adds to `.grad` of every leaf that they depend on. `gradients` are dLoss/dOutput and may be
 * left out for scalars.
 */
export function backward(
  outputs: readonly Tensor[],
  gradients?: readonly Tensor[],
  retainGraph = false,
): void {
  native.backward(toHandles(outputs), gradients ? toHandles(gradients) : null, retainGraph);
}

/** dOutputs/dInputs times `gradients`, one tensor an input; null where an output does not depend on it. */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  gradients?: readonly Tensor[],
  retainGraph = false,
): (Tensor | null)[] {
  return native
    .grad(toHandles(outputs), toHandles(inputs), gradients ? toHandles(gradients) : null, retainGraph)
    .map((handle) => (handle === null ? null : new Tensor(handle)));
}
