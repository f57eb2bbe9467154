/** @file The six questions that a reader has of a report, each answered in sentences made from the files. docs/guide/reading.md explains them. */
import { counted, numbered } from '../../util/counted.js';
import { formatBytes } from '../../util/bytes.js';
import { formatDuration } from '../../util/progress.js';
import {
  isHealthy,
  type AnsweredQuestion,
  type ComparisonTable,
  type EvaluationSet,
  type Report,
  type StageBox,
  type TrainingRun,
} from '../model.js';
import { HOLDERS, type FoundFolder } from './folders.js';
import { shortened } from './json.js';
import { lastIn } from './last.js';
import type { FoundStudy } from './studies.js';
import type { Told } from './told.js';
import { evaluated, trained } from './sentences.js';
import { listed } from './words.js';

type Parts = Pick<Report, 'runs' | 'evaluations' | 'comparisons' | 'stages'>;

/** What else the folders of a report say. */
export interface FurtherParts {
  told?: readonly Told[];
  studies?: readonly FoundStudy[];
  /** Results on which somebody works at the moment; a report that is written once knows of none. */
  underWay?: readonly Pick<FoundFolder, 'name' | 'record'>[];
}
type All = Parts & Required<FurtherParts>;

/** So many of a kind are told; the others are counted. */
const MOST = 4;

/** The first of a list of sentences, and how many more there are where. */
function first(sentences: readonly string[], what: string, where: string): string[] {
  const more = sentences.length - MOST;
  return more > 0
    ? [...sentences.slice(0, MOST), `${counted(more, `more ${what}`)} under ${where}.`]
    : [...sentences];
}

/** Answers the six questions. What does not apply to what a report is of is said to. */
export function answersOf(parts: Parts & FurtherParts): AnsweredQuestion[] {
  const { told = [], studies = [], underWay = [], ...given } = parts;
  const hasOthers = given.runs.length + given.evaluations.length > 0;
  // The line of stages tells of stages; where a pipeline has come no further they are all that there is.
  const others = told.filter(
    ({ isStage, command }) =>
      !hasOthers || (!isStage && !(command === 'compare' && given.evaluations.length > 0)),
  );
  const all: All = { ...given, told: others, studies, underWay };
  const answers = {
    'What was done?': done(all),
    'On what?': data(all),
    'What did it gain?': gain(all),
    'How sure is that?': sureness(all),
    'What did it cost, and what went wrong?': [...cost(all), ...faults(all)],
    'What next?': next(all),
  };
  return Object.entries(answers).map(([question, sentences]) => ({ question, sentences }));
}

/** The sentences with which a report begins: what was done, what it gained, how sure that is. */
export const sentencesIn = (answers: readonly AnsweredQuestion[]): string[] =>
  [0, 2, 3].flatMap((place) => answers[place]!.sentences);

const toldOf = (
  { told }: All,
  what: 'done' | 'data' | 'gained' | 'sure' | 'cost' | 'wrong' | 'next',
): string[] => [...new Set(told.flatMap((one) => one[what]))];

/** Whether the study that something is part of tells of it. */
const isInStudy =
  ({ studies }: All) =>
  ({ study }: { study?: string }): boolean =>
    study !== undefined && studies.some(({ dir }) => dir === study);

/** Whether somebody works on the result of a name, or on what it is part of. */
const isUnderWay =
  ({ underWay }: All) =>
  ({ name }: { name: string }): boolean =>
    underWay.some((one) => name === one.name || name.startsWith(`${one.name}/`));

/** Whether somebody works on a result of a command, which nobody has to begin again then. */
const goesOn = ({ underWay }: All, command: string): boolean =>
  underWay.some(({ record }) => record.command === command);

function done(all: All): string[] {
  const { runs, evaluations, studies } = all;
  const others = first(toldOf(all, 'done'), 'result', 'Stages and Traces');
  const ofStudies = studies.flatMap((study) => {
    const bases = new Set(runs.flatMap((run) => (run.study === study.dir ? (run.base ?? []) : [])));
    return bases.size === 0
      ? study.done
      : [
          ...study.done,
          `${numbered(bases.size, 'The base model', 'The base models')} of ${study.name} ${numbered(bases.size, 'is', 'are')} ${[...bases].join(', ')}.`,
        ];
  });
  if (runs.length + studies.length > 0)
    return [
      ...ofStudies,
      ...trained(
        runs.filter((run) => !isInStudy(all)(run)),
        isUnderWay(all),
      ),
      ...others,
    ];
  const names = evaluations.flatMap(({ columns }) =>
    columns.map(({ name, base }) => (base === undefined ? name : `${name} of ${base}`)),
  );
  if (names.length === 0)
    return others.length > 0 ? others : ['No training and no evaluation has come to a result yet.'];
  const more = names.length > MOST ? `, and ${names.length - MOST} more` : '';
  return [
    `${numbered(names.length, 'An evaluation was', 'Evaluations were')} made: ${names.slice(0, MOST).join(', ')}${more}. No training is in this report.`,
    ...others,
  ];
}

