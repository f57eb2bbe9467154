import { expect, it } from 'vitest';
import { reportTraining } from './narrate.js';
import type { StepMetrics, TrainEvent } from './trainer.js';

function told(...events: TrainEvent[]): string[] {
  const lines: string[] = [];
  const report = reportTraining({
    update: (done, total, note) => lines.push(`${done}/${total} ${note}`),
    log: (line) => lines.push(line),
    finish: () => undefined,
  });
  events.forEach(report);
  return lines;
}

const start = {
  kind: 'start',
  formula: '−logp',
  layout: 'template',
  parameters: 49_392,
  trained: 49_392,
} as const;

it('says how many steps warm up, what of a response is trained, and counts in units that fit', () => {
  expect(told({ ...start, steps: 10, warmup: 3, idle: 1 })).toEqual([
    'loss: −logp',
    'layout: template, which trains a response up to the token that ends its turn',
    '10 steps (the warm-up is 3 of them, the first with learning rate 0), 49.4 k parameters',
  ]);
  expect(
    told({ ...start, steps: 10, warmup: 0, idle: 0, parameters: 134_515_008, trained: 134_515_008 })[2],
  ).toBe('10 steps, 135 M parameters');
});

it('says what a run is expected to take', () => {
  expect(told({ kind: 'estimate', memory: 3.012e9, seconds: 13.26, tokens: 2019 })).toEqual([
    'estimate: memory up to 3 GB, 13 s a step of 2019 tokens',
  ]);
  const several = (count: number) =>
    told({ kind: 'estimate', memory: 3.012e9, others: { count, memory: 2e9 }, seconds: 13.26, tokens: 2019 });
  expect(several(3)).toEqual([
    'estimate: memory up to 3 GB in the first of 4 processes and 2 GB in each of the others, 13 s a step of 2019 tokens',
  ]);
  expect(several(1)[0]).toContain('memory up to 3 GB in the first of 2 processes and 2 GB in the other, ');
});

it('shows how far the tokeniser is', () => {
  expect(told({ kind: 'tokenized', done: 256, total: 1000 })).toEqual(['256/1000 tokenising']);
});

it('says what was measured, and what the sentinel has seen', () => {
  expect(
    told(
      { kind: 'measured', step: 50, seconds: 3.21, metrics: { eval_loss: 1.23456, eval_accuracy: 0.25 } },
      { kind: 'sentinel', step: 50, verdict: 'healthy', sentence: 'healthy; as before' },
    ),
  ).toEqual([
    'step 50: eval_loss 1.235, eval_accuracy 0.25 (3.2 s)',
    'sentinel, step 50: healthy; as before',
  ]);
});

it('says first what matters while one waits', () => {
  const metrics: StepMetrics = {
    ...{ step: 3, epoch: 0.5, loss: 0.95931, grad_norm: 1, learning_rate: 0, num_tokens: 9 },
    ...{ tokens_per_second: 465.4, peak_memory_bytes: 1 },
    'logps/chosen_per_token': -4.777,
    'logps/rejected_per_token': -12.3,
  };
  expect(told({ kind: 'step', metrics, steps: 7 })).toEqual([
    '3/7 465 tokens/s, loss 0.9593, logps per token -4.777 / -12.300',
  ]);
});

it('has curves of the loss and of both sides for a terminal that has room for them', () => {
  const pictures: string[] = [];
  const report = reportTraining({
    update: (_done, _total, _note, picture) => pictures.push(picture!(4)),
    log: () => undefined,
    finish: () => undefined,
  });
  for (const [step, loss] of [4, 3, 2, 1].entries())
    report({
      kind: 'step',
      steps: 4,
      metrics: {
        ...{ step, epoch: 0, loss, grad_norm: 1, learning_rate: 0, num_tokens: 9 },
        ...{ tokens_per_second: 465.4, peak_memory_bytes: 1 },
        'logps/chosen_per_token': -2,
        'logps/rejected_per_token': step % 2,
      },
    });
  expect(pictures.at(-1)).toBe('465 tokens/s, loss 1.0000 █▆▃▁, logps per token -2.000 ▁▁▁▁ / 1.000 ▁█▁█');
});
