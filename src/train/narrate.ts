/** @file Tells people how a training run goes: its events as lines and a progress bar. */

import { place } from '../doctor/print.js';
import { formatBytes, formatCount } from '../util/bytes.js';
import type { Progress } from '../util/progress.js';
import { GrowingSparkline } from '../util/sparkline.js';
import type { Estimate } from './estimate.js';
import type { DroppedRow } from './examples.js';
import type { Proof } from './proofs.js';
import type { TrainEvent } from './trainer.js';

/** Shows a run's events: the data and the loss, a bar with loss and speed, and where checkpoints were saved. */
export function reportTraining(progress: Progress): (event: TrainEvent) => void {
  const curves = new Map(Object.values(DRAWN).map((name) => [name, new GrowingSparkline()]));
  return (event) => {
    switch (event.kind) {
      case 'tokenized':
        progress.update(event.done, event.total, 'tokenising');
        break;
      case 'doctor':
        if (event.every > 1)
          progress.log(
            `doctor: only ${event.examined} rows were examined, one in ${event.every}, spread over the file`,
          );
        for (const group of event.findings)
          progress.log(`${group.severity}: ${group.code} (${place(group)}): ${group.detail}`);
        break;
      case 'notice':
        progress.log(event.sentence);
        break;
      case 'data': {
        progress.log(`data: ${event.rows} rows, ${event.tokens} tokens`);
        if (event.dropped.length > 0) {
          const lines = event.dropped.slice(0, 5).map(describeDropped);
          const more = event.dropped.length > lines.length ? ', …' : '';
          progress.log(
            `left out as too long: ${event.dropped.length} rows, lines ${lines.join(', ')}${more}`,
          );
        }
        break;
      }
      case 'estimate':
        progress.log(`estimate: ${describeEstimate(event)}`);
        break;
      case 'start':
        progress.log(`loss: ${event.formula}`);
        progress.log(`layout: ${event.layout}, ${LAYOUTS[event.layout]}`);
        progress.log(`${event.steps} steps${warmingUp(event)}, ${parametersOf(event)}`);
        break;
      case 'reference':
        progress.update(event.done, event.total, 'scoring the reference');
        break;
      case 'proofs':
        progress.log(`proofs: ${event.proofs.map(describeProof).join(', ')}`);
        break;
      case 'step':
        for (const [name, curve] of curves) curve.add(event.metrics[name] ?? NaN);
        progress.update(event.metrics.step, event.steps, describe(event.metrics), (width) =>
          describe(event.metrics, (name) => ` ${curves.get(name)!.draw(width)}`),
        );
        break;
      case 'measured':
        progress.log(
          `step ${event.step}: ${describeMeasured(event.metrics)} (${event.seconds.toFixed(1)} s)`,
        );
        break;
      case 'sentinel':
        progress.log(`sentinel, step ${event.step}: ${event.sentence}`);
        break;
      case 'saved':
      case 'state':
        progress.log(`saved ${event.path}`);
        break;
    }
  };
}

/** What is trained of a response, which is not the same in both layouts. */
const LAYOUTS = {
  template: 'which trains a response up to the token that ends its turn',
  redi: "which trains all that the template writes after the prompt, as the REDI paper's code does",
} as const;

function warmingUp({ warmup, idle }: TrainEvent & { kind: 'start' }): string {
  if (warmup === 0) return '';
  const still = idle > 0 ? `, the first with learning rate 0` : '';
  return ` (the warm-up is ${warmup} of them${still})`;
}

/** Says what a run is expected to take. */
export function describeEstimate({ memory, others, seconds, tokens }: Estimate): string {
  const rest = others?.count === 1 ? 'the other' : 'each of the others';
  const several = others
    ? ` in the first of ${others.count + 1} processes and ${formatBytes(others.memory)} in ${rest}`
    : '';
  return `memory up to ${formatBytes(memory)}${several}, ${Number(seconds.toPrecision(2))} s a step of ${tokens} tokens`;
}

function describeDropped(row: DroppedRow): string {
  const length = 'tokens' in row ? `${row.tokens} tokens` : `${row.characters} characters`;
  return `${row.line} (${length})`;
}

const describeProof = ({ claim, difference, bound }: Proof): string =>
  `${claim} differ by ${difference === 0 ? 0 : difference.toExponential(1)} of at most ${bound}`;

/** What was measured beside the steps, a share as a number from 0 to 1. */
const describeMeasured = (metrics: Record<string, number>): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');

/** What is drawn beside its number, by its name in metrics.jsonl. */
const DRAWN = {
  loss: 'loss',
  chosen: 'logps/chosen_per_token',
  rejected: 'logps/rejected_per_token',
} as const;

/** @param curveOf what stands behind a number: its curve so far */
function describe(
  metrics: Record<string, number>,
  curveOf: (name: (typeof DRAWN)[keyof typeof DRAWN]) => string = () => '',
): string {
  // What matters least comes last: it goes first where the line is too short.
  const parts = [
    `${Math.round(metrics.tokens_per_second!)} tokens/s`,
    `loss ${metrics.loss!.toFixed(4)}${curveOf(DRAWN.loss)}`,
  ];
  const [chosen, rejected] = [metrics[DRAWN.chosen], metrics[DRAWN.rejected]];
  if (chosen !== undefined && rejected !== undefined) {
    const sides = [
      `${chosen.toFixed(3)}${curveOf(DRAWN.chosen)}`,
      `${rejected.toFixed(3)}${curveOf(DRAWN.rejected)}`,
    ];
    parts.push(`logps per token ${sides.join(' / ')}`);
  }
  return parts.join(', ');
}

const parametersOf = ({ parameters, trained }: { parameters: number; trained: number }): string =>
  parameters === trained
    ? `${formatCount(parameters)} parameters`
    : `${formatCount(trained)} parameters of adapters over ${formatCount(parameters)} that stay as they are`;
