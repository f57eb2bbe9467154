// A decoding rule of one's own: the model that ends its turn is asked to look again, once. Try it:
//   redistill generate --model ./student --prompts prompts.jsonl --rules examples/rule.js
// docs/decoding.md says what a rule sees and what it may say. A module is code that runs: name none that you do not trust.
const WAIT = '\nWait, let me check that.';

/** @type {import('redistill/generate').Rule} */
export const rule = {
  // What responses are told to have been ended by, where it ends one.
  name: 'wait',
  // Called for every response, so that what it counts is that response's own.
  begin({ limit }) {
    let asked = 0;
    return {
      end: ({ ids }) => (asked++ < 1 && ids.length < limit / 2 ? { force: WAIT } : undefined),
    };
  },
};
