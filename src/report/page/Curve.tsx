/** @file A figure of long curves over the steps, on a canvas by uPlot, with its legend. */
import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { printable } from '../../util/printable.js';
import { isPositive, lastOf, unionOf, type Line } from './lines.js';
import { labelsOf, type Mark } from './marks.js';
import { brief } from './numbers.js';
import { Downloads } from './table.js';
import { Name, short } from './text.js';
import { colourOf, dashOf, Swatch } from './colours.js';
import { styleValue, useTheme } from './theme.js';
import { useWidth } from './useWidth.js';

const HEIGHT = 230;
/** Figures that have the cursor in common. */
const SYNC = 'steps';
/** uPlot's name of it is an enumeration of its types alone, which a bundler does not see. */
const LOGARITHMIC: object = { distr: 3 };

export interface CurveProps {
  title: string;
  /** Of the axis, with the unit. */
  unit: string;
  lines: readonly Line[];
  /** Steps at which something was said, in the order of the list of sentences. */
  marks: readonly Mark[];
  isLog: boolean;
}

/** All lines over the steps of any of them. */
function aligned(lines: readonly Line[]): { data: uPlot.AlignedData; steps: number[] } {
  const steps = unionOf(lines.map((line) => line.steps));
  const places = new Map(steps.map((step, i) => [step, i]));
  const spread = (line: Line, values: readonly (number | null)[]) => {
    if (line.steps.length === steps.length) return [...values];
    const all = Array.from<number | null>({ length: steps.length }).fill(null);
    for (const [i, step] of line.steps.entries()) all[places.get(step)!] = values[i] ?? null;
    return all;
  };
  const columns = lines.flatMap((line) => [
    spread(line, line.values),
    ...(line.low && line.high ? [spread(line, line.high), spread(line, line.low)] : []),
  ]);
  return { data: [steps, ...columns], steps };
}

/** How uPlot draws lines and bands; the numbers are places in its data. */
function seriesOf(lines: readonly Line[]): Pick<uPlot.Options, 'series' | 'bands'> {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const { place, isDashed, low, high, values } of lines) {
    const stroke = styleValue(colourOf(place));
    const dash = dashOf(place, isDashed);
    const isSingle = values.filter((value) => value !== null).length === 1;
    series.push({ stroke, width: 1.6, spanGaps: true, points: { show: isSingle }, ...(dash && { dash }) });
    if (!low || !high) continue;
    const edge = { stroke: 'transparent', width: 0, spanGaps: true, points: { show: false } };
    bands.push({ series: [series.length, series.length + 1], fill: `${stroke}2e` });
    series.push(edge, { ...edge });
  }
  return { series, bands };
}

function drawMarks(plot: uPlot, marks: CurveProps['marks']): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  const placed = marks
    .map(({ step, number, isCalm }) => ({ x: plot.valToPos(step, 'x', true), number, isCalm }))
    .filter(({ x }) => x >= bbox.left && x <= right);
  const ratio = devicePixelRatio;
  const colourOf = ({ isCalm }: { isCalm: boolean }) => styleValue(isCalm ? '--muted' : '--alert');
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  for (const mark of placed) {
    ctx.strokeStyle = colourOf(mark);
    ctx.beginPath();
    ctx.moveTo(mark.x, bbox.top);
    ctx.lineTo(mark.x, bbox.top + bbox.height);
    ctx.stroke();
  }
  for (const label of labelsOf(placed.map(({ x, ...mark }) => ({ ...mark, x: x / ratio })))) {
    const { width } = ctx.measureText(label.text);
    const x = label.x * ratio + 3 * ratio;
    ctx.fillStyle = colourOf(label);
    ctx.fillText(label.text, x + width > right ? x - width - 6 * ratio : x, bbox.top + 11 * ratio);
  }
  ctx.restore();
}

/** What is drawn at the moment. */
type Drawn = Pick<CurveProps, 'lines' | 'marks'> & { steps: readonly number[] };

/** What of a line asks for another figure where it changes. */
const shapeOf = ({ name, place, isDashed, low, high, values }: Line) => [
  ...[name, place, isDashed, low !== undefined && high !== undefined],
  values.filter((value) => value !== null).length === 1,
];

/** Gives a figure other values. What the reader has zoomed into stays; all that there is grows with them. */
function update(plot: uPlot, data: uPlot.AlignedData): void {
  const { min, max } = plot.scales.x ?? {};
  const [before] = plot.data;
  const isZoomed =
    min !== undefined && max !== undefined && before.length > 0 && (min > before[0]! || max < before.at(-1)!);
  plot.setData(data, !isZoomed);
  if (isZoomed) plot.setScale('x', { min, max });
}

