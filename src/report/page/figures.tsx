/** @file Small figures in SVG, which print: values with intervals in rows, and lines over a few points. */
import type { ComponentChild } from 'preact';
import { colourOf, dashOf, Swatch } from './colours.js';
import { Name, short } from './text.js';
import { useWidth } from './useWidth.js';

const ROW = 34;
const AXIS = 38;
/** Pixels of a character of a label, about. */
const CHARACTER = 6.6;

const tickOf = (tick: number): string => String(+tick.toFixed(6)).replace('-', '−');

/** Round numbers from `low` to `high`, about as many as asked for. */
export function ticksOf(low: number, high: number, about: number): number[] {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / about));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => span / size <= about)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

export interface IntervalRow {
  label: string;
  value: number;
  interval: readonly [number, number] | null;
  /** Of its colour. */
  place: number;
  href?: string | undefined;
}

export interface IntervalFigureProps {
  title: string;
  axis: string;
  rows: readonly IntervalRow[];
  /** Draws a line at 0 and a sign before numbers. */
  isDifference?: boolean;
}

/** The part of the axis that holds all intervals, with room beside them. */
function domainOf(rows: readonly IntervalRow[], isDifference: boolean): [number, number] {
  const ends = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).filter(Number.isFinite);
  if (isDifference) ends.push(0);
  const low = Math.min(...ends, isDifference ? 0 : 1);
  const high = Math.max(...ends, isDifference ? 0 : 0);
  const room = Math.max(0.01, (high - low) * 0.06);
  const bounds = isDifference ? [-1, 1] : [0, 1];
  return [Math.max(bounds[0]!, low - room), Math.min(bounds[1]!, high + room)];
}

/** Where a label of an axis is held, so that none is cut at an end of the figure. */
const anchorAt = (x: number, width: number): 'start' | 'middle' | 'end' =>
  x < EDGE ? 'start' : x > width - EDGE ? 'end' : 'middle';
/** Pixels of half a label. */
const EDGE = 18;

