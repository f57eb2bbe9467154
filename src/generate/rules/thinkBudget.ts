/** @file Ends thinking that takes too long. */
import type { Rule } from './rule.js';

const OPEN = '<think>';
const CLOSE = '</think>';
/** Where a template opens the thinking, it is among the last tokens of the prompt. */
const TAIL = 16;

/**
 * Ends thinking by force after so many tokens of the response, so that an answer follows: s1's budget forcing (Muennighoff et al. 2025,
 * arXiv:2501.19393, section 3.1). A response that does not think is left alone.
 */
export function thinkBudget(tokens: number): Rule {
  return {
    name: 'think budget',
    begin({ promptIds, codec }) {
      const begun = codec.decode(promptIds.slice(-TAIL));
      const isOpen = begun.lastIndexOf(OPEN) > begun.lastIndexOf(CLOSE);
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
