import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { createObjective, defineObjective, linearObjective, numberFrom, oneOf } from './index.js';

describe('defineObjective', () => {
  let built: unknown;
  const make = () =>
    defineObjective(
      'mine',
      {
        scale: numberFrom(0).default(3),
        word: oneOf(['left', 'right']).default('left'),
        inner: z.strictObject({ depth: numberFrom(1, 2) }).optional(),
      },
      (parameters) => {
        built = parameters;
        return linearObjective({ name: 'mine', formula: 'f', data: 'pairs' }, () => 1);
      },
    );

  it('builds from what is given and the defaults', () => {
    const mine = make();
    expect(mine.create({ word: 'right', inner: { depth: 1 } }).name).toBe('mine');
    expect(built).toEqual({ scale: 3, word: 'right', inner: { depth: 1 } });
    expect(mine.about).toBeUndefined();
    expect(Object.keys(mine.parameters.shape)).toEqual(['scale', 'word', 'inner']);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ scale: -1 }, 'scale must be a number from 0 up.'],
    [{ scale: '7' }, 'scale must be a number from 0 up, not the text "7": leave out the quotes.'],
    [{ scale: ' 7 ' }, 'scale must be a number from 0 up, not the text " 7 ": leave out the quotes.'],
    [{ scale: '' }, 'scale must be a number from 0 up.'],
    [{ scale: ' ' }, 'scale must be a number from 0 up.'],
    [{ scale: 'seven' }, 'scale must be a number from 0 up.'],
    [{ scale: '1e999' }, 'scale must be a number from 0 up.'],
    [{ scale: true }, 'scale must be a number from 0 up.'],
    [{ word: 'up' }, 'word must be one of left, right.'],
    [{ inner: { depth: 3 } }, 'inner.depth must be a number from 1 to 2.'],
    [{ inner: { depth: 1, breadth: 2 } }, 'inner has no "breadth".'],
  ])('refuses %j', (parameters, message) => {
    const mine = make();
    expect(() => mine.create(parameters)).toThrow(new UserError(`objective mine: ${message}`));
  });

  it('says where there is nothing to set', () => {
    expect(() => createObjective({ name: 'symmetric', alpha: 1 })).toThrow(
      new UserError(
        'objective symmetric has no parameter "alpha"; it takes none (docs/recipes.md, section "Objectives").',
      ),
    );
  });
});
