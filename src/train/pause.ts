/** @file The places at which a run lets others have their turn and may be stopped. */
import { setImmediate } from 'node:timers/promises';

export class Pause {
  /** Whether the run was stopped here. */
  isStopped = false;

  constructor(readonly signal?: Pick<AbortSignal, 'throwIfAborted'>) {}

  throwIfAborted(): void {
    try {
      this.signal?.throwIfAborted();
    } catch (error) {
      this.isStopped = true;
      throw error;
    }
  }

  readonly before = async (): Promise<void> => {
    await setImmediate(); // gives messages and finalizers their turn, which a synchronous loop would hold back
    this.throwIfAborted();
  };
}
