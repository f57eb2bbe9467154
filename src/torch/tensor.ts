/** @file Defines Tensor, a handle to a tensor of libtorch, and the scopes that free it. */
import { dtypeOf, type Dtype } from './dtype.js';
import { native, type Handle } from './native.js';

/** Frees tensors that were made outside every scope and are no longer referenced. It is only a safety net. */
const forgotten = new FinalizationRegistry<Handle>((handle) => native.release(handle));

/** Number of open scopes on this thread. */
let depth = 0;

/**
 * A libtorch tensor. It lives until the scope in which it was made ends, or until `dispose`; using it later throws an
 * error that names the operator and the argument.
 */
export class Tensor implements Disposable {
  #shape: readonly number[] | undefined;
  #dtype: Dtype | undefined;

  constructor(readonly handle: Handle) {
    if (depth === 0) forgotten.register(this, handle, this);
  }

  get shape(): readonly number[] {
    return (this.#shape ??= native.shape(this.handle));
  }

  get dtype(): Dtype {
    return (this.#dtype ??= dtypeOf(native.dtype(this.handle)));
  }

  get device(): string {
    return native.device(this.handle);
  }

  /** Returns the size of dimension `i`; a negative one counts from the end. */
  size(i: number): number {
    const size = this.shape.at(i);
    if (size === undefined)
      throw new RangeError(`dimension ${i} of a tensor of shape [${this.shape.join(', ')}]`);
    return size;
  }

  get elements(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** Returns the value of a one-element tensor. Waits for the device. */
  item(): number {
    return native.item(this.handle);
  }

  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }

  set requiresGrad(value: boolean) {
    native.setRequiresGrad(this.handle, value);
  }

  /** The accumulated gradient of a leaf, or null. Setting checks shape, dtype and device. */
  get grad(): Tensor | null {
    const handle = native.getGrad(this.handle);
    return handle === null ? null : new Tensor(handle);
  }

  set grad(value: Tensor | null) {
    native.setGrad(this.handle, value?.handle ?? null);
  }

  /** Describes the tensor as error messages do: `f32[2, 3]`. */
  toString(): string {
    return `${this.dtype}[${this.shape.join(', ')}]`;
  }

  /** Frees the tensor now. Calling it twice does no harm. */
  dispose(): void {
    if (native.release(this.handle)) forgotten.unregister(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Finds the tensors in what a scope returns: in arrays, maps and plain objects, nested to any depth. */
function tensorsIn(value: unknown, found: Tensor[] = []): Tensor[] {
  if (value instanceof Tensor) found.push(value);
  else if (Array.isArray(value)) for (const item of value) tensorsIn(item, found);
  else if (value instanceof Map) for (const item of value.values()) tensorsIn(item, found);
  else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) tensorsIn(item, found);
  }
  return found;
}

/**
 * Runs `body` and frees every tensor made inside, except those in what it returns; they pass to the scope outside.
 * `body` is synchronous: each thread has one stack of scopes, and another task's tensors must not land in this one.
 */
export function scope<T>(body: () => T): T {
  native.scopeBegin();
  depth++;
  let keep: Tensor[] = [];
  try {
    const result = body();
    if (result instanceof Promise) throw new TypeError('scope() takes a synchronous function');
    keep = tensorsIn(result);
    return result;
  } finally {
    depth--;
    native.scopeEnd(keep.map((tensor) => tensor.handle));
    if (depth === 0) for (const tensor of keep) forgotten.register(tensor, tensor.handle, tensor);
  }
}

/** Frees the tensors that a scope keeps when it returns `value`. */
export function disposeAll(value: unknown): void {
  for (const tensor of tensorsIn(value)) tensor.dispose();
}

/** Counts the tensors alive in this process. */
export function liveTensors(): number {
  return native.liveTensors();
}
