/** @file Exposes libtorch's autograd. A backward pass never calls JavaScript: on a GPU it would deadlock. */
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

/** Runs `body`, which is synchronous, without recording for backward. Affects this thread alone. */
export function noGrad<T>(body: () => T): T {
  return withGradMode(false, body);
}

/** Runs `body` with recording, for use inside a `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGradMode(true, body);
}

/**
 * Runs the backward pass from `outputs`: adds to `.grad` of every leaf that they depend on. `gradients` are
 * dLoss/dOutput; scalars do not need them.
 */
export function backward(
  outputs: readonly Tensor[],
  gradients?: readonly Tensor[],
  retainGraph = false,
): void {
  native.backward(toHandles(outputs), gradients ? toHandles(gradients) : null, retainGraph);
}

/** Returns dOutputs/dInputs times `gradients`, one tensor per input; null where no output depends on it. */
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
