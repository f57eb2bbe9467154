import { describe, expect, it } from 'vitest';
import { expectDone, tinyCommands, type Score } from '../../test/support/tinyCommands.js';
import { parseRows, readRows, redistill } from '../../test/support/tinyModel.js';

const { path, messages, pairs, score } = tinyCommands();

describe.concurrent('score', () => {
  it('message rows in input order, with tokens', async () => {
    const scored = await redistill(score(messages, '--tokens'));
    expectDone(scored);
    const found = parseRows(scored.stdout) as unknown as Score[];
    expect(found.map(({ tokens }) => tokens)).toEqual([2, 8]); // a character is a token, and one ends the turn
    for (const { tokens, sum, mean, ids, logps } of found) {
      expect([ids.length, logps.length]).toEqual([tokens, tokens]);
      expect(logps.reduce((a, b) => a + b)).toBeCloseTo(sum, 9);
      expect(mean).toBeCloseTo(sum / tokens, 9);
      expect(Math.max(...logps)).toBeLessThan(0);
    }
  });

  it('preference rows into a file, as message rows are scored', async () => {
    const out = path('scores.jsonl');
    const scored = await redistill(score(pairs, '--out', out));
    expectDone(scored);
    expect(scored.stdout).toBe('');
    const found = readRows(out) as unknown as { chosen: Score; rejected: Score }[];
    expect(found.map(({ chosen, rejected }) => [chosen.tokens, rejected.tokens])).toEqual([
      [2, 5],
      [8, 2],
      [3, 3],
    ]);
    const alone = parseRows((await redistill(score(messages))).stdout) as unknown as Score[];
    expect(found[0]!.chosen.sum).toBeCloseTo(alone[0]!.sum, 4);
    expect(found[1]!.chosen.sum).toBeCloseTo(alone[1]!.sum, 4);
  });
});
