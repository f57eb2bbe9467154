import { describe, expect, it } from 'vitest';
import { allLogps, answerOf, placesOf, ranked, type Places } from '../../test/support/scoringServer.js';
import { readPromptLogprobs, scoreRequest, UnusableScores } from './promptLogprobs.js';

const ids = [11, 7, 300, 42, 5];
const textOf = (id: number) => `t${id}`;
const asked = (k = 0, given: Partial<Parameters<typeof readPromptLogprobs>[1]> = {}) => ({
  ...{ ids, from: 2, k, textOf },
  ...given,
});
const body = (k: number) => ({ model: 'big', prompt: ids, max_tokens: 1, prompt_logprobs: k });
/** What vLLM answers, after a change. */
function read(k: number, change: (places: Places) => unknown = (places) => places): unknown {
  return readPromptLogprobs(answerOf(change(placesOf(body(k), textOf))), asked(k));
}
/** Changes the entries of one place. */
const at =
  (place: number, change: (entries: NonNullable<Places[number]>) => unknown) =>
  (places: Places): unknown =>
    places.map((entries, i) => (i === place ? change(entries!) : entries));

it('asks for one token, greedily, and for as many of the likeliest as are wanted', () => {
  const { path, body: sent } = scoreRequest('big', asked(3, { ids: Int32Array.from(ids) }));
  expect(path).toBe('/completions');
  expect(JSON.parse(JSON.stringify(sent))).toEqual({ ...body(3), temperature: 0 });
});

describe('log-probs of a prompt', () => {
  it('are those of its own tokens from the first that is wanted', () => {
    const { logps, likeliest } = readPromptLogprobs(answerOf(placesOf(body(0), textOf)), asked());
    expect([...logps]).toEqual([2, 3, 4].map((place) => allLogps(place)[ids[place]!]));
    expect(likeliest).toEqual([]);
  });

  it.each([1, 3, 20])('have the %d likeliest of each place beside them, likeliest first', (k) => {
    const { logps, likeliest } = readPromptLogprobs(answerOf(placesOf(body(k))), asked(k));
    [2, 3, 4].forEach((place, t) => {
      const all = allLogps(place);
      const best = ranked(all).slice(0, k);
      expect(logps[t]).toBe(all[ids[place]!]);
      expect(likeliest[t]!.ids).toEqual(best);
      expect(likeliest[t]!.logps).toEqual(best.map((id) => all[id]));
    });
  });

  it('leave out the token itself where it is no likeliest one, and keep it where it is', () => {
    const best = ranked(allLogps(2))[0]!;
    const own = { ...asked(2), ids: [11, 7, best], from: 2 };
    const places = placesOf({ ...body(2), prompt: own.ids });
    expect(Object.keys(places[2]!)).toHaveLength(2);
    expect(readPromptLogprobs(answerOf(places), own).likeliest[0]!.ids[0]).toBe(best);
  });

  it('may come from a server without ranks and texts, and be rounded to above 0', () => {
    const bare = placesOf(body(0)).map(
      (place) =>
        place && Object.fromEntries(Object.entries(place).map(([id, { logprob }]) => [id, { logprob }])),
    );
    bare[4] = { 5: { logprob: 1e-7 } };
    expect([...readPromptLogprobs(answerOf(bare), asked()).logps]).toEqual([
      ...[2, 3].map((place) => allLogps(place)[ids[place]!]),
      0,
    ]);
  });

  it.each([
    ['a space that is not told', 't300', ' t300'],
    ['half of a character', '\ufffd', 'é'],
    ['a token without a text', '', '<|end|>'],
  ])('may have %s', (_, there, here) => {
    const places = placesOf(body(0), () => there);
    expect(readPromptLogprobs(answerOf(places), asked(0, { textOf: () => here })).logps).toHaveLength(3);
  });
});

describe('are refused', () => {
  const entry = (logprob: unknown) => ({ logprob, rank: 1, decoded_token: null });
  it.each<[string, number, (places: Places) => unknown, RegExp]>([
    ['where there are none', 0, () => null, /^answers without "prompt_logprobs".* vLLM can/],
    ['where there are too many', 0, (p) => [null, ...p], /^scores 6 tokens where 5 were sent/],
    ['where there are too few', 0, (p) => p.slice(1), /^scores 4 tokens where 5 were sent/],
    [
      'in other places',
      0,
      (p) => [...p.slice(0, 2), p[3], p[2], p[4]],
      /other tokens.*token 2 of a prompt is 300, and there it has 42$/,
    ],
    [
      'where a place has nothing',
      0,
      at(3, () => null),
      /token 3 of a prompt is 42, and there it has nothing$/,
    ],
    ['where a place is a list', 0, at(3, () => [-1]), /token 3 of a prompt is 42/],
    ['under another name', 0, at(3, () => ({ constructor: entry(-1) })), /it has constructor$/],
    ['above 0', 0, at(2, () => ({ 300: entry(0.5) })), /token 2 of a prompt, 300, the log-prob 0\.5,/],
    ['that are no number', 0, at(2, () => ({ 300: entry('-1') })), /the log-prob "-1",/],
    ['that are null, as NaN is', 0, at(2, () => ({ 300: entry(null) })), /the log-prob null,/],
    ['of probability 0', 0, at(2, () => ({ 300: entry(-9999) })), /the log-prob -9999,/],
    ['that are no object', 0, at(2, () => ({ 300: -1 })), /token 2 of a prompt is 300/],
    [
      'that are logits',
      2,
      at(4, (place) => Object.fromEntries(Object.keys(place).map((id) => [id, entry(-0.1)]))),
      /token 4 of a prompt probabilities that add up to 2\.7/,
    ],
    [
      'of another tokenizer',
      0,
      at(4, () => ({ 5: { ...entry(-1), decoded_token: 'five' } })),
      /^has another tokenizer: token 5 is "five" there and "t5" here$/,
    ],
    [
      'where too few are the likeliest',
      5,
      (p) => placesOf(body(3), textOf).map((place, i) => (i < 4 ? p[i] : place)),
      /^gives [34] of the 5 likeliest tokens of a place: lower k, or raise .*--max-logprobs/,
    ],
  ])('%s', (_, k, change, message) => {
    expect(() => read(k, change)).toThrow(message);
    expect(() => read(k, change)).toThrow(UnusableScores);
  });

  it('where the token itself would pass for one of the likeliest', () => {
    // k entries, of which the token that was sent has a rank beyond k.
    const least = ranked(allLogps(2)).at(-1)!;
    const own = { ...asked(4), ids: [11, 7, least] };
    const places = placesOf({ ...body(3), prompt: own.ids });
    expect(Object.keys(places[2]!)).toHaveLength(4);
    expect(() => readPromptLogprobs(answerOf(places), own)).toThrow(/gives 3 of the 4 likeliest/);
  });

  it.each<[string, unknown, RegExp]>([
    ['an error', { error: { message: 'engine died' } }, /the answer is an error: engine died/],
    ['no choices', { choices: [] }, /no choices/],
    ['a list', [1], /no object|not an object/],
    ['nothing', null, /not an object/],
  ])('for now where the answer is %s', (_, reply, message) => {
    const failing = () => readPromptLogprobs(reply, asked());
    expect(failing).toThrow(message);
    expect(failing).not.toThrow(UnusableScores);
  });
});
