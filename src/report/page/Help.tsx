/** @file What keys do and terms mean. */
import type { RefObject } from 'preact';

const KEYS = [
  ['j, k', 'next problem or row, the one before'],
  ['← →', 'in a response of tokens: the token before, the next'],
  ['/', 'search problems; Enter searches all texts'],
  ['Esc', 'leave the search, a problem, this help'],
  ['?', 'this help'],
] as const;

const TERMS = [
  ['pass@1', 'the share of right responses, each problem with the same weight'],
  ['pass@k', 'the share of problems of which at least one of k samples is right'],
  [
    '95 % interval',
    'values of pass@1 that agree with what was seen; it would hold the true one in 95 of 100 such evaluations',
  ],
  ['gained, lost', 'problems whose share of right responses is higher in B than in A, or lower'],
  ['detectable', 'the difference, in points, that a comparison of this size would most likely have found'],
  ['chosen, rejected', 'the two sides of a pair: what training makes more likely, and less'],
  ['◆', 'where two responses part'],
  ['gradient', 'what a step does to a token: above 0 it becomes likelier, below 0 less likely'],
  ['masked', 'a token that is read and not trained'],
  ['cut off', 'a response that ended at its token limit'],
  ['without answer', 'a response in which the grader read no answer'],
  ['disputed', 'a response that one grader calls right and another wrong'],
  ['‹U+202E›', 'a character that is invisible or steers what is shown, written out'],
] as const;

const list = (entries: readonly (readonly [string, string])[]) => (
  <dl>
    {entries.map(([name, words]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{words}</dd>
      </div>
    ))}
  </dl>
);

export function Help({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} aria-labelledby="help-title">
      <h2 id="help-title">Keys and terms</h2>
      {list(KEYS)}
      {list(TERMS)}
      <p>The address of every view, filter and problem is a link that may be kept.</p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
