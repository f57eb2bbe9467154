import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { latexToText } from './latexToText.js';

interface Fixture {
  rows: [latex: string, text: string | null][];
}

const fixture = JSON.parse(readFileSync('test/fixtures/graders/latex.json', 'utf8')) as Fixture;

function convert(latex: string): string | null {
  try {
    return latexToText(latex);
  } catch {
    return null;
  }
}

describe('latexToText', () => {
  it.each(fixture.rows)('reads %j as pylatexenc does', (latex, text) => {
    expect(convert(latex)).toBe(text);
  });

  it('bounds depth and length', () => {
    expect(convert('{'.repeat(1_000))).toBeNull();
    expect(convert('\\frac'.repeat(1_000))).toContain('%s/%s');
    expect(convert('\\sqrt[{'.repeat(1_000))).toBeNull();
    expect(convert(`\\begin{pmatrix}${'& x'.repeat(20_000)}${'y'.repeat(20_000)}\\end{pmatrix}`)).toBeNull();
    expect(convert('x'.repeat(100_000))).toHaveLength(100_000);
  });
});