/** Counts of stages that make data, in the order in which they are told. */
const DATA = { collect: 'collected', curate: 'made' };

function data(parts: All): string[] {
  const { runs, evaluations, stages, studies } = parts;
  const made = stages.filter(
    (stage): stage is StageBox & { kind: keyof typeof DATA } =>
      Object.hasOwn(DATA, stage.kind) && stage.counts.length > 0,
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
  const examined = evaluations
    .filter(({ columns }) => !columns.every(isInStudy(parts)))
    .map(({ name, problems }) => `${counted(problems.ids.length, 'problem')} of ${name}`);
  const told = [
    ...studies.flatMap((study) => study.data),
    ...(examined.length === 0 ? [] : [`Examined on ${examined.slice(0, MOST).join('; ')}.`]),
  ];
  // The evaluations of a benchmark say on what as well.
  const others = toldOf(
    { ...parts, told: parts.told.filter(({ command }) => examined.length === 0 || command !== 'benchmark') },
    'data',
  );
  const all = [...first(trainedOn, 'stage', 'Stages'), ...told, ...first(others, 'file', 'Traces')];
  return all.length > 0 ? all : ['The files do not say.'];
}

function gain(all: All): string[] {
  const gained = [
    ...all.studies.flatMap((study) => study.gained),
    ...all.evaluations.flatMap((set) => evaluated(set, (column) => !isInStudy(all)(column))),
  ];
  const others = toldOf(all, 'gained');
  if (gained.length > 0) return [...first(gained, 'result', 'Evaluation'), ...others];
  if (all.runs.length > 0 || all.told.length === 0)
    return ['Nothing in this report was evaluated.', ...others];
  return others.length > 0 ? others : ['That does not apply: nothing was trained or evaluated here.'];
}

function sureness(all: All): string[] {
  const { comparisons, evaluations } = all;
  const columns = evaluations.flatMap((set) => set.columns);
  const told = comparisons.map(({ before, after, verdict }) =>
    /\b[AB]\b/.test(verdict) ? `A is ${before}, B is ${after}: ${verdict}` : verdict,
  );
  if (told.length > 0) return first(told, 'comparison', 'Comparison');
  const others = toldOf(all, 'sure');
  if (columns.some(({ study }) => study !== undefined))
    return ['Nothing is compared yet: a study compares its arms when it is finished.'];
  if (columns.length === 0) return others.length > 0 ? others : ['Nothing is compared.'];
  if (columns.length === 1)
    return [
      'Nothing is compared: there is one evaluation. What stands beside its number is one standard error (±) or a 95 % interval.',
    ];
  return evaluations.every((set) => set.columns.length === 1)
    ? [`Nothing is compared: the ${columns.length} evaluations are of different problems.`]
    : ['Nothing is compared: evaluations of the same problems were asked, sampled or graded differently.'];
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

function cost(all: All): string[] {
  const told = [
    ...costOfTraining(all.runs),
    ...costOfEvaluation(all.evaluations),
    ...first(toldOf(all, 'cost'), 'collection', 'Stages'),
  ];
  return told.length > 0 ? told : ['What it cost, the files do not say.'];
}

function costOfEvaluation(evaluations: readonly EvaluationSet[]): string[] {
  const columns = evaluations.flatMap((set) => set.columns);
  const tokens = Math.round(columns.reduce((sum, one) => sum + one.meanTokens * one.responses, 0));
  return tokens > 0 ? [`Evaluation: ${tokens.toLocaleString('en')} tokens of responses.`] : [];
}

function costOfTraining(runs: readonly TrainingRun[]): string[] {
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

/** The runs that the sentinel's last sentence does not call healthy. */
const accused = (runs: readonly TrainingRun[]): { run: TrainingRun; sentence: string }[] =>
  runs.flatMap((run) => {
    const last = run.alerts.at(-1);
    return last === undefined || isHealthy(last) ? [] : [{ run, sentence: last.sentence }];
  });

function faults(all: All): string[] {
  const { runs, evaluations, comparisons, stages, studies } = all;
  const cut = evaluations
    .flatMap(({ columns }) => columns)
    .filter((column) => !isInStudy(all)(column))
    .filter(({ cutOff, responses }) => cutOff >= CUT_OFF * responses && responses > 0)
    .map(({ name, cutOff, responses }) => `${name} (${((100 * cutOff) / responses).toFixed(0)} %)`);
  const open = stages.filter(({ state }) => state !== 'done').map(({ name }) => name);
  const told = [
    ...accused(runs).map(({ run, sentence }) => `The sentinel on ${run.name}: ${sentence}.`),
    ...(cut.length === 0 ? [] : [`Many responses were cut off: ${cut.slice(0, MOST).join(', ')}.`]),
    ...(open.length === 0
      ? []
      : [`${goesOn(all, 'run') ? 'Still to come' : 'Not done'}: ${open.slice(0, MOST).join(', ')}.`]),
    ...studies.flatMap(({ remarks }) => remarks),
    ...new Set(comparisons.flatMap(({ warnings }) => warnings)),
    ...toldOf(all, 'wrong'),
  ];
  return told.length === 0
    ? ['Nothing went wrong that the files tell of.']
    : first(told, 'remark', 'Training and Comparison');
}

const points = (share: number): string => (100 * share).toFixed(1);

function next(all: All): string[] {
  const { runs, evaluations, comparisons, stages, studies } = all;
  const others = toldOf(all, 'next');
  const told: string[] = [];
  const isOfStudy = ({ study }: { study?: string }) => study !== undefined;
  const isStudying =
    studies.length === 0 &&
    [...runs, ...evaluations.flatMap(({ columns }) => columns)].some((part) => isOfStudy(part));
  const working = all.underWay.filter(({ record }) => !HOLDERS.includes(record.command));
  const awaited = (working.length > 0 ? working : all.underWay).map(({ name }) => name);
  if (awaited.length > 0)
    told.push(`Wait for ${listed(awaited)}, which ${numbered(awaited.length, 'is', 'are')} under way.`);
  if (isStudying && !goesOn(all, 'study')) told.push('The same “redistill study” goes on where it stopped.');
  else if (stages.some(({ state }) => state !== 'done') && !goesOn(all, 'run'))
    told.push('The same “redistill run” goes on where it stopped.');
  else if (runs.some((run) => !run.finished && !isUnderWay(all)(run)))
    told.push('“redistill train --resume” goes on from the last state that was saved.');
  const collapsed = accused(runs).filter(({ sentence }) => sentence.startsWith('collapse'));
  if (collapsed.length > 0)
    told.push(
      `Train ${collapsed[0]!.run.name} again with a lower learning rate, and if that is not enough a lower α.`,
    );
  const isComplete = awaited.length === 0 && !isStudying;
  if (runs.length > 0 && evaluations.length === 0 && isComplete)
    told.push('Evaluate the model before and after, with “redistill evaluate”.');
  else if (comparisons.length === 0 && evaluations.length > 0 && isComplete)
    told.push('Evaluate what it is to be compared with, on the same problems.');
  const [comparison] = comparisons.slice(-1);
  if (comparison) told.push(...afterComparison(comparison));
  told.push(...first(others, 'step', 'Stages'));
  return told.length > 0 ? told : ['Train, or evaluate a model: nothing here says which.'];
}

function afterComparison({ finding, rows, after, before, study }: ComparisonTable): string[] {
  const lost = rows.reduce((sum, row) => sum + (row.lost ?? 0), 0);
  const look = lost === 0 ? [] : [`Look at what was lost: ${counted(lost, 'problem')} under Comparison.`];
  if (study !== undefined && finding === 'better')
    return [`Go on from ${after} rather than from ${before}.`, ...look];
  if (finding === 'better') return [`Train ${after} with other seeds: one run is one draw.`, ...look];
  if (finding === 'worse') return [`Keep ${before}.`, ...look];
  const seen = rows.map(({ detectableEffect }) => detectableEffect).filter(isNumber);
  const sees = seen.length === 0 ? '' : ` than the ${points(Math.min(...seen))} points that this one sees`;
  if (study !== undefined)
    return [`A smaller difference between ${after} and ${before} takes more problems or seeds in ${study}.`];
  return [
    `A smaller difference${sees} takes more problems, samples or seeds: “redistill plan” says how many.`,
    ...look,
  ];
}
