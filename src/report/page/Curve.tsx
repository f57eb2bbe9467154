/** @file A figure of long curves over the steps, on a canvas by uPlot, with its legend. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { printable } from '../../util/printable.js';
import { isPositive, lastOf, unionOf, type Line } from './lines.js';
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
  marks: readonly { step: number; number: number }[];
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
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = styleValue('--alert');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const { step, number } of marks) {
    const x = plot.valToPos(step, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(String(number), x + 3 * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
  }
  ctx.restore();
}

function optionsOf(
  { unit, lines, marks, isLog }: CurveProps,
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
          drawMarks(plot, marks);
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
  useEffect(() => {
    const element = ref.current;
    if (!element || width === 0) return;
    const places = lines.map((line) => new Map(line.steps.map((step, i) => [step, i])));
    const show = (index: number | null) => {
      if (!readout.current) return;
      const step = index === null ? undefined : steps[index];
      for (const [i, item] of [...readout.current.querySelectorAll('output')].entries()) {
        const { values } = lines[i]!;
        item.textContent = brief(step === undefined ? lastOf(values) : values[places[i]!.get(step) ?? -1]);
      }
      readout.current.querySelector('b')!.textContent = step === undefined ? 'last' : `step ${step}`;
    };
    const plot = new uPlot(optionsOf({ ...props, isLog }, width, show), data, element);
    return () => {
      plot.destroy();
    };
  }, [width, lines, colours, isLog, props.marks]);
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
