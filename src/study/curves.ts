/** @file The curves of a study's arms: log-probs a token of both sides while they train, as numbers and as a picture. */
import { join } from 'node:path';
import { stepLines } from '../train/metricsFiles.js';
import type { Plan } from './arms.js';

/** A step of a run; null where the arm has no pairs. */
export interface CurvePoint {
  arm: string;
  seed: number;
  step: number;
  tokens: number;
  loss: number | null;
  gradNorm: number | null;
  chosen: number | null;
  rejected: number | null;
}

/** The steps of the last training stage of every run. */
export function curvesOf({ pipeline, runs }: Plan): CurvePoint[] {
  return runs.flatMap(({ arm, seed, trained }) => {
    const last = trained.at(-1);
    if (last === undefined) return [];
    return stepLines(join(pipeline.out, last)).map((line): CurvePoint => {
      const metrics = JSON.parse(line) as Record<string, number | null>;
      const { step, num_tokens: tokens, loss = null, grad_norm: gradNorm = null } = metrics;
      return {
        ...{ arm, seed, step: step!, tokens: tokens!, loss, gradNorm },
        chosen: metrics['logps/chosen_per_token'] ?? null,
        rejected: metrics['logps/rejected_per_token'] ?? null,
      };
    });
  });
}

/** As comma-separated values with a heading, empty where there is no number. */
export function curvesAsCsv(points: readonly CurvePoint[]): string {
  const rows = points.map(({ arm, seed, step, tokens, loss, gradNorm, chosen, rejected }) =>
    [arm, seed, step, tokens, loss ?? '', gradNorm ?? '', chosen ?? '', rejected ?? ''].join(','),
  );
  return `${['arm,seed,step,tokens,loss,grad_norm,chosen_per_token,rejected_per_token', ...rows].join('\n')}\n`;
}

const PANEL = { width: 260, height: 150, left: 42, top: 30, gap: 24 };
const COLUMNS = 3;
const SIDES = [
  { key: 'chosen', colour: '#1a7f37' },
  { key: 'rejected', colour: '#b3261e' },
] as const;

/**
 * A picture of the arms that train on pairs, a panel each with the same axes: the mean over seeds as a line, their range as a band.
 * Names of arms are letters, digits and hyphens.
 */
export function curvesAsSvg(points: readonly CurvePoint[]): string {
  const arms = [...new Set(points.filter(({ rejected }) => rejected !== null).map(({ arm }) => arm))];
  const shown = points.filter(({ arm }) => arms.includes(arm));
  const values = shown.flatMap(({ chosen, rejected }) => [chosen ?? 0, rejected ?? 0]);
  const low = values.reduce((least, value) => Math.min(least, value), -0.1);
  const last = shown.reduce((most, { step }) => Math.max(most, step), 2);
  const x = (step: number) => PANEL.left + ((step - 1) / (last - 1)) * PANEL.width;
  const y = (value: number) => PANEL.top + (value / low) * PANEL.height;
  const line = (path: readonly (readonly [number, number])[]) =>
    path.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const panels = arms.map((arm, i) => {
    const own = shown.filter((point) => point.arm === arm);
    const steps = [...new Set(own.map(({ step }) => step))].sort((a, b) => a - b);
    const sides = SIDES.map(({ key, colour }) => {
      const at = steps.map((step) => {
        const all = own.filter((point) => point.step === step).flatMap((point) => point[key] ?? []);
        const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
        return { step, mean, low: Math.min(...all), high: Math.max(...all) };
      });
      const band = [
        ...at.map(({ step, high }) => [step, high] as const),
        ...at.toReversed().map(({ step, low: least }) => [step, least] as const),
      ];
      return `<polygon points="${line(band)}" fill="${colour}" opacity=".15"/><polyline points="${line(at.map(({ step, mean }) => [step, mean] as const))}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    });
    const ticks = [0, low / 2, low].map(
      (value) =>
        `<text x="${PANEL.left - 4}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(1)}</text>`,
    );
    const right = PANEL.left + PANEL.width;
    const bottom = PANEL.top + PANEL.height;
    const frame = `<rect x="${PANEL.left}" y="${PANEL.top}" width="${PANEL.width}" height="${PANEL.height}" fill="none" stroke="#999"/><text x="${PANEL.left}" y="${PANEL.top - 8}" font-weight="bold">${arm}</text><text x="${PANEL.left}" y="${bottom + 14}">1</text><text x="${right}" y="${bottom + 14}" text-anchor="end">step ${last}</text>`;
    const [column, row] = [i % COLUMNS, Math.floor(i / COLUMNS)];
    const place = `translate(${column * (PANEL.width + PANEL.left + PANEL.gap)} ${row * (PANEL.height + PANEL.top + PANEL.gap) + 24})`;
    return `<g transform="${place}">${frame}${ticks.join('')}${sides.join('')}</g>`;
  });
  const width = COLUMNS * (PANEL.width + PANEL.left + PANEL.gap);
  const height = Math.ceil(arms.length / COLUMNS) * (PANEL.height + PANEL.top + PANEL.gap) + 36;
  const legend = SIDES.map(
    ({ key, colour }, i) =>
      `<text x="${PANEL.left + 370 + i * 80}" y="16" fill="${colour}" font-weight="bold">${key}</text>`,
  ).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="${PANEL.left}" y="16">log-prob a token while training, mean and range over seeds</text>${legend}${panels.join('')}</svg>\n`;
}
