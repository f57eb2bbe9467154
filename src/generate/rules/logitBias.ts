/** @file Adds to the logits of tokens. */
import { UserError } from '../../util/errors.js';
import type { Rule } from './rule.js';

const MOST = 1024;

/**
 * Adds numbers to the logits of tokens before every draw, as `logit_bias` of OpenAI's API does; −Infinity forbids a token.
 * @throws UserError for an id that the model has not, a number that is none, and for too many
 */
export function logitBias(bias: ReadonlyMap<number, number>, vocabSize: number): Rule {
  if (bias.size > MOST)
    throw new UserError(`the logits of ${bias.size} tokens are to change, and at most ${MOST} can`);
  for (const [id, value] of bias) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw new UserError(
        `a bias is given for the token ${id}, and the model has the tokens 0 to ${vocabSize - 1}`,
      );
    if (Number.isNaN(value) || value === Infinity)
      throw new UserError(`the bias of the token ${id} must be a number, not ${value}`);
  }
  return { name: 'logit bias', begin: () => ({ bias: () => bias }) };
}
