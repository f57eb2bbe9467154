import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { root } from './pages.js';

const images = `${root}docs/guide/images/`;

test('the picture of docs/guide/choosing-alpha.md is that of the measured curves', () => {
  const made = execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { readFileSync } from 'node:fs';
       import { curvesPicture } from ${JSON.stringify(`${root}scripts/curves.js`)};
       process.stdout.write(curvesPicture(JSON.parse(readFileSync(${JSON.stringify(`${images}curves.json`)}, 'utf8'))));`,
    ],
    { encoding: 'utf8' },
  );
  expect(readFileSync(`${images}curves.svg`, 'utf8') === made, '`npm run docs`').toBe(true);
});

test('what the guide says of the curves is what was measured', () => {
  const runs = JSON.parse(readFileSync(`${images}curves.json`, 'utf8')) as {
    alpha: number;
    lr: number;
    chosen: number[];
    sightings: { step: number; verdict: string }[];
  }[];
  const page = readFileSync(`${root}docs/guide/choosing-alpha.md`, 'utf8');
  for (const { alpha, lr } of runs) expect(page).toContain(`* **α ${alpha}, lr ${lr.toExponential()}**`);
  const falls = runs.map(({ chosen }) => chosen[0]! - Math.min(...chosen));
  const [slow, benign, far, collapse, small] = falls as [number, number, number, number, number];
  expect(slow).toBeLessThan(0.03);
  expect(benign).toBeCloseTo(0.14, 1);
  expect(far).toBeCloseTo(0.43, 1);
  expect(Math.exp(collapse)).toBeGreaterThan(6.5);
  expect(Math.exp(collapse)).toBeLessThan(7.5);
  expect(small).toBeLessThan(0.15);
  expect(runs[2]!.sightings).toContainEqual({ step: 16, verdict: 'collapse' });
});