/** Writes the values of a step into the legend; without one those of the last. */
function readOut(legend: HTMLElement, { lines, steps }: Drawn, index: number | null): void {
  const step = index === null ? undefined : steps[index];
  for (const [i, item] of [...legend.querySelectorAll('output')].entries()) {
    const line = lines[i];
    if (!line) continue;
    const value = step === undefined ? lastOf(line.values) : line.values[line.steps.indexOf(step)];
    write(item, brief(value));
  }
  write(legend.querySelector('b')!, step === undefined ? 'last' : `step ${step}`);
}

/** Changes a text in its place: Preact knows its node. */
function write(element: Element, text: string): void {
  const { firstChild } = element;
  if (firstChild) firstChild.nodeValue = text;
}

function optionsOf(
  { unit, lines, isLog }: CurveProps,
  drawn: RefObject<Drawn>,
  width: number,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const ink = styleValue('--muted');
  const grid = { stroke: styleValue('--grid'), width: 1 };
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font, labelFont: font, labelSize: 18 };
  return {
    width,
    height: HEIGHT,
    ...seriesOf(lines),
    legend: { show: false },
    scales: { x: { time: false }, y: { ...(isLog && LOGARITHMIC) } },
    axes: [
      { ...axis, label: 'step', size: 30, values: (_, ticks) => ticks.map((tick) => brief(tick)) },
      {
        ...axis,
        label: printable(short(unit, 24)),
        size: 58,
        values: (_, ticks) => ticks.map((tick) => ((tick as number | null) === null ? '' : brief(tick))),
      },
    ],
    cursor: { sync: { key: SYNC, setSeries: false }, points: { show: lines.length <= 6 }, y: false },
    hooks: {
      draw: [
        (plot) => {
          drawMarks(plot, drawn.current.marks);
        },
      ],
      setCursor: [
        (plot) => {
          onCursor(plot.cursor.idx ?? null);
        },
      ],
    },
  };
}

/** What the figure says to those who do not see it. */
const inWords = ({ title, lines }: CurveProps): string =>
  `${title} over the steps. Last values: ${lines.map(({ name, values }) => `${short(name)} ${brief(lastOf(values))}`).join(', ')}.`;

export function Curve(props: CurveProps) {
  const { title, lines } = props;
  const isLog = props.isLog && lines.every(isPositive);
  const [ref, width] = useWidth<HTMLDivElement>();
  const readout = useRef<HTMLParagraphElement>(null);
  const colours = useTheme();
  const { data, steps } = useMemo(() => aligned(lines), [lines]);
  const drawn = useRef<Drawn>({ lines, steps, marks: props.marks });
  drawn.current = { lines, steps, marks: props.marks };
  const plot = useRef<{ made: uPlot; data: uPlot.AlignedData } | undefined>(undefined);
  const show = (index: number | null) => {
    if (readout.current) readOut(readout.current, drawn.current, index);
  };
  // As long as the lines are drawn in the same way, the figure stays and takes new values: cursor and zoom are the reader's.
  const shape = JSON.stringify([props.unit, lines.map(shapeOf)]);
  useEffect(() => {
    const element = ref.current;
    if (!element || width === 0) return;
    const made = new uPlot(optionsOf({ ...props, isLog }, drawn, width, show), data, element);
    plot.current = { made, data };
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [width, shape, colours, isLog]);
  useEffect(() => {
    const now = plot.current;
    if (now && now.data !== data) update(now.made, data);
    else now?.made.redraw(); // for its marks
    if (now) now.data = data;
    show(now?.made.cursor.idx ?? null);
  }, [data, props.marks]);
  return (
    <figure class="curve">
      <figcaption>
        <strong>{title}</strong>
        {props.isLog && !isLog && <span class="note"> linear: it has values of 0 or less</span>}
        <Downloads
          name={title}
          columns={[
            { name: 'step', value: (step: number) => step },
            ...lines.map((line) => {
              const places = new Map(line.steps.map((step, i) => [step, i]));
              return {
                name: line.name,
                value: (step: number) => line.values[places.get(step) ?? -1] ?? null,
              };
            }),
          ]}
          rows={steps}
        />
      </figcaption>
      <div ref={ref} class="canvas" role="img" aria-label={inWords(props)} />
      <p class="legend" ref={readout}>
        <b>last</b>
        {lines.map(({ name, place, isDashed, values }) => (
          <span key={name}>
            <Swatch place={place} isDashed={isDashed} /> <Name of={name} length={40} />{' '}
            <output>{brief(lastOf(values))}</output>
          </span>
        ))}
      </p>
    </figure>
  );
}
