/** @file Shares requests among the addresses of one model, of which some may not answer for a while. Knows no HTTP. */
import pLimit from 'p-limit';

/** One address of the model. */
export interface Address {
  base: URL;
  /** Without what is secret in it. */
  shown: string;
}

interface Member extends Address {
  limit: ReturnType<typeof pLimit>;
  /** Requests that are given to it, those that wait for their turn included. */
  assigned: number;
  /** Rests in a row without an answer in between. */
  failures: number;
  /** Until when nothing is asked of it while others answer, by `performance.now()`. */
  restsUntil: number;
  /** Whether it has been said that it does not answer. */
  isOut: boolean;
}

/** So many rests in a row of a server that answers with errors are worth a sentence; one is, of one that is not there. */
const ERRORS_IN_A_ROW = 3;

/**
 * The addresses of a model. A request goes to the one with the fewest; one that fails rests, for longer each time, and is then
 * tried with a single request. Where all rest, the requests wait; a single address is always asked.
 */
export class Fleet {
  readonly #members: readonly Member[];
  readonly #onNotice: ((sentence: string) => void) | undefined;

  /** @param concurrency requests under way at each address */
  constructor(
    readonly addresses: readonly Address[],
    concurrency: number,
    onNotice?: (sentence: string) => void,
  ) {
    this.#members = addresses.map((address) => ({
      ...address,
      limit: pLimit(concurrency),
      ...{ assigned: 0, failures: 0, restsUntil: -Infinity, isOut: false },
    }));
    this.#onNotice = onNotice;
  }

  /** Gives the work to an address, when it is its turn there. */
  async run<T>(work: (address: Address) => Promise<T>): Promise<T> {
    for (;;) {
      const member = this.#choose();
      member.assigned++;
      try {
        const done = await member.limit(async () => {
          // It may have failed since the request was put in line.
          if (member.failures > 0 && this.#choose(member) !== member) return undefined;
          return { result: await work(member) };
        });
        if (done === undefined) continue;
        this.#answered(member);
        return done.result;
      } finally {
        member.assigned--;
      }
    }
  }

  /**
   * Takes note of an address that failed for a reason that may pass.
   * @param restMs how long it rests, by how often it has failed in a row
   * @returns milliseconds before the request may be given to an address again: 0 while another one is not known to fail
   */
  failed(
    { shown }: Address,
    isAnswer: boolean,
    reason: string,
    restMs: (failures: number) => number,
  ): number {
    const member = this.#members.find((each) => each.shown === shown)!;
    const now = performance.now();
    // What was under way when it began to fail does not make the rest longer.
    if (now >= member.restsUntil) member.restsUntil = now + restMs(++member.failures);
    const others = this.#members.filter((each) => each !== member);
    if (!member.isOut && (!isAnswer || member.failures >= ERRORS_IN_A_ROW)) {
      member.isOut = true;
      this.#onNotice?.(
        `${shown} does not answer (${reason}): its requests go to ${others.map((each) => each.shown).join(', ')}, and it is tried again now and then`,
      );
    }
    if (others.some(({ failures }) => failures === 0)) return 0;
    return Math.max(0, Math.min(...this.#members.map(({ restsUntil }) => restsUntil)) - now);
  }

  #answered(member: Member): void {
    member.failures = 0;
    member.restsUntil = -Infinity;
    if (!member.isOut) return;
    member.isOut = false;
    this.#onNotice?.(`${member.shown} answers again`);
  }

  /**
   * Chooses the address with the fewest requests of those that answer or are to be tried again; where there are none, of all.
   * @param own the address that the request is with already, which does not count it
   */
  #choose(own?: Member): Member {
    const now = performance.now();
    const load = (member: Member) => member.assigned - (member === own ? 1 : 0);
    const usable = this.#members.filter(
      (member) => member.failures === 0 || (now >= member.restsUntil && load(member) === 0),
    );
    return (usable.length > 0 ? usable : this.#members).reduce((least, member) =>
      load(member) < load(least) ? member : least,
    );
  }
}
