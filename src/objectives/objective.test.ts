/** What every objective stands on: sums of a response, what is asked of rows, and whether they bring it. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import {
  checkRows,
  columnFault,
  columnOf,
  countStep,
  readColumns,
  scalarOf,
  spread,
  stepOf,
  tokenWeight,
  topKColumn,
  weightedSum,
  weightOf,
  type ColumnHolder,
  type Objective,
  type SequenceInfo,
} from './objective.js';
import { createObjective } from './registry.js';
import { sliceTopK, topKOf } from './topK.js';

const plain: SequenceInfo = { role: 'sample', group: 0, length: 3 };
const weighted: SequenceInfo = { ...plain, tokenWeights: Float64Array.of(2, 0, -0.5), weight: 2.5 };

describe('a response', () => {
  it('without weights counts its tokens', () => {
    expect(weightOf(plain)).toBe(3);
    expect([0, 1, 2].map((t) => tokenWeight(plain, t))).toEqual([1, 1, 1]);
    expect(weightedSum(plain, Float64Array.of(-1, -2, -4))).toBe(-7);
    expect(spread(plain, 0.5)).toEqual(Float64Array.of(0.5, 0.5, 0.5));
  });

  it('with weights counts by them, and does not look at what has none', () => {
    expect(weightOf(weighted)).toBe(2.5);
    expect([0, 1, 2].map((t) => tokenWeight(weighted, t))).toEqual([2, 0, -0.5]);
    expect(weightedSum(weighted, Float64Array.of(-1, -Infinity, -4))).toBe(0);
    expect(spread(weighted, 0.5)).toEqual(Float64Array.of(1, 0, -0.25));
  });

  it('says which column it lacks', () => {
    const column = Float64Array.of(1, 2, 3);
    const topK = topKOf([[1], [], [2]]);
    const whole = { ...plain, scalars: { reward: 0 }, columns: { a: column }, topK: { v: topK } };
    expect(scalarOf(whole, 'reward')).toBe(0);
    expect(columnOf(whole, 'a')).toBe(column);
    expect(topKColumn(whole, 'v')).toBe(topK);
    for (const lacking of [plain, { ...plain, scalars: {}, columns: {}, topK: {} }]) {
      expect(() => scalarOf(lacking, 'reward')).toThrow('a response has no "reward"');
      expect(() => columnOf(lacking, 'a')).toThrow('a response has no column "a"');
      expect(() => topKColumn(lacking, 'v')).toThrow('a response has no column "v"');
    }
  });
});

describe('a step', () => {
  const rejected: SequenceInfo = { ...weighted, role: 'rejected' };

  it('counts rows once, tokens by their weights, and pairs by their rejected sides', () => {
    const sides = [{ ...plain, role: 'chosen' }, rejected, { ...plain, group: 4 }];
    expect(countStep(sides)).toEqual({ groups: 2, pairs: 1, tokens: 8.5, rejectedTokens: 2.5 });
  });

  it('stands at the beginning of a run where nothing else is said', () => {
    expect(stepOf([plain])).toEqual({
      sequences: [plain],
      counts: { groups: 1, pairs: 0, tokens: 3, rejectedTokens: 0 },
      clock: { step: 0, steps: 1, epoch: 0 },
      memory: new Map(),
    });
    const place = { clock: { step: 2, steps: 5, epoch: 0.5, gradNorm: 3 }, memory: new Map([['a', 1]]) };
    expect(stepOf([plain], place)).toMatchObject(place);
  });
});

describe('checkRows', () => {
  const check = (name: string, ...roles: string[]) => {
    const group = { kind: 'group', line: 7, sequences: roles.map((role) => ({ role })) } as const;
    checkRows(createObjective({ name }), [{ kind: 'preference', line: 6 }, group], 'rows.jsonl');
  };

  it('takes a group with one chosen and one rejected response among others', () => {
    check('dpo', 'chosen', 'rejected');
    check('dpo', 'rejected', 'rationale', 'chosen');
  });

  it.each([
    [['sample', 'sample'], 'are sample, sample; give one of each'],
    [['chosen', 'chosen'], 'are chosen, chosen; give one of each'],
    [['rejected', 'rejected'], 'are rejected, rejected; give one of each'],
    [['chosen', 'rejected', 'rejected'], 'are chosen, rejected, rejected; give one of each'],
    [['chosen', 'chosen', 'rejected'], 'are chosen, chosen, rejected; give one of each'],
    [['chosen'], 'this row has a single one'],
    [[], 'give one of each'],
  ])('refuses a group of %j for pairs', (roles, message) => {
    expect(() => {
      check('dpo', ...roles);
    }).toThrow(UserError);
    expect(() => {
      check('dpo', ...roles);
    }).toThrow(new RegExp(`^rows.jsonl, line 7: objective dpo .*${message}`));
    check('nft', ...roles); // it learns from every response
  });
});

describe('columnFault', () => {
  const whole = {
    role: 'sample',
    scalars: { reward: 0 },
    columns: { a: Float64Array.of(1, 2, 3) },
    tokenWeights: Float64Array.of(1, 0, 1),
    topK: { k: topKOf([[1], [], [2]], [[-1], [], [-1]]), v: topKOf([[], [], []]) },
  } as const;
  const fault = (
    needs: Objective['needs'],
    change: Partial<ColumnHolder> = {},
    needsOf?: Objective['needsOf'],
  ) => columnFault({ name: 'mine', needs, ...(needsOf && { needsOf }) }, { ...whole, ...change }, 3);

  it('finds none where all is there', () => {
    expect(fault({ reward: 'sequence', a: 'token', k: 'top-k', v: 'named' })).toBeUndefined();
    expect(fault({})).toBeUndefined();
    for (const pass_rate of [0, 0.25, 1])
      expect(fault({ pass_rate: 'sequence' }, { scalars: { pass_rate } })).toBeUndefined();
  });

  it('does not ask rows for a reference, and goes on to the next column', () => {
    for (const shape of ['sequence', 'token'] as const) {
      expect(fault({ reference: shape })).toBeUndefined();
      expect(fault({ reference: shape, b: 'sequence' })).toContain('a number "b"');
    }
    const there: Objective['needs'][] = [
      { reward: 'sequence' },
      { a: 'token' },
      { k: 'top-k' },
      { v: 'named' },
    ];
    for (const first of there) expect(fault({ ...first, b: 'sequence' })).toContain('a number "b"');
  });

  it.each([30, -0.5, 1.01, NaN])('takes %d for no share', (pass_rate) => {
    expect(fault({ pass_rate: 'sequence' }, { scalars: { pass_rate } })).toBe(
      `"pass_rate" in "scalars" is a share, from 0 to 1, and not ${pass_rate}`,
    );
  });

  it('asks for what the role needs', () => {
    const needsOf = (role: string): Objective['needs'] => (role === 'sample' ? { b: 'sequence' } : {});
    expect(fault({}, {}, needsOf)).toContain('a number "b"');
    expect(fault({ b: 'sequence' }, { role: 'rationale' }, needsOf)).toBeUndefined();
  });

  it.each<[Objective['needs'], Partial<ColumnHolder>, string]>([
    [{ b: 'sequence' }, {}, 'a number "b" of each response, in "scalars"'],
    [{ b: 'sequence' }, { scalars: undefined }, 'a number "b" of each response, in "scalars"'],
    [
      { a: 'token' },
      { columns: {} },
      'a column "a" with a number for each of the response\'s 3 tokens, in "columns"',
    ],
    [
      { b: 'token' },
      { columns: undefined },
      'a column "b" with a number for each of the response\'s 3 tokens, in "columns"',
    ],
    [
      { a: 'token' },
      { columns: { a: Float64Array.of(1, 2) } },
      'a column "a" with a number for each of the response\'s 3 tokens, and it has 2',
    ],
    [{ a: 'segment' }, {}, 'a column "a" with a number for each of the response\'s 1 segments, and it has 3'],
    [
      { a: 'segment' },
      { segments: Uint8Array.of(0, 1, 0) },
      'a column "a" with a number for each of the response\'s 2 segments, and it has 3',
    ],
    [{ b: 'top-k' }, {}, 'a column "b" with token ids and their log-probs, {"ids", "logps"}, in "columns"'],
    [
      { b: 'named' },
      { topK: undefined },
      'a column "b" that names tokens, {"segment", "tokens"}, in "columns"',
    ],
    [{ v: 'top-k' }, {}, 'log-probs of the tokens that "v" names, in its "logps"'],
    [
      { k: 'top-k' },
      { tokenWeights: undefined },
      'ids in "k" for every token that is trained, and token 1 of the response, counted from 0, has none',
    ],
    [
      { k: 'top-k' },
      { topK: { k: topKOf([[1], [1], []], [[-1], [-1], []]) } },
      'ids in "k" for every token that is trained, and token 2 of the response, counted from 0, has none',
    ],
    [
      { k: 'top-k' },
      { topK: { k: topKOf([[], [1], [1]], [[], [-1], [-1]]) } },
      'ids in "k" for every token that is trained, and token 0 of the response, counted from 0, has none',
    ],
  ])('of %j with %j', (needs, change, message) => {
    expect(fault(needs, change)).toBe(`objective mine needs ${message}`);
  });

  it('counts segments to the largest', () => {
    expect(fault({ a: 'segment' }, { segments: Uint8Array.of(2, 0, 1) })).toBeUndefined();
  });
});

describe('columns of token ids', () => {
  it('are those that the model is read at', () => {
    expect(
      readColumns({ needs: { a: 'token', k: 'top-k', reward: 'sequence', s: 'segment', v: 'named' } }),
    ).toEqual(['k', 'v']);
  });

  it('are lists, one for each token, of which a part may be taken', () => {
    const column = topKOf([[5, 6], [], [7], [8, 9, 10]], [[-1, -2], [], [-3], [-4, -5, -6]]);
    expect(column).toEqual({
      starts: Uint32Array.of(0, 2, 2, 3, 6),
      ids: Int32Array.of(5, 6, 7, 8, 9, 10),
      logps: Float64Array.of(-1, -2, -3, -4, -5, -6),
    });
    expect(sliceTopK(column, 1, 3)).toEqual(topKOf([[], [7]], [[], [-3]]));
    expect(sliceTopK(column, 0, 4)).toEqual(column);
    expect(sliceTopK(topKOf([[1], [2, 3]]), 1, 2)).toEqual(topKOf([[2, 3]]));
    expect(topKOf([[1]])).not.toHaveProperty('logps');
    expect(sliceTopK(topKOf([[1]]), 0, 1)).not.toHaveProperty('logps');
  });
});
