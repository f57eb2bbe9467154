/** Made-up reports for tests of the page: of any size, and with texts that would do harm if they were more than text. */
import type {
  Answer,
  ComparisonTable,
  EvaluationColumn,
  EvaluationSet,
  PlacedChunk,
  PlacedTraces,
  Problem,
  Report,
  TrainingRun,
} from '../../src/report/model.js';
import { Random } from '../../src/util/random.js';
import { syntheticExaminations, syntheticTables, syntheticTraces } from './syntheticRows.js';

export interface Size {
  columns: number;
  problems: number;
  samples: number;
  runs: number;
  buckets: number;
  /** Characters of a response. */
  characters: number;
  /** Rows of a curation. */
  rows: number;
}

export const SMALL: Size = {
  ...{ columns: 3, problems: 120, samples: 4, runs: 4, buckets: 200, characters: 300, rows: 30 },
};
export const LARGE: Size = {
  ...{ columns: 20, problems: 500, samples: 16 },
  ...{ runs: 10, buckets: 1_500, characters: 500, rows: 400 },
};

const QUESTIONS = [
  ...['What was done?', 'On what?', 'What did it gain?', 'How sure is that?'],
  ...['What did it cost, and what went wrong?', 'What next?'],
];
const CHUNK = 50;
const GRADERS = ['verifier', 'math-verify'];
const WORDS =
  'let the sum of both sides be equal so that x follows from area times height and therefore 12 3.5 7'.split(
    ' ',
  );

/** What a page must show and not obey. */
export const HOSTILE = [
  '</script><script>window.harmed = 1</script>',
  '<img src="https://example.invalid/x.png" onerror="window.harmed = 2">',
  '<!--<script>',
  `\u202Egnp.exe\u202C \u2066isolate\u2069 \u200Binvisible`,
  'control \u0000\u0007\u001B[2J\u009B31m end',
  'a lone \uD800 surrogate',
  '"><svg onload=window.harmed=3>',
  'javascript:window.harmed=4',
  '=HYPERLINK("https://example.invalid")',
  'line\u2028separator\u2029s',
  'Z̸̧̛̹a̸͙͝l̷̰̈́g̵̱̈́o̵̻͗ עברית عربي',
  'x'.repeat(100_000),
];

export interface Synthetic {
  report: Report;
  chunks: () => Generator<PlacedChunk | PlacedTraces>;
}

/** Puts hostile texts before others, one after the other. */
function hostile(dirty: boolean): Outside {
  let next = 0;
  return (text) => (dirty ? `${HOSTILE[next++ % HOSTILE.length]!} ${text}` : text);
}

/** Makes a report. @param dirty puts a hostile text before every name and text that comes from outside */
export function syntheticReport(size: Size = SMALL, dirty = false): Synthetic {
  const [outside, further] = [hostile(dirty), hostile(dirty)];
  const set = evaluationSet(size, outside);
  const runs = Array.from({ length: size.runs }, (_, i) => trainingRun(i, size.buckets, outside));
  const traces = size.rows === 0 ? { sets: [], chunks: nothing } : syntheticTraces(size.rows, further);
  const report: Report = {
    format: 1,
    version: '0.1.0',
    date: '2026-11-28T12:00:00Z',
    title: outside('REDI on 3,000 traces'),
    sentences: [
      outside('SmolLM2-135M was trained by REDI on 2,412 pairs of right and wrong traces in 600 steps.'),
      outside('pass@1 on math went from 31.0 to 35.2 %: 4.2 points more, 95 % interval 1.1 to 7.3.'),
      outside('The difference is larger than what chance makes in 99 of 100 such evaluations.'),
    ],
    answers: QUESTIONS.map((question, i) => ({
      question,
      sentences: [`${dirty ? HOSTILE[2 * i + 1]! : 'So much'} of ${question}`],
    })),
    stages: stages(outside),
    runs,
    evaluations: size.columns === 0 ? [] : [set],
    comparisons: size.columns < 2 ? [] : [comparison(set, outside)],
    notes: [further('Of responses with more than 900 characters the middle is left out.')],
    traces: traces.sets,
    examinations: size.rows === 0 ? [] : syntheticExaminations(further),
    tables: size.rows === 0 ? [] : syntheticTables(further),
  };
  return {
    report,
    chunks: function* () {
      let first = 0;
      for (const [chunk, count] of (size.columns === 0 ? [] : set.problems.chunks).entries()) {
        const problems = Array.from({ length: count }, (_, i) => problem(first + i, set, size, outside));
        first += count;
        yield { set: 0, chunk, problems };
      }
      yield* traces.chunks();
    },
  };
}

function* nothing(): Generator<never> {
  // There are no rows.
}

/** Seeded numbers from 0 to 1. */
function draws(seed: number): () => number {
  const random = new Random(seed);
  return () => random.nextFloat();
}

type Outside = (text: string) => string;

