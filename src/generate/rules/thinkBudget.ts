/** @file Ends thinking that takes too long. */
import type { Codec } from '../pieces.js';
import type { Rule } from './rule.js';

const OPEN = '<think>';
const CLOSE = '</think>';
/** Where a template opens the thinking, it is among the last tokens of the prompt, before what the response begins with. */
const TAIL = 16;
const TAIL_CHARACTERS = 4 * TAIL;

/**
 * Ends thinking by force after so many tokens of the response, so that an answer follows: s1's budget forcing (Muennighoff et al. 2025,
 * arXiv:2501.19393, section 3.1). A response that does not think is left alone.
 */
export function thinkBudget(tokens: number): Rule {
  return {
    name: 'think budget',
    begin({ promptIds, begun, codec }) {
      const isOpen = leavesOpen(endOf(promptIds, begun, codec) + begun);
      return {
        after({ ids, text }) {
          if (ids.length !== tokens || text.includes(CLOSE) || !(isOpen || text.includes(OPEN)))
            return undefined;
          return { force: `\n${CLOSE}\n\n` };
        },
      };
    },
  };
}

const leavesOpen = (text: string): boolean => text.lastIndexOf(OPEN) > text.lastIndexOf(CLOSE);

/** The end of a prompt without what the response begins with. */
function endOf(promptIds: Int32Array, begun: string, codec: Codec): string {
  // A token has a character at least.
  const text = codec.decode(promptIds.slice(-(TAIL + begun.length)));
  if (begun === '') return text;
  return text.slice(0, text.endsWith(begun) ? -begun.length : undefined).slice(-TAIL_CHARACTERS);
}
