/** @file Says when two answers without a gold are one. */
import { verify } from '../verify/verify.js';

/** Whether two answers are one by the verifier, which is asked once a pair. */
export function sameByVerifier(): (one: string, other: string) => boolean {
  const known = new Map<string, boolean>();
  return (one, other) => {
    const pair = JSON.stringify([one, other]);
    let same = known.get(pair);
    if (same === undefined) {
      same = verify({ gold: one, pred: `\\boxed{${other}}` }).correct;
      known.set(pair, same);
    }
    return same;
  };
}