function stages(outside: Outside): Report['stages'] {
  return [
    {
      ...{ name: 'collect', kind: 'collect', state: 'done', summary: 'Asks a teacher for traces.', from: [] },
      counts: [
        { name: 'problems', value: 800 },
        { name: 'traces', value: 3_200 },
      ],
      account: [outside('3,200 traces of 800 problems, 41 of them cut off.')],
    },
    {
      ...{ name: outside('pairs'), kind: 'curate', state: 'done', summary: outside('Chooses pairs.') },
      from: ['collect'],
      counts: [
        { name: 'right', value: 2_012 },
        { name: 'wrong', value: 1_188 },
        { name: outside('dropped: too long'), value: 77 },
        { name: 'pairs', value: 1_412 },
      ],
      account: [],
    },
    {
      ...{ name: 'redi', kind: 'train', state: 'done', summary: 'Trains by REDI.', from: ['pairs'] },
      counts: [{ name: 'steps', value: 600 }],
      account: [],
      link: 'runs/run-0',
    },
    {
      ...{ name: 'after', kind: 'evaluate', state: 'under way', summary: 'Evaluates.', from: ['redi'] },
      counts: [],
      account: [],
      link: 'evaluations/column-1',
    },
    {
      ...{ name: 'verdict', kind: 'compare', state: 'not begun', summary: 'Compares.', from: ['after'] },
      counts: [],
      account: [],
      link: 'comparisons/verdict',
    },
  ];
}

/** Two groups: one of three seeds, the others alone. */
function trainingRun(i: number, buckets: number, outside: Outside): TrainingRun {
  const random = draws(i + 1);
  const group = i < 3 ? 'redi' : `sft-${i}`;
  const bucket = buckets > 1_000 ? 13 : 1;
  const steps = Array.from({ length: buckets }, (_, step) => (step + 1) * bucket);
  const noisy = (at: (share: number) => number, noise: number) => {
    const mean = steps.map((_, step) => at(step / buckets) + noise * (random() - 0.5));
    const edge = (by: number) => mean.map((value) => value + by * noise);
    return bucket === 1 ? { mean } : { mean, low: edge(-1), high: edge(1) };
  };
  const hasPairs = i < 4;
  return {
    ...{ id: `run-${i}`, name: outside(`${group} seed ${i}`), dir: outside(`runs/${group}-${i}`) },
    ...{ group: i < 3 ? group : outside(group), seed: i, objective: outside(hasPairs ? 'redi' : 'sft') },
    formula: outside('−E log π(chosen)/|chosen| + 0.8 · E log π(rejected)/|rejected|'),
    settings: {
      'optimizer.lr': 1e-5,
      'train.epochs': 2,
      [outside('data.path')]: outside('pairs.jsonl'),
      fast: true,
      none: null,
    },
    steps: { done: buckets * bucket, planned: i === 1 ? null : 2 * buckets },
    finished: i !== 2,
    curves: {
      ...{ steps, bucket },
      series: [
        { name: 'loss', ...noisy((t) => 0.4 + Math.exp(-4 * t), 0.1) },
        ...(hasPairs
          ? [
              { name: 'logps/chosen_per_token', ...noisy((t) => -0.8 + 0.3 * t, 0.05) },
              { name: 'logps/rejected_per_token', ...noisy((t) => -0.9 - 0.6 * t, 0.05) },
              { name: 'rewards/margins', ...noisy((t) => 0.9 * t, 0.1) },
            ]
          : []),
        { name: 'grad_norm', ...noisy((t) => 1.2 - 0.5 * t, 0.3) },
        {
          name: 'learning_rate',
          mean: steps.map((_, s) => 1e-5 * Math.min(1, (10 * s) / buckets) * (1 - s / buckets)),
        },
        { name: 'tokens_per_second', ...noisy(() => 900 + 50 * i, 60) },
        { name: 'peak_memory_bytes', mean: steps.map(() => 2.1e9 + i * 1e8) },
        { name: outside('clipped_share'), mean: steps.map((_, s) => (s === 3 ? null : s / buckets)) },
      ],
    },
    measured: [
      {
        name: 'held-out loss',
        steps: [1, buckets / 2, buckets].map((s) => s * bucket),
        values: [1.3, 0.8, 0.7],
      },
      { name: outside('accuracy'), steps: [buckets * bucket], values: [0.31 + i / 100] },
    ],
    alerts:
      i === 0
        ? [
            {
              step: Math.floor(buckets / 3) * bucket,
              sentence: outside('Chosen log-probabilities fall: lower α.'),
            },
          ]
        : [],
  };
}

