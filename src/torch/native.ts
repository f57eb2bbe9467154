/** @file Loads the addon and declares its functions. Nothing outside src/torch imports it. */
import { createRequire } from 'node:module';
import { addonPath } from '../setup/record.js';
import { messageOf, UserError } from '../util/errors.js';
import { explain } from './errors.js';

/** A tensor's number in the addon: generation · 2²² + slot. */
export type Handle = number;

/** A value that the addon takes for a schema's argument or returns for a result. */
export type NativeValue =
  number | bigint | boolean | string | null | undefined | readonly NativeValue[] | NativeValue[];

/** The addon's functions: the whole contract between C++ and TypeScript. */
export interface Native {
  scopeBegin(): void;
  scopeEnd(keep: readonly Handle[]): void;
  release(tensor: Handle): boolean;
  liveTensors(): number;

  resolve(name: string): number | undefined;
  schema(op: number): string;
  listOps(prefix: string): string[];
  call(op: number, ...args: NativeValue[]): NativeValue;

  fromBuffer(data: ArrayBufferView, shape: readonly number[], dtype: number): Handle;
  toBuffer(tensor: Handle): ArrayBuffer;
  shape(tensor: Handle): number[];
  dtype(tensor: Handle): number;
  device(tensor: Handle): string;
  item(tensor: Handle): number;

  backward(outputs: Handle[], gradients: (Handle | null)[] | null, retain: boolean): void;
  grad(
    outputs: Handle[],
    inputs: Handle[],
    gradients: (Handle | null)[] | null,
    retain: boolean,
  ): (Handle | null)[];
  getGrad(tensor: Handle): Handle | null;
  setGrad(tensor: Handle, gradient: Handle | null): void;
  setRequiresGrad(tensor: Handle, requires: boolean): void;
  requiresGrad(tensor: Handle): boolean;
  setGradMode(enabled: boolean): boolean;

  setThreads(count: number): void;
  threads(): number;
  seed(seed: number | bigint): void;
  rngState(device: string): Handle;
  setRngState(device: string, state: Handle): void;
  version(): string;
  setDeterministic(on: boolean): void;
  isDeterministic(): boolean;
  trimMemory(): boolean;
  endWith(pid: number): void;

  loadLibrary(path: string): void;
  deviceCount(type: string): number;
  setDevice(device: string): void;
  capability(device: string): number;
  synchronize(device: string): void;
  memoryStats(device: string): number[];
  resetPeakMemory(device: string): void;
  emptyCache(device: string): void;
  newStream(device: string): number;
  currentStream(device: string): number;
  setStream(stream: number): void;
  recordEvent(stream: number): number;
  waitEvent(stream: number, event: number): void;
  releaseEvent(event: number): void;

  initGroup(
    name: string,
    host: string,
    port: number,
    serve: boolean,
    rank: number,
    world: number,
    joinSeconds: number,
    timeoutSeconds: number,
  ): void;
  destroyGroup(name: string): void;

  writeParts(fd: number, parts: readonly Uint8Array[]): Promise<[errno: number, written: number]>;
}

/** The CUDA half of libtorch. The loader finds it through the addon's run path, beside the CPU half. */
export const CUDA_LIBRARIES = ['libc10_cuda.so', 'libtorch_cuda.so'] as const;

/**
 * Settings that libraries read from the environment when the addon loads them. A user's own values take precedence.
 * - libgomp: a waiting thread spins this many turns (tens of microseconds) before it sleeps. By default it spins for
 *   milliseconds, which stalls both processes when another one needs a core; not spinning costs a wake-up per
 *   operation.
 * - A GPU's memory: packs have ever new shapes, which pieces of fixed size leave holes between.
 * - oneDNN and its wrapper keep memory for each of the last 1,024 shapes of a bf16 product, and packs keep having new
 *   shapes.
 */
const environment = {
  ...(process.env.OMP_WAIT_POLICY === undefined && { GOMP_SPINCOUNT: '5000' }),
  // Its older name takes precedence as well.
  ...(process.env.PYTORCH_CUDA_ALLOC_CONF === undefined && {
    PYTORCH_ALLOC_CONF: 'expandable_segments:True',
  }),
  LRU_CACHE_CAPACITY: '64',
  ONEDNN_PRIMITIVE_CACHE_CAPACITY: '64',
};

function load(): Native {
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;
  const addon = loadAddon(addonPath());
  loadCudaHalf(addon);
  return Object.fromEntries(
    Object.entries(addon).map(([name, run]) => [name, name === 'call' ? run : explained(name, run as Call)]),
  ) as unknown as Native;
}

function loadAddon(path: string): Native {
  try {
    return createRequire(import.meta.url)(path) as Native;
  } catch (error) {
    const reason = messageOf(error).split('\n', 1)[0]!;
    throw new UserError(
      `the addon ${path} cannot be loaded (${reason}): run \`redistill setup\`, which mends it`,
    );
  }
}

/**
 * Loads libtorch's CUDA half, which registers its operators and devices, where it lies beside the CPU half. libtorch asks
 * only once whether it is there, at the first seed or backward pass of the process: later it would be of no use.
 */
function loadCudaHalf(addon: Native): void {
  try {
    for (const library of CUDA_LIBRARIES) addon.loadLibrary(library);
  } catch {
    // Who wants CUDA loads it again (`openDevice`) and gets the reason.
  }
}

type Call = (...args: unknown[]) => unknown;

/** Any of them may run out of memory. `call` is explained by `invoke`, which knows the operator and its arguments. */
function explained(name: string, run: Call): Call {
  return (...args) => {
    try {
      return run(...args);
    } catch (error) {
      throw explain(name, error);
    }
  };
}

export const native: Native = load();
