/** @file The six questions that a reader has of a report, each answered in sentences made from the files. docs/guide/reading.md explains them. */
import { counted } from '../../util/counted.js';
import { formatBytes } from '../../util/bytes.js';
import { formatDuration } from '../../util/progress.js';
import type { AnsweredQuestion, ComparisonTable, Report, StageBox, TrainingRun } from '../model.js';
import { shortened } from './json.js';
import { lastIn } from './last.js';
import { evaluated, trained } from './sentences.js';

type Parts = Pick<Report, 'runs' | 'evaluations' | 'comparisons' | 'stages'>;

/** So many of a kind are told; the others are counted. */
const MOST = 4;

/** The first of a list of sentences, and how many more there are where. */
function first(sentences: readonly string[], what: string, where: string): string[] {
  const more = sentences.length - MOST;
  return more > 0
    ? [...sentences.slice(0, MOST), `${counted(more, `more ${what}`)} under ${where}.`]
    : [...sentences];
}

/** Answers the six questions. */
export function answersOf(parts: Parts): AnsweredQuestion[] {
  const { runs, evaluations, comparisons } = parts;
  const gained = evaluations.flatMap(evaluated);
  return [
    { question: 'What was done?', sentences: done(parts) },
    { question: 'On what?', sentences: data(parts) },
    {
      question: 'What did it gain?',
      sentences:
        gained.length > 0 ? first(gained, 'set', 'Evaluation') : ['Nothing in this report was evaluated.'],
    },
    { question: 'How sure is that?', sentences: sureness(comparisons, gained.length > 0) },
    { question: 'What did it cost, and what went wrong?', sentences: [...cost(runs), ...faults(parts)] },
    { question: 'What next?', sentences: next(parts) },
  ];
}

function done({ runs, evaluations }: Parts): string[] {
  if (runs.length > 0) return trained(runs);
  const names = evaluations.flatMap(({ columns }) => columns.map(({ name }) => name));
  if (names.length === 0) return ['No training and no evaluation has come to a result yet.'];
  const more = names.length > MOST ? `, and ${names.length - MOST} more` : '';
  return [`Evaluations were made: ${names.slice(0, MOST).join(', ')}${more}. No training is in this report.`];
}

/** Counts of stages that make data, in the order in which they are told. */
const DATA = { collect: 'collected', curate: 'made' };

function data({ runs, evaluations, stages }: Parts): string[] {
  const made = stages.filter(
    (stage): stage is StageBox & { kind: keyof typeof DATA } => stage.kind in DATA && stage.counts.length > 0,
  );
  const files = [...new Set(runs.map(({ settings }) => shortened(settings.data)))];
  const trainedOn =
    made.length > 0
      ? made.map(({ name, kind, counts }) => {
          const told = counts.slice(0, MOST).map((one) => `${one.value.toLocaleString('en')} ${one.name}`);
          return `${name} (${DATA[kind]}): ${told.join(', ')}.`;
        })
      : files.length > 0
        ? [`Trained on ${files.slice(0, MOST).join(', ')}${files.length > MOST ? ', …' : ''}.`]
        : [];
  const examined = evaluations.map(
    ({ name, problems }) => `${counted(problems.ids.length, 'problem')} of ${name}`,
  );
  const told = examined.length === 0 ? [] : [`Examined on ${examined.slice(0, MOST).join('; ')}.`];
  const all = [...first(trainedOn, 'stage', 'Stages'), ...told];
  return all.length > 0 ? all : ['The files do not say.'];
}

function sureness(comparisons: readonly ComparisonTable[], isEvaluated: boolean): string[] {
  if (comparisons.length === 0)
    return [
      isEvaluated
        ? 'Nothing is compared: there is one evaluation, and its ± is one standard error.'
        : 'Nothing is compared.',
    ];
  const told = comparisons.map(({ before, after, verdict }) =>
    /\b[AB]\b/.test(verdict) ? `A is ${before}, B is ${after}: ${verdict}` : verdict,
  );
  return first(told, 'comparison', 'Comparison');
}

const seriesOf = (run: TrainingRun, name: string): (number | null)[] =>
  run.curves.series.find((series) => series.name === name)?.mean ?? [];
/** The highest number of a curve, also where its points are means of several. */
const highestOf = ({ curves }: TrainingRun, name: string): number | undefined => {
  const series = curves.series.find((one) => one.name === name);
  return (series?.high ?? series?.mean ?? [])
    .filter(isNumber)
    .reduce<number | undefined>(
      (most, value) => (most === undefined || value > most ? value : most),
      undefined,
    );
};
const isNumber = (value: number | null | undefined): value is number => typeof value === 'number';

