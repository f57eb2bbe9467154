/** @file What was said of a response: its verdicts, and how it ended. */
import type { Trace } from '../model.js';
import { Name, short } from './text.js';

const WORDS = new Map<boolean | null, readonly [string, string]>([
  [true, ['right', '✓ right']],
  [false, ['wrong', '✗ wrong']],
  [null, ['none', 'no verdict']],
]);

export function Verdicts({ trace: { verdicts, finishReason, tokens } }: { trace: Trace }) {
  return (
    <p class="note">
      {verdicts.map(({ by, right }) => {
        const [kind, words] = WORDS.get(right)!;
        return (
          <span key={by}>
            <span class={`badge ${kind}`}>{words}</span> by <Name of={by} length={40} />{' '}
          </span>
        );
      })}
      {finishReason !== undefined && <>· ended by {short(finishReason, 40)} </>}
      {tokens && `· ${tokens.texts.length.toLocaleString('en')} tokens shown`}
    </p>
  );
}