function evaluationSet({ columns, problems, samples }: Size, outside: Outside): EvaluationSet {
  const random = draws(99);
  const ids = Array.from({ length: problems }, (_, i) => outside(`problem-${i}`));
  const counts = (most: number) => ids.map(() => Math.floor(random() * (most + 1)));
  return {
    ...{ id: 'math', name: outside('math') },
    columns: Array.from({ length: columns }, (_, i) => evaluationColumn(i, samples, problems, outside)),
    graders: GRADERS,
    problems: {
      ids,
      heads: ids.map((_, i) => outside(`What is ${i} + ${i}?`)),
      right: Array.from({ length: columns }, () =>
        Object.fromEntries(GRADERS.map((name) => [name, counts(samples)])),
      ),
      responses: Array.from({ length: columns }, () => ids.map(() => samples)),
      cutOff: Array.from({ length: columns }, () => ids.map((_, i) => (i % 10 === 0 ? 1 : 0))),
      tokens: Array.from({ length: columns }, () => ids.map(() => 80 + Math.floor(400 * random()))),
      disputed: Array.from({ length: columns }, () => ids.map((_, i) => (i % 25 === 3 ? 1 : 0))),
      chunks: Array.from({ length: Math.ceil(problems / CHUNK) }, (_, i) =>
        Math.min(CHUNK, problems - i * CHUNK),
      ),
    },
  };
}

function evaluationColumn(i: number, samples: number, problems: number, outside: Outside): EvaluationColumn {
  const passAt1 = 0.31 + 0.02 * i;
  const grade = {
    ...{ passAt1, standardError: 0.015, unreadable: 0.04 },
    interval: [passAt1 - 0.03, passAt1 + 0.03] as [number, number],
    passAtK: [1, 2, 4, 8, 16]
      .filter((k) => k <= samples)
      .map((k) => ({ k, value: 1 - (1 - passAt1) ** (1 + Math.log2(k) / 2) })),
    by: [
      {
        field: outside('subject'),
        rows: ['algebra', 'geometry', 'number theory'].map((value, j) => ({
          ...{ value, problems: 40, passAt1: passAt1 - 0.1 + j / 10, standardError: 0.04 },
        })),
      },
      {
        field: 'level',
        rows: ['1', '2', '3'].map((value, j) => ({
          value,
          problems: 40,
          passAt1: 0.6 - j / 10,
          standardError: null,
        })),
      },
    ],
  };
  return {
    ...{
      id: `column-${i}`,
      name: outside(i === 0 ? 'before' : `after ${i}`),
      dir: outside(`runs/evaluate-${i}`),
    },
    ...{ model: outside(i === 0 ? 'smollm2-135m' : 'runs/redi'), samples, responses: samples * problems },
    ...{ cutOff: Math.ceil(problems / 10), meanTokens: 280.4 },
    protocol: {
      temperature: '0.6',
      top_p: '0.95',
      max_tokens: i === 0 ? '512' : '1024',
      instruction: outside('Think step by step.'),
    },
    grades: Object.fromEntries(GRADERS.map((name) => [name, grade])),
  };
}

function comparison({ columns }: EvaluationSet, outside: Outside): ComparisonTable {
  const row = (name: string, grader: string, difference: number) => ({
    ...{ name: outside(name), grader, problems: 120, before: 0.31, after: 0.31 + difference, difference },
    columns: { set: 'math', before: ['column-0'], after: ['column-1'] },
    interval: [difference - 0.03, difference + 0.03] as [number, number],
    ...{ pValue: 0.002, adjusted: 0.004, gained: 40, lost: 31, detectableEffect: 0.041 },
    power: (['problems', 'samples'] as const).map((by) => ({
      by,
      points: [30, 60, 120, 240].map((size, i) => ({ size, effect: 0.08 / 2 ** (i / 2) })),
    })),
  });
  return {
    ...{ id: 'verdict', name: outside('verdict'), finding: 'better' },
    verdict: outside('B is better than A: +4.2 points, 95 % interval +1.2 to +7.2, p = .004.'),
    ...{ before: columns[0]!.name, after: columns[1]!.name, alpha: 0.05, power: 0.8 },
    warnings: [outside('12 problems are the same as another but for numbers.')],
    rows: [row('math', GRADERS[0]!, 0.042), row('math', GRADERS[1]!, 0.011)],
  };
}

function problem(
  i: number,
  { columns, problems }: EvaluationSet,
  { samples, characters }: Size,
  outside: Outside,
): Problem {
  const random = draws(1_000 + i);
  const text = () => {
    let written = '';
    while (written.length < characters) written += `${WORDS[Math.floor(random() * WORDS.length)]!} `;
    return written;
  };
  return {
    id: problems.ids[i]!,
    problem: outside(`What is ${i} + ${i}? Say how.\n\nneedle-${i} stands here.`),
    gold: outside(String(2 * i)),
    answers: columns.map((_, c) =>
      Array.from({ length: samples }, (_, s): Answer => {
        const right = problems.right[c]!;
        return {
          text: outside(`Sample ${s} of ${columns[c]!.id}:\n${text()}\nThe answer is ${2 * i}.`),
          finishReason: i % 10 === 0 && s === 0 ? 'length' : 'stop',
          tokens: 100 + s,
          grades: Object.fromEntries(
            GRADERS.map((name) => {
              const correct = s < right[name]![i]!;
              return [
                name,
                {
                  correct,
                  extracted: correct ? outside(String(2 * i)) : null,
                  ...(!correct && { reason: outside('no number') }),
                },
              ];
            }),
          ),
        };
      }),
    ),
  };
}