/** Draws shares with their intervals, a row each under its label. */
export function IntervalFigure({ title, axis, rows, isDifference = false }: IntervalFigureProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [low, high] = domainOf(rows, isDifference);
  const x = (share: number) => 8 + ((share - low) / (high - low)) * (width - 16);
  const height = rows.length * ROW + AXIS;
  const ticks = ticksOf(100 * low, 100 * high, width < 500 ? 5 : 9);
  const letters = Math.max(10, Math.floor((width - 80) / CHARACTER));
  const words = `${title}: ${rows.map((row) => `${short(row.label)} ${(100 * row.value).toFixed(1)}`).join(', ')}`;
  return (
    <div ref={ref} class="svg-figure">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={words}>
          {ticks.map((tick) => (
            <g key={tick}>
              <line class="grid" x1={x(tick / 100)} x2={x(tick / 100)} y1="0" y2={height - AXIS} />
              <text
                class="tick"
                x={x(tick / 100)}
                y={height - AXIS + 15}
                text-anchor={anchorAt(x(tick / 100), width)}
              >
                {isDifference && tick > 0 ? '+' : ''}
                {tickOf(tick)}
              </text>
            </g>
          ))}
          <text class="axis" x={width / 2} y={height - 5} text-anchor="middle">
            {axis}
          </text>
          {isDifference && <line class="zero" x1={x(0)} x2={x(0)} y1="0" y2={height - AXIS} />}
          {rows.map(({ label, value, interval, place }, i) => (
            <g key={i} transform={`translate(0 ${i * ROW})`}>
              <text class="label" x="8" y="13">
                {short(label, letters)}
              </text>
              {interval?.every(Number.isFinite) && (
                <line
                  class="interval"
                  stroke={`var(${colourOf(place)})`}
                  x1={x(interval[0])}
                  x2={x(interval[1])}
                  y1="24"
                  y2="24"
                />
              )}
              <circle cx={x(value)} cy="24" r="4.5" fill={`var(${colourOf(place)})`} />
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}

export interface PointLine {
  name: string;
  place: number;
  points: readonly { x: number; y: number }[];
}

const PLOT = { left: 46, right: 14, top: 8, bottom: 42, height: 240 };

/** Numbers whose labels have room beside one another. */
function spaced(sizes: readonly number[], x: (size: number) => number): number[] {
  const kept: number[] = [];
  for (const size of sizes) if (kept.length === 0 || x(size) - x(kept.at(-1)!) > LABEL) kept.push(size);
  return kept;
}
/** Pixels of the label of a size. */
const LABEL = 34;

/** Draws shares over numbers that double: pass@k, and what is seen by size. */
export function DoublingFigure({
  title,
  xAxis,
  yAxis,
  lines,
}: {
  title: string;
  xAxis: string;
  yAxis: string;
  lines: readonly PointLine[];
}) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const all = lines.flatMap(({ points }) => points);
  const sizes = [...new Set(all.map((point) => point.x))].sort((a, b) => a - b);
  const [least, most] = [sizes[0] ?? 1, Math.max(2 * (sizes[0] ?? 1), sizes.at(-1) ?? 2)];
  const [bottom, top] = [Math.min(1, ...all.map(({ y }) => y)), Math.max(0, ...all.map(({ y }) => y))];
  const room = Math.max(0.005, Math.min(0.05, (top - bottom) / 4));
  const [low, high] = [Math.max(0, bottom - room), Math.min(1, top + room)];
  const x = (k: number) =>
    PLOT.left + (Math.log2(k / least) / Math.log2(most / least)) * (width - PLOT.left - PLOT.right);
  const y = (share: number) =>
    PLOT.top + ((high - share) / (high - low)) * (PLOT.height - PLOT.top - PLOT.bottom);
  const base = PLOT.height - PLOT.bottom;
  const labelled = spaced(sizes, x);
  return (
    <Figure title={title} lines={lines}>
      <div ref={ref} class="svg-figure">
        {width > 0 && (
          <svg width={width} height={PLOT.height} role="img" aria-label={title}>
            {ticksOf(100 * low, 100 * high, 6).map((tick) => (
              <g key={tick}>
                <line
                  class="grid"
                  x1={PLOT.left}
                  x2={width - PLOT.right}
                  y1={y(tick / 100)}
                  y2={y(tick / 100)}
                />
                <text class="tick" x={PLOT.left - 6} y={y(tick / 100) + 4} text-anchor="end">
                  {tickOf(tick)}
                </text>
              </g>
            ))}
            {labelled.map((k) => (
              <text key={k} class="tick" x={x(k)} y={base + 16} text-anchor="middle">
                {k}
              </text>
            ))}
            <text class="axis" x={(width + PLOT.left) / 2} y={PLOT.height - 6} text-anchor="middle">
              {xAxis}
            </text>
            <text
              class="axis"
              transform={`translate(12 ${base / 2 + PLOT.top}) rotate(-90)`}
              text-anchor="middle"
            >
              {yAxis}
            </text>
            {lines.map(({ place, points }) => (
              <g key={place} stroke={`var(${colourOf(place)})`} fill={`var(${colourOf(place)})`}>
                <polyline
                  fill="none"
                  stroke-width="1.8"
                  stroke-dasharray={dashOf(place, false)?.join(' ')}
                  points={points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')}
                />
                {points.map((point) => (
                  <circle key={point.x} cx={x(point.x)} cy={y(point.y)} r="3" />
                ))}
              </g>
            ))}
          </svg>
        )}
      </div>
    </Figure>
  );
}

function Figure({
  title,
  lines,
  children,
}: {
  title: string;
  lines: readonly PointLine[];
  children: ComponentChild;
}) {
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong>
      </figcaption>
      {children}
      <p class="legend">
        {lines.map(({ name, place }) => (
          <span key={place}>
            <Swatch place={place} /> <Name of={name} length={40} />
          </span>
        ))}
      </p>
    </figure>
  );
}
