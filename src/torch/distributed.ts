/** @file Runs collectives over processes that torchrun, or a launcher with its environment names, has started. */
import { deserialize, serialize } from 'node:v8';
import { messageOf } from '../util/errors.js';
import { fromArray, fromBytes, toBytes, toFloat64Array } from './data.js';
import { LostMember } from './errors.js';
import type { LaunchEnvironment } from './launch.js';
import { native } from './native.js';
import { addNccl } from './nccl.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

/**
 * Processes that compute together. Collectives block; every member makes the same calls in the same order.
 * @throws LostMember from a collective of which a member has ended
 */
export class ProcessGroup implements Disposable {
  static #count = 0;
  readonly #name: string;
  readonly rank: number;
  readonly localRank: number;
  readonly world: number;
  readonly #timeoutSeconds: number;

  constructor(environment: LaunchEnvironment, timeoutSeconds = 1800) {
    this.rank = environment.rank;
    this.localRank = environment.localRank;
    this.#timeoutSeconds = timeoutSeconds;
    this.world = environment.world;
    const serve = environment.rank === 0 && !environment.agentStore;
    const { host, port, rank, world, attempt } = environment;
    this.#name = `redistill-${attempt}-${ProcessGroup.#count++}`;
    native.initGroup(this.#name, host, port, serve, rank, world, timeoutSeconds);
  }

  /**
   * Lets collectives take CUDA tensors beside those on the CPU. Each member has made its own device the current one.
   * @throws UserError where NCCL's addon is not there or finds no GPU
   */
  useCuda(): void {
    addNccl(this.#name, this.#timeoutSeconds);
  }

  /** Replaces `tensor` with the sum over all members. */
  allReduce(tensor: Tensor): void {
    this.#wait(() => ops.allReduce_(tensor, 'sum', this.#name));
  }

  /** Returns the members' tensors, concatenated along the first dimension: [n, …] → [world · n, …]. */
  allGather(tensor: Tensor): Tensor {
    return this.#wait(() => ops.allGather(tensor, this.world, this.#name));
  }

  /** Returns this member's part of the sum over all members: [world · n, …] → [n, …]. */
  reduceScatter(tensor: Tensor): Tensor {
    return this.#wait(() => ops.reduceScatter(tensor, 'sum', this.world, this.#name));
  }

  /** Replaces `tensor` with member `source`'s. */
  broadcast(tensor: Tensor, source = 0): void {
    this.#wait(() => ops.broadcast_(tensor, source, this.#name));
  }

  /** Returns the members' tensors, concatenated, at rank 0; nothing elsewhere, where no more than one of them is in memory. */
  toFirst(tensor: Tensor): Tensor | undefined {
    const { dtype, device, elements } = tensor;
    return scope(() => {
      const all = this.rank === 0 ? ops.empty([this.world * elements], { dtype, device }) : undefined;
      for (let source = 0; source < this.world; source++)
        scope(() => {
          const piece = source === this.rank ? ops.clone(tensor) : ops.empty([elements], { dtype, device });
          if (source > 0) this.broadcast(piece, source);
          if (all) ops.copy_(ops.narrow(all, 0, source * elements, elements), piece);
        });
      return all;
    });
  }

  /** Returns what each member gives, in the order of their ranks: anything that can be cloned, typed arrays included. */
  gather<T>(value: T): T[] {
    return scope(() => {
      const bytes = serialize(value);
      const sizes = toFloat64Array(this.allGather(fromArray(Float64Array.of(bytes.length))));
      const most = Math.max(...sizes);
      const padded = new Uint8Array(most);
      padded.set(bytes);
      // A copy: what is read from it may stay in its memory.
      const all = Buffer.from(toBytes(this.allGather(fromBytes(padded, [most], 'u8'))));
      return Array.from(
        sizes,
        (size, rank) => deserialize(all.subarray(rank * most, rank * most + size)) as T,
      );
    });
  }

  #wait(collective: () => Tensor): Tensor {
    try {
      return scope(() => ops.waitTensor(collective()));
    } catch (error) {
      throw new LostMember(
        `rank ${this.rank} waited for another rank, which has ended (${messageOf(error)})`,
      );
    }
  }

  [Symbol.dispose](): void {
    native.destroyGroup(this.#name);
  }
}
