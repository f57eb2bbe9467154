/** @file Runs collectives over processes that torchrun, or a launcher with its environment names, has started. */
import { deserialize, serialize } from 'node:v8';
import { messageOf, UserError } from '../util/errors.js';
import { fromArray, fromBytes, toBytes, toFloat64Array } from './data.js';
import { LostMember, TorchError } from './errors.js';
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

  /**
   * Waits until all members are there.
   * @param timeoutSeconds how long a collective waits for the others
   * @throws UserError where one of them does not come or cannot be reached, or the port is taken; LostMember where one ends meanwhile
   */
  constructor(environment: LaunchEnvironment, timeoutSeconds = 1800) {
    this.rank = environment.rank;
    this.localRank = environment.localRank;
    this.#timeoutSeconds = timeoutSeconds;
    this.world = environment.world;
    const serve = environment.rank === 0 && !environment.agentStore;
    const { host, port, rank, world, attempt, joinSeconds } = environment;
    this.#name = `redistill-${attempt}-${ProcessGroup.#count++}`;
    try {
      native.initGroup(this.#name, host, port, serve, rank, world, joinSeconds, timeoutSeconds);
    } catch (error) {
      throw notJoined(error, environment, serve);
    }
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

  /**
   * Adds up a flat tensor of as many equal parts as there are members, in its own place on a CPU, where Gloo's reduce-scatter would copy it.
   * @returns this member's part of the sum: there a view of it
   */
  sumParts(tensor: Tensor): Tensor {
    if (tensor.device !== 'cpu') return this.reduceScatter(tensor);
    scope(() => {
      for (const [first, count] of pieces(tensor.elements))
        this.allReduce(ops.narrow(tensor, 0, first, count));
    });
    const own = tensor.elements / this.world;
    return ops.narrow(tensor, 0, this.rank * own, own);
  }

  /** Puts the members' parts into a flat tensor that has room for all of them. @param part this member's, which may lie there */
  gatherParts(part: Tensor, whole: Tensor): void {
    for (const [first, count] of pieces(part.elements, Math.ceil(MESSAGE_NUMBERS / this.world)))
      scope(() => {
        const all = this.allGather(ops.narrow(part, 0, first, count));
        for (let member = 0; member < this.world; member++)
          ops.copy_(
            ops.narrow(whole, 0, member * part.elements + first, count),
            ops.narrow(all, 0, member * count, count),
          );
      });
  }

  /** Replaces `tensor` with member `source`'s. */
  broadcast(tensor: Tensor, source = 0): void {
    this.#wait(() => ops.broadcast_(tensor, source, this.#name));
  }

  /** Returns the members' flat tensors, concatenated, at rank 0; nothing elsewhere, where no more than a piece of one of them is in memory. */
  toFirst(tensor: Tensor): Tensor | undefined {
    const { dtype, device, elements } = tensor;
    return scope(() => {
      const all = this.rank === 0 ? ops.empty([this.world * elements], { dtype, device }) : undefined;
      for (let source = 0; source < this.world; source++)
        for (const [first, count] of pieces(elements))
          scope(() => {
            const isMine = source === this.rank;
            const piece = isMine
              ? ops.clone(ops.narrow(tensor, 0, first, count))
              : ops.empty([count], { dtype, device });
            if (source > 0) this.broadcast(piece, source);
            if (all) ops.copy_(ops.narrow(all, 0, source * elements + first, count), piece);
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
      throw new LostMember(`another rank, for which it waited, has ended (${messageOf(error)})`);
    }
  }

  [Symbol.dispose](): void {
    native.destroyGroup(this.#name);
  }
}

/** Numbers of a message: so many that its delay is nothing beside its time, and that copies of it are nothing beside a model. */
export const MESSAGE_NUMBERS = 2 ** 22;

/** Cuts so many numbers into messages of so many at most. */
const pieces = (elements: number, most = MESSAGE_NUMBERS): [first: number, count: number][] =>
  Array.from({ length: Math.ceil(elements / most) }, (_, i) => [
    i * most,
    Math.min(most, elements - i * most),
  ]);

/** Says why a group did not come together; whoever reports it says of which rank. */
function notJoined(error: unknown, environment: LaunchEnvironment, serve: boolean): unknown {
  if (!(error instanceof TorchError) || error.code === 'ERR_ARGUMENT') return error;
  const { host, port, world, joinSeconds } = environment;
  const place = `${host}:${port} (MASTER_ADDR, MASTER_PORT)`;
  const reason = error.message.replace(/^initGroup: /, '');
  const refuse = (sentence: string) => new UserError(sentence, { cause: error });
  if (error.code === 'ERR_ABSENT') {
    const absent = reason.split(',');
    const who = absent.length === 1 ? `rank ${reason} has` : `ranks ${absent.join(', ')} have`;
    return refuse(
      `of ${world} processes (WORLD_SIZE) ${who} not come to ${place} within ${joinSeconds} s: start all of them, and look at what they have said (REDISTILL_JOIN_SECONDS sets how long one waits)`,
    );
  }
  if (error.code === 'ERR_CONNECT')
    return refuse(
      `the ranks have found each other at ${place}, and cannot connect to one another: GLOO_SOCKET_IFNAME names the network device that they do so by (${reason.split('\n', 1)[0]})`,
    );
  if (serve && /EADDRINUSE|already in use/i.test(reason))
    return refuse(
      `port ${port} (MASTER_PORT) is taken by another process: name a free one, the same at all ranks`,
    );
  if (/reset by peer|broken pipe|connection was (?:likely )?closed|failed to recv|recvValue/i.test(reason))
    return new LostMember(`rank 0, for which it waited at ${place}, has ended`, { cause: error });
  return refuse(
    `rank 0 cannot be reached at ${place} within ${joinSeconds} s: start it there, and name it by an address that leads to it from here (a process that is to train alone has no WORLD_SIZE)`,
  );
}
