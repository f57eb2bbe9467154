/** @file How much of the machine is in use. */
import { cpus, freemem, totalmem, type CpuInfo } from 'node:os';
import type { SystemLoad } from '../live.js';

/** Looks at the machine again and again. */
export class LoadMeter {
  #before = times(cpus());

  look(): SystemLoad {
    const all = cpus();
    const now = times(all);
    const [idle, whole] = [now.idle - this.#before.idle, now.whole - this.#before.whole];
    this.#before = now;
    const total = totalmem();
    return {
      processors: all.length,
      busy: whole > 0 ? Math.min(1, Math.max(0, 1 - idle / whole)) : 0,
      memory: { total, used: total - freemem() },
    };
  }
}

function times(all: readonly CpuInfo[]): { idle: number; whole: number } {
  const sum = (of: (one: CpuInfo['times']) => number) => all.reduce((so, one) => so + of(one.times), 0);
  return {
    idle: sum(({ idle }) => idle),
    whole: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  };
}
