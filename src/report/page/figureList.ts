/** @file Which curves are drawn, in which order and with whom: by the names that metrics.jsonl and speed.jsonl use. */
import type { TrainingRun } from '../model.js';

export interface FigurePlan {
  title: string;
  unit: string;
  /** Series of the figure, with what sets each apart in it. */
  series: { name: string; words?: string }[];
}

const KNOWN: readonly FigurePlan[] = [
  { title: 'Loss', unit: 'loss', series: [{ name: 'loss' }] },
  {
    title: 'Log-probability per token of both sides',
    unit: 'nats per token',
    series: [
      { name: 'logps/chosen_per_token', words: 'chosen' },
      { name: 'logps/rejected_per_token', words: 'rejected' },
    ],
  },
  { title: 'Margin of rewards', unit: 'chosen − rejected', series: [{ name: 'rewards/margins' }] },
  { title: 'Gradient norm before clipping', unit: 'norm', series: [{ name: 'grad_norm' }] },
  { title: 'Learning rate', unit: 'learning rate', series: [{ name: 'learning_rate' }] },
  { title: 'Speed', unit: 'tokens per second', series: [{ name: 'tokens_per_second' }] },
  { title: 'Peak of memory', unit: 'bytes', series: [{ name: 'peak_memory_bytes' }] },
];

/** Series that say how far a run is, which every figure's axis says. */
const CLOCKS = ['step', 'epoch', 'num_tokens'];

/** Figures that everybody looks at, then what was measured beside the steps. */
export function mainFigures(runs: readonly TrainingRun[]): FigurePlan[] {
  const measured = [...new Set(runs.flatMap((run) => run.measured.map(({ name }) => name)))];
  return [
    ...KNOWN,
    ...measured.map((name) => ({ title: `Measured: ${name}`, unit: name, series: [{ name }] })),
  ];
}

/** A figure for each other series that any run has. */
export function otherFigures(runs: readonly TrainingRun[]): FigurePlan[] {
  const known = new Set([...CLOCKS, ...KNOWN.flatMap(({ series }) => series.map(({ name }) => name))]);
  const names = new Set(runs.flatMap(({ curves }) => curves.series.map(({ name }) => name)));
  return [...names]
    .filter((name) => !known.has(name))
    .map((name) => ({ title: name, unit: name, series: [{ name }] }));
}
