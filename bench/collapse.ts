/**
 * The sentinel's verdicts on runs that are made to show them, with accuracy beside: supervised fine-tuning, REDI at a third of its
 * learning rate, REDI.
 *
 *   npm run bench:collapse -- --model DIR --data PAIRS [--lr 3e-5] [--steps 56] [--problems 200]
 *
 * DIR is a student and PAIRS its own right and wrong answers, such as `runs/quickstart/sft/model` and
 * `runs/quickstart/own/pref.jsonl`. Accuracy is that on word problems which the quickstart does not train on, greedy with a
 * calculator; the sentinel is not told of it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sighting } from '../src/train/watch/state.js';
import { formatTable } from '../src/util/table.js';
import { machine, root } from './support.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    lr: { type: 'string', default: '3e-5' },
    steps: { type: 'string', default: '56' },
    problems: { type: 'string', default: '200' },
  },
});
const { model, data } = values;
if (model === undefined || data === undefined)
  throw new Error('name a student with --model and its pairs with --data');
const lr = Number(values.lr);
const work = mkdtempSync(join(tmpdir(), 'redistill-collapse-'));

function redistill(...args: string[]): void {
  const run = spawnSync(process.execPath, [join(root, 'bin/redistill.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (run.status !== 0) throw new Error(`redistill ${args.join(' ')} ended with ${run.status}`);
}

const rowsOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);

/** Accuracy of a model, in per cent with its standard error. */
function accuracyOf(dir: string, name: string): string {
  const out = join(work, `${name}-evaluation`);
  redistill(
    ...['evaluate', join(root, 'examples/word-problems/train.jsonl'), '--model', dir, '--out', out],
    ...['--shuffle', '0', '--skip', '2000', '--count', values.problems, '--grader', 'verify:anchored'],
    ...['--max-tokens', '120', '--calculator'],
  );
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as {
    graders: Record<string, { pass_at_1: number; standard_error: number }>;
  };
  const { pass_at_1: mean, standard_error: error } = summary.graders['verify:anchored']!;
  return `${(100 * mean).toFixed(1)} ± ${(100 * error).toFixed(1)}`;
}

function row(name: string, objective: object, rate: number): string[] {
  const out = join(work, name);
  const recipe = join(work, `${name}.yaml`);
  const settings = {
    model,
    data,
    out,
    objective,
    optimizer: { lr: rate },
    batch_size: 8,
    sentinel: { every: 14 },
  };
  writeFileSync(recipe, JSON.stringify({ ...settings, max_steps: Number(values.steps) }));
  redistill('train', recipe);
  const steps = rowsOf(join(out, 'metrics.jsonl')).filter((line) => 'learning_rate' in line);
  const side = (line: Record<string, number>) =>
    [line['logps/chosen_per_token'] ?? -line.loss!, line['logps/rejected_per_token'] ?? NaN]
      .filter((value) => !Number.isNaN(value))
      .map((value) => value.toFixed(2))
      .join(' / ');
  const sightings = JSON.parse(readFileSync(join(out, 'sentinel.json'), 'utf8')) as Sighting[];
  const said = sightings.map(({ step, verdict }) => `${verdict} (${step})`).join(', ');
  return [
    name,
    String(rate),
    side(steps[0]!),
    side(steps.at(-1)!),
    said,
    accuracyOf(join(out, 'model'), name),
  ];
}

try {
  const before = accuracyOf(model, 'before');
  const rows = [
    row('SFT', { name: 'sft' }, lr),
    row('REDI, a third', { name: 'redi', alpha: 0.8 }, lr / 3),
    row('REDI', { name: 'redi', alpha: 0.8 }, lr),
  ];
  console.log(`${machine()}; ${values.steps} steps of 8; accuracy before ${before} % of ${values.problems}`);
  const heading = [
    'run',
    'lr',
    'log-probs a token, first step',
    'last step',
    'verdicts (step)',
    'accuracy, %',
  ];
  console.log(formatTable(heading, rows));
} finally {
  rmSync(work, { recursive: true });
}
