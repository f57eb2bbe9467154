/** @file Ends a response at a text. */
import { UserError } from '../../util/errors.js';
import type { Rule } from './rule.js';

/** What OpenAI's API takes is 4; more cost a search each. */
const MOST = 64;
const LONGEST = 1000;

/**
 * Ends a response where one of these texts first occurs in it; the text does not count, as in OpenAI's API.
 * @throws UserError for an empty text, and for too many or too long ones
 */
export function stopStrings(texts: readonly string[]): Rule {
  if (texts.length > MOST)
    throw new UserError(`${texts.length} stop texts are more than the ${MOST} that are looked for`);
  for (const text of texts) {
    if (text === '') throw new UserError('a stop text is empty, which every response begins with');
    if (text.length > LONGEST)
      throw new UserError(
        `a stop text has ${text.length} characters, more than the ${LONGEST} that are looked for`,
      );
  }
  const longest = Math.max(0, ...texts.map((text) => text.length));
  return {
    name: 'stop texts',
    begin: () => ({
      after({ text, piece }) {
        if (piece === '') return undefined;
        const from = Math.max(0, text.length - piece.length - longest + 1);
        const places = texts.map((stop) => text.indexOf(stop, from)).filter((place) => place >= 0);
        return places.length === 0 ? undefined : { stop: 'stop', keep: Math.min(...places) };
      },
    }),
  };
}