/** Tokens of a run, and the seconds that its steps took by their tokens a second; without the second where that is not known. */
function effort(run: TrainingRun): { tokens: number; seconds: number | undefined } {
  const tokens = seriesOf(run, 'num_tokens');
  const speeds = seriesOf(run, 'tokens_per_second');
  let seconds: number | undefined = 0;
  for (const [i, now] of tokens.entries()) {
    const speed = speeds[i];
    const before = i === 0 ? 0 : tokens[i - 1];
    if (!isNumber(now) || !isNumber(before) || !isNumber(speed) || speed <= 0) seconds = undefined;
    else if (seconds !== undefined) seconds += (now - before) / speed;
  }
  return { tokens: lastIn(run, 'num_tokens') ?? 0, seconds };
}

function cost(runs: readonly TrainingRun[]): string[] {
  const efforts = runs.map(effort);
  const tokens = efforts.reduce((sum, one) => sum + one.tokens, 0);
  if (tokens === 0) return [];
  const times = efforts.map(({ seconds }) => seconds);
  const time = times.includes(undefined)
    ? ''
    : ` in about ${formatDuration(times.reduce<number>((sum, seconds) => sum + seconds!, 0))} of steps`;
  const peaks = runs.flatMap((run) => highestOf(run, 'peak_memory_bytes') ?? []);
  const memory =
    peaks.length === 0
      ? ''
      : `, with at most ${formatBytes(peaks.reduce((a, b) => Math.max(a, b)))} of memory`;
  return [`Training: ${tokens.toLocaleString('en')} tokens${time}${memory}.`];
}

/** From this share of cut-off responses on a number says more of the limit than of the model. */
const CUT_OFF = 0.1;
const isHealthy = (sentence: string): boolean => sentence.startsWith('healthy');

/** The runs that the sentinel's last sentence does not call healthy. */
const accused = (runs: readonly TrainingRun[]): { run: TrainingRun; sentence: string }[] =>
  runs.flatMap((run) => {
    const last = run.alerts.at(-1);
    return last === undefined || isHealthy(last.sentence) ? [] : [{ run, sentence: last.sentence }];
  });

function faults({ runs, evaluations, comparisons, stages }: Parts): string[] {
  const cut = evaluations
    .flatMap(({ columns }) => columns)
    .filter(({ cutOff, responses }) => cutOff >= CUT_OFF * responses && responses > 0)
    .map(({ name, cutOff, responses }) => `${name} (${((100 * cutOff) / responses).toFixed(0)} %)`);
  const open = stages.filter(({ state }) => state !== 'done').map(({ name }) => name);
  const told = [
    ...accused(runs).map(({ run, sentence }) => `The sentinel on ${run.name}: ${sentence}.`),
    ...(cut.length === 0 ? [] : [`Many responses were cut off: ${cut.slice(0, MOST).join(', ')}.`]),
    ...(open.length === 0 ? [] : [`Not done: ${open.slice(0, MOST).join(', ')}.`]),
    ...new Set(comparisons.flatMap(({ warnings }) => warnings)),
  ];
  return told.length === 0
    ? ['Nothing went wrong that the files tell of.']
    : first(told, 'remark', 'Training and Comparison');
}

const points = (share: number): string => (100 * share).toFixed(1);

function next({ runs, evaluations, comparisons, stages }: Parts): string[] {
  const told: string[] = [];
  if (stages.some(({ state }) => state !== 'done'))
    told.push('The same “redistill run” goes on where it stopped.');
  else if (runs.some(({ finished }) => !finished))
    told.push('“redistill train --resume” goes on with what is not finished.');
  const collapsed = accused(runs).filter(({ sentence }) => sentence.startsWith('collapse'));
  if (collapsed.length > 0)
    told.push(
      `Train ${collapsed[0]!.run.name} again with a lower learning rate, and if that is not enough a lower α.`,
    );
  if (evaluations.length === 0) told.push('Evaluate the model before and after, with “redistill evaluate”.');
  else if (comparisons.length === 0)
    told.push('Evaluate what it is to be compared with, on the same problems.');
  const [comparison] = comparisons.slice(-1);
  if (comparison) told.push(...afterComparison(comparison));
  return told;
}

function afterComparison({ finding, rows, after, before }: ComparisonTable): string[] {
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  const look = lost === 0 ? [] : [`Look at what was lost: ${counted(lost, 'problem')} under Comparison.`];
  if (finding === 'better') return [`Train ${after} with other seeds: one run is one draw.`, ...look];
  if (finding === 'worse') return [`Keep ${before}.`, ...look];
  const seen = rows.map(({ detectableEffect }) => detectableEffect).filter(isNumber);
  const sees = seen.length === 0 ? '' : ` than the ${points(Math.min(...seen))} points that this one sees`;
  return [
    `A smaller difference${sees} takes more problems, samples or seeds: “redistill plan” says how many.`,
    ...look,
  ];
}
