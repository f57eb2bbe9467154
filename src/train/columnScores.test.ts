import { describe, expect, it } from 'vitest';
import { sameLikeliest } from './columnScores.js';

/** Numbers of a response: of each token the ids, then their log-probs. */
const numbers = (...tokens: Record<number, number>[]) =>
  Float64Array.from(
    tokens.flatMap((token) => {
      const places = Object.entries(token).sort(([, a], [, b]) => b - a);
      return [...places.map(([id]) => Number(id)), ...places.map(([, logp]) => logp)];
    }),
  );

describe('likeliest tokens are the same', () => {
  const kept = numbers({ 5: -0.1, 9: -3, 2: -3.1 }, { 1: -0.5, 7: -1.5, 8: -2 });
  it.each<[string, number, Float64Array]>([
    ['to the last bit', 0, kept],
    ['within what rounding makes', 0.2, numbers({ 5: -0.2, 9: -2.9, 2: -3.2 }, { 1: -0.5, 7: -1.5, 8: -2 })],
    ['in exchanged places', 0.2, numbers({ 5: -0.1, 2: -3, 9: -3.1 }, { 1: -0.5, 7: -1.5, 8: -2 })],
    [
      'with another that is as likely as the last',
      0.2,
      numbers({ 5: -0.1, 9: -3, 4: -3.2 }, { 1: -0.5, 7: -1.5, 8: -2 }),
    ],
  ])('%s', (_, most, again) => {
    expect(sameLikeliest(3, most)(again, kept, 2)).toBe(true);
    expect(sameLikeliest(3, most)(kept, again, 2)).toBe(true);
  });

  it.each<[string, Float64Array]>([
    ['with another log-prob', numbers({ 5: -0.1, 9: -3, 2: -3.1 }, { 1: -0.5, 7: -1.1, 8: -2 })],
    ['with another that is likelier', numbers({ 5: -0.1, 9: -3, 2: -3.1 }, { 4: -0.5, 7: -1.5, 8: -2 })],
    ['without one that was likely', numbers({ 4: -3.1, 9: -3, 2: -3.1 }, { 1: -0.5, 7: -1.5, 8: -2 })],
    ['with one that is no number', numbers({ 5: -0.1, 9: -3, 2: -3.1 }, { 1: -0.5, 7: NaN, 8: -2 })],
  ])('and not %s', (_, again) => {
    expect(sameLikeliest(3, 0.2)(again, kept, 2)).toBe(false);
    expect(sameLikeliest(3, 0.2)(kept, again, 2)).toBe(false);
  });
});
