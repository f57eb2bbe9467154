import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readTraceRows } from '../data/traceRows.js';
import { verify } from '../verify/verify.js';
import { normalizeFinalAnswer } from './normalizeAnswer.js';

describe('normalizeFinalAnswer', () => {
  it.each([
    ['so <<1+1=2>>2\nA: 18', 'so <<1+1=2>>2\nThe answer is 18'],
    ['so\n#### 1,000\n', 'so\nThe answer is 1,000'],
    ['A: 5', 'The answer is 5'],
    ['A: 5\nand so on', 'A: 5\nand so on'],
    ['cut off in 3 +', 'cut off in 3 +'],
    ['so\nA:', 'so\nA:'],
    ['Q&A: 5', 'Q&A: 5'],
  ])('%j becomes %j', (text, rewritten) => {
    expect(normalizeFinalAnswer(text)).toBe(rewritten);
  });

  it('changes no verdict of the solutions that ship', async () => {
    const path = fileURLToPath(
      new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url),
    );
    let unchanged = 0;
    let differing = 0;
    for await (const { answer, generations, correctness } of readTraceRows([path], ({ problem }) => {
      throw new Error(problem);
    })) {
      for (const [i, text] of generations!.entries()) {
        const rewritten = normalizeFinalAnswer(text);
        if (verify({ gold: answer!, pred: rewritten }).correct !== correctness.llm![i]) differing++;
        if (rewritten === text) unchanged++;
      }
    }
    expect(differing).toBe(0);
    // SOURCE.md: 11 solutions have no "A:" line.
    expect(unchanged).toBe(11);
  });
});
