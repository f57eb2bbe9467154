/** @file Reads what torchrun, or a launcher with its environment names, says to a process that it has started. */
import { UserError } from '../util/errors.js';

/** Values that a launcher puts into the environment, under torchrun's names. */
export interface LaunchEnvironment {
  rank: number;
  /** Its place among the processes of its machine, which is that of its GPU. */
  localRank: number;
  world: number;
  host: string;
  port: number;
  /** Whether the launcher's agent already serves the store on that port, so that rank 0 joins as a client. */
  agentStore: boolean;
  /** How often the launcher has restarted the group; its store still holds the keys of earlier attempts. */
  attempt: number;
  /** How long a process waits until all are there. */
  joinSeconds: number;
}

/** As long as torchrun waits for its machines. */
const JOIN_SECONDS = 600;

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
    localRank: env.LOCAL_RANK === undefined ? rank : whole('LOCAL_RANK'),
    world,
    host: env.MASTER_ADDR ?? '127.0.0.1',
    port,
    agentStore: env.TORCHELASTIC_USE_AGENT_STORE === 'True',
    attempt: env.TORCHELASTIC_RESTART_COUNT === undefined ? 0 : whole('TORCHELASTIC_RESTART_COUNT'),
    joinSeconds: env.REDISTILL_JOIN_SECONDS === undefined ? JOIN_SECONDS : whole('REDISTILL_JOIN_SECONDS'),
  };
}
