import { afterAll, describe, expect, it } from 'vitest';
import { pieceTokenizer } from '../../../test/support/bigrams.js';
import { familyDir } from '../../../test/support/families.js';
import { loadModel } from '../../models/checkpoint.js';
import { UserError } from '../../util/errors.js';
import { Generator, type GenerateOptions } from '../generator.js';
import { checkedRow, RuleFault } from './checked.js';
import type { Action, RowRule, RowState } from './rule.js';

const state = { ids: [1, 2, 3], text: 'abc', piece: 'c' } as unknown as RowState;
const seen = { ids: [], text: '', logps: [] };
const isNo = { async: () => Promise.resolve(undefined) };

/** Everything that stands for an action and is none, with what is said of it. */
const bad: [unknown, string | RegExp][] = [
  ...[true, 5, 'stop', []].map((value): [unknown, RegExp] => [value, /not an action|an object without/]),
  [{}, 'an object without "stop", "look", "model", "takeBack", "force"'],
  [isNo.async(), 'a promise'],
  [{ stop: 'banana' }, 'stop: '],
  [{ stop: 'stop', keep: -3 }, 'keep: '],
  [{ stop: 'stop', force: 'x' }, /force/],
  [{ force: 5 }, 'force: must be a text or a list of token ids'],
  [{ force: [-1] }, 'force: '],
  [{ force: [1.5] }, 'force: '],
  [{ takeBack: -1 }, 'takeBack: '],
  [{ takeBack: '2' }, 'takeBack: '],
  [{ model: 'other' }, 'tokens: '],
  [{ model: 'other', tokens: 0 }, 'tokens: '],
  [{ look: 5, then: () => undefined }, 'look: '],
  [{ look: { tokens: 2 } }, 'then: must be a function'],
  [{ look: { read: 'all' }, then: () => undefined }, 'look: read: '],
];
const good: Action[] = [
  { stop: 'stop' },
  { stop: 'length', keep: 0 },
  { force: 'x' },
  { force: Int32Array.of(1) },
  { takeBack: 0 },
  { takeBack: 3, force: [1] as unknown as Int32Array },
  { model: 'other', tokens: 4 },
];

describe('a module’s rule', () => {
  const row = (rule: object) => checkedRow('mine.js', () => rule);

  it.each(['after', 'end'] as const)('may act %s a token in the ways that there are', (when) => {
    for (const action of [...good, undefined, null])
      expect(row({ [when]: () => action })[when]!(state)).toEqual(action ?? undefined);
    for (const [action, words] of bad) {
      const act = () => row({ [when]: () => action })[when]!(state);
      expect(act, JSON.stringify(action)).toThrow(RuleFault);
      expect(act, JSON.stringify(action)).toThrow(words);
      expect(act).toThrow(`rule mine.js: "${when}" returned `);
    }
  });

  it('is held to them where it has looked ahead too', () => {
    const looking = (then: () => unknown) =>
      row({ after: () => ({ look: { tokens: 2 }, then }) }).after!(state) as Extract<
        Action,
        { look: object }
      >;
    for (const action of [...good, undefined]) expect(looking(() => action).then(seen)).toEqual(action);
    for (const [action, words] of bad) expect(() => looking(() => action).then(seen)).toThrow(words);
    const again = looking(() => ({ look: {}, then: () => 7 })).then(seen) as Extract<
      Action,
      { look: object }
    >;
    expect(() => again.then(seen)).toThrow('"then" returned 7, which is not an action');
    const throwing = looking(() => {
      throw new TypeError('boo');
    });
    expect(() => throwing.then(seen)).toThrow(/^rule mine.js threw: boo/);
  });

  it('is one', () => {
    for (const [rule, words] of [
      [undefined, 'it has none of "bias", "after", "end" and "rewound"'],
      [{ affter: () => undefined }, 'it has none of'],
      [{ after: 5 }, '"after" must be a function'],
      [isNo.async(), '"begin" returned a promise'],
      [{ bias: () => ({ 5: 3 }) }, '"bias" returned no Map'],
      [{ bias: () => isNo.async() }, '"bias" returned no Map'],
    ] as [object, string][])
      expect(() => row(rule).bias?.(state)).toThrow(words);
    class Counting {
      #seen = 0;
      after(): Action | undefined {
        return ++this.#seen > 1 ? { stop: 'stop' } : undefined;
      }
    }
    const counting = row(new Counting());
    expect([counting.after!(state), counting.after!(state)]).toEqual([undefined, { stop: 'stop' }]);
  });
});

describe('a rule', () => {
  const model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
  afterAll(() => {
    model[Symbol.dispose]();
  });
  const characters = pieceTokenizer(Array.from({ length: 128 }, (_, i) => String.fromCharCode(i)));
  const under = (row: RowRule, options: Partial<GenerateOptions> = {}) =>
    new Generator(model, characters).generate(
      [5, 6, 7].map((id) => ({ ids: Int32Array.of(id, 9) })),
      { maxNewTokens: 8, rules: [{ name: 'mine', begin: () => row }], ...options },
    );
  const at = (length: number, action: Action): RowRule => ({
    after: ({ ids }) => (ids.length === length ? action : undefined),
  });

  it.each<[string, RowRule]>([
    // The next row's logits, and those before the first row's.
    ...[128, 130, 500, -1, -5, 1.5, NaN].map((id): [string, RowRule] => [
      `a bias for ${id}`,
      { bias: () => new Map([[id, 3]]) },
    ]),
    ...[128, 99_999, -1].flatMap((id): [string, RowRule][] => [
      [`${id} by force`, at(3, { force: Int32Array.of(id) })],
      [`${id} after taking back`, at(3, { takeBack: 1, force: Int32Array.of(id) })],
      [`${id} to look at`, at(3, { look: { force: Int32Array.of(id) }, then: () => undefined })],
      [`${id} to read`, at(3, { look: { read: [id] }, then: () => undefined })],
      [`${id} after a look`, at(3, { look: {}, then: () => ({ force: Int32Array.of(id) }) })],
    ]),
  ])('names no token that the model has not: %s', async (_, row) => {
    const failing = under(row);
    await expect(failing).rejects.toThrow(UserError);
    await expect(failing).rejects.toThrow(/the rule "mine" names the token .* the tokens 0 to 127/);
  });

  it('adds nothing to logits that is no number, and leaves a token', async () => {
    for (const value of [NaN, Infinity, '3' as unknown as number])
      await expect(under({ bias: () => new Map([[5, value]]) })).rejects.toThrow('the rule "mine" adds');
    const none = new Map(Array.from({ length: 128 }, (_, id) => [id, -Infinity]));
    await expect(under({ bias: () => none })).rejects.toThrow('the rules forbid every token');
    none.delete(40);
    for (const { ids } of await under({ bias: () => none })) expect(new Set(ids)).toEqual(new Set([40]));
  });

  it('takes back what there is', async () => {
    for (const count of [4, 99, -1, 0.5])
      await expect(under(at(3, { takeBack: count }))).rejects.toThrow(
        `the rule "mine" takes ${count} tokens back, and there are 3`,
      );
  });
});
