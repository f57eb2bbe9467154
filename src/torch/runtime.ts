/** @file Controls libtorch for the process: threads, random generators, devices and memory. */
import { readFileSync } from 'node:fs';
import { UserError } from '../util/errors.js';
import { backward, enableGrad } from './autograd.js';
import { CUDA_LIBRARIES, native } from './native.js';
import { noCuda } from './noCuda.js';
import * as ops from './ops.js';
import { scope, Tensor } from './tensor.js';
import { threadCount } from './threads.js';

/**
 * Sets how many threads an operator may use on the CPU; by default OMP_NUM_THREADS, or as many as there are physical
 * cores for this process. It holds for the calling thread: call it in every worker.
 */
export function setThreads(count: number = threadCount()): void {
  native.setThreads(count);
}

export const threads = (): number => native.threads();
export const torchVersion = (): string => native.version();

/** Has the system kill this process as soon as the process `starter`, which started it, has ended. */
export function endWith(starter: number): void {
  native.endWith(starter);
}

/**
 * Runs `work` so that a GPU computes the same bits in every run: operators add in one order, at some cost in speed. One that has no
 * such order throws, as `cumsum` does, by which sampling chooses. The CPU's results are the same bits anyway.
 */
export async function deterministically<T>(work: () => Promise<T>): Promise<T> {
  process.env.CUBLAS_WORKSPACE_CONFIG ??= ':4096:8'; // which cuBLAS reads when it is first used
  const before = native.isDeterministic();
  native.setDeterministic(true);
  try {
    return await work();
  } finally {
    native.setDeterministic(before);
  }
}

/** Seeds the generators of every device. */
export function seed(value: number): void {
  native.seed(value);
}

/** Returns the state of a device's random generator as a u8 tensor. */
export const rngState = (device: string): Tensor => new Tensor(native.rngState(device));

export function setRngState(device: string, state: Tensor): void {
  native.setRngState(device, state.handle);
}

/**
 * Makes `device` ("cpu", "cuda", "cuda:1") usable.
 * @throws UserError where this machine or this libtorch has no such device, or it cannot compute
 */
export function openDevice(device: string): void {
  if (device === 'cpu') return;
  if (!/^cuda(:\d+)?$/.test(device))
    throw new UserError(`device "${device}" is not known: use cpu, cuda or cuda:N`);
  const count = cudaDevices();
  const index = Number(device.split(':')[1] ?? 0);
  if (index >= count)
    throw new UserError(`device ${device} does not exist: this machine has ${count} CUDA devices`);
  try {
    native.setDevice(device);
    scope(() => {
      // Whether it computes shows only when it does. The backward pass opens the device in autograd's own thread.
      const x = ops.ones([], { dtype: 'f32', device });
      x.requiresGrad = true;
      enableGrad(() => {
        backward([ops.mul(x, x)]);
      });
      return x.grad!.item();
    });
  } catch (error) {
    throw noCuda(error);
  }
}

/** Counts the CUDA devices, of which there is at least one. */
function cudaDevices(): number {
  try {
    // They are loaded already, or the reason why they are not is found here: of a half that is loaded in part a count says nothing.
    for (const library of CUDA_LIBRARIES) native.loadLibrary(library);
    return native.deviceCount('cuda');
  } catch (error) {
    throw noCuda(error);
  }
}

/** Waits until the device has finished its work. */
export const synchronize = (device: string): void => {
  native.synchronize(device);
};

/** Bytes of a GPU's caching allocator, or of this process on the CPU. */
export interface MemoryStats {
  allocated: number;
  peakAllocated: number;
}

/** Returns the memory of `device`. The CPU's figures are this process's resident set and its high-water mark. */
export function memoryStats(device: string): MemoryStats {
  if (device === 'cpu') {
    const status = readFileSync('/proc/self/status', 'utf8');
    const bytes = (field: string) =>
      Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN) * 1024;
    return { allocated: bytes('VmRSS'), peakAllocated: bytes('VmHWM') };
  }
  const [allocated = NaN, peakAllocated = NaN] = native.memoryStats(device);
  return { allocated, peakAllocated };
}

/** Gives freed memory back to the system, for use after a model is disposed; the C allocator keeps it otherwise. */
export function trimMemory(): void {
  native.trimMemory();
}
