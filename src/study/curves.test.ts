import { describe, expect, it } from 'vitest';
import { curvesAsCsv, curvesAsSvg, type CurvePoint } from './curves.js';

const point = (
  arm: string,
  seed: number,
  step: number,
  chosen: number,
  rejected: number | null,
): CurvePoint => ({
  ...{ arm, seed, step, tokens: 10 * step, loss: -0.5, gradNorm: 1, chosen, rejected },
});
const points = [
  point('redi', 1, 1, -0.2, -0.4),
  point('redi', 1, 3, -0.4, -1),
  point('redi', 2, 1, -0.2, -0.4),
  point('redi', 2, 3, -0.6, -2),
  point('sft', 1, 1, -0.2, null),
];

describe('curves', () => {
  it('are a line a step, empty where there is no number', () => {
    expect(curvesAsCsv(points).trim().split('\n').slice(-2)).toEqual([
      'redi,2,3,30,-0.5,1,-0.6,-2',
      'sft,1,1,10,-0.5,1,-0.2,',
    ]);
  });

  it('are drawn for arms with pairs, the mean as a line and the range as a band', () => {
    const svg = curvesAsSvg(points);
    expect(svg).not.toContain('>sft<');
    // The lowest value, −2, is at the bottom of the panel; both sides' means at step 3 are at −0.5 and −1.5.
    const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, path]) => path);
    expect(lines).toEqual(['42.0,45.0 302.0,67.5', '42.0,60.0 302.0,142.5']);
    const bands = [...svg.matchAll(/<polygon points="([^"]*)"/g)].map(([, path]) => path);
    expect(bands[1]).toBe('42.0,60.0 302.0,105.0 302.0,180.0 42.0,60.0');
  });
});
