/** @file Runs collectives over processes that torchrun, or a launcher with its environment names, has started. */
import { UserError } from '../util/errors.js';
import { native } from './native.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

/** Values that a launcher puts into the environment, under torchrun's names. */
export interface LaunchEnvironment {
  rank: number;
  world: number;
  host: string;
  port: number;
  /** Whether the launcher's agent already serves the store on that port, so that rank 0 joins as a client. */
  agentStore: boolean;
  /** How often the launcher has restarted the group; its store still holds the keys of earlier attempts. */
  attempt: number;
}

/** Reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; undefined when the process was started alone. */
export function launchEnvironment(env: NodeJS.ProcessEnv = process.env): LaunchEnvironment | undefined {
  if (env.WORLD_SIZE === undefined) return undefined;
  const whole = (name: string): number => {
    const value = Number(env[name]);
    if (env[name] === undefined || !Number.isInteger(value) || value < 0) {
      throw new UserError(
        `the environment variable ${name} must be a whole number, not "${env[name] ?? ''}"`,
      );
    }
    return value;
  };
  const port = whole('MASTER_PORT');
  if (port < 1 || port > 65_535)
    throw new UserError(`the environment variable MASTER_PORT must be a port, from 1 to 65535, not ${port}`);
  const rank = whole('RANK');
  const world = whole('WORLD_SIZE');
  if (rank >= world) throw new UserError(`RANK ${rank} must be below WORLD_SIZE ${world}`);
  return {
    rank,
    world,
    host: env.MASTER_ADDR ?? '127.0.0.1',
    port,
    agentStore: env.TORCHELASTIC_USE_AGENT_STORE === 'True',
    attempt: env.TORCHELASTIC_RESTART_COUNT === undefined ? 0 : whole('TORCHELASTIC_RESTART_COUNT'),
  };
}

/** Processes that compute together. Collectives block; every member makes the same calls in the same order. */
export class ProcessGroup implements Disposable {
  static #count = 0;
  readonly #name: string;
  readonly rank: number;
  readonly world: number;

  constructor(environment: LaunchEnvironment, timeoutSeconds = 1800) {
    this.rank = environment.rank;
    this.world = environment.world;
    const serve = environment.rank === 0 && !environment.agentStore;
    const { host, port, rank, world, attempt } = environment;
    this.#name = `redistill-${attempt}-${ProcessGroup.#count++}`;
    native.initGroup(this.#name, host, port, serve, rank, world, timeoutSeconds);
  }

  /** Replaces `tensor` with the sum over all members. */
  allReduce(tensor: Tensor): void {
    scope(() => ops.waitTensor(ops.allReduce_(tensor, 'sum', this.#name)));
  }

  /** Returns the members' tensors, concatenated along the first dimension: [n, …] → [world · n, …]. */
  allGather(tensor: Tensor): Tensor {
    return scope(() => ops.waitTensor(ops.allGather(tensor, this.world, this.#name)));
  }

  /** Returns this member's part of the sum over all members: [world · n, …] → [n, …]. */
  reduceScatter(tensor: Tensor): Tensor {
    return scope(() => ops.waitTensor(ops.reduceScatter(tensor, 'sum', this.world, this.#name)));
  }

  /** Replaces `tensor` with member `source`'s. */
  broadcast(tensor: Tensor, source = 0): void {
    scope(() => ops.waitTensor(ops.broadcast_(tensor, source, this.#name)));
  }

  [Symbol.dispose](): void {
    native.destroyGroup(this.#name);
  }
}
