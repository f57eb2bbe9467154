/** Made-up traces, rows of the doctor and tables for tests of the page. */
import type {
  Examination,
  PlacedTraces,
  ResultTable,
  Trace,
  TracedRow,
  TraceSet,
} from '../../src/report/model.js';

type Outside = (text: string) => string;

const CHUNK = 10;
/** Both begin alike for so many tokens. */
export const COMMON = 3;
const TOKENS = [
  'Two',
  ' weeks',
  ' are',
  ' 14',
  ' days',
  '\n',
  'So',
  ' 14',
  ' times',
  ' 12',
  ' is',
  ' 168',
  '<|im_end|>',
];

export interface SyntheticTraces {
  sets: TraceSet[];
  chunks: () => Generator<PlacedTraces>;
}

/** A set with log-probs of two checkpoints and the gradient, in which every fifth row was dropped, and one without tokens. */
export function syntheticTraces(rows: number, outside: Outside): SyntheticTraces {
  const sets = [set('pairs', rows, true, outside), set('own', Math.min(rows, 4), false, outside)];
  return {
    sets,
    chunks: function* () {
      for (const [traces, { rows: index, columns }] of sets.entries()) {
        let first = 0;
        for (const [chunk, size] of index.chunks.entries()) {
          const made = Array.from({ length: size }, (_, i) => row(first + i, columns.length > 0, outside));
          first += size;
          yield { traces, chunk, rows: made };
        }
      }
    },
  };
}

const isDropped = (i: number): boolean => i % 5 === 4;

function set(id: string, rows: number, hasTokens: boolean, outside: Outside): TraceSet {
  const all = Array.from({ length: rows }, (_, i) => i);
  return {
    ...{ id, name: outside(id), dir: outside(`runs/${id}`) },
    notes: hasTokens
      ? []
      : [outside('There are no log-probs of tokens: `redistill columns own/pref.jsonl` makes them.')],
    columns: hasTokens
      ? [
          {
            key: 'before',
            name: outside('before'),
            about: outside('log-probs of the student'),
            kind: 'logp',
          },
          { key: 'after', name: outside('after'), about: outside('log-probs of redi'), kind: 'logp' },
          { key: 'gradient', name: 'gradient, redi', about: '−dLoss/dlog p', kind: 'gradient' },
        ]
      : [],
    rows: {
      ids: all.map(String),
      heads: all.map((i) => outside(`How many days are ${i} weeks?`)),
      fates: all.map((i) => (isDropped(i) ? 'dropped: no correct trace' : 'pair')),
      traces: all.map((i) => (isDropped(i) ? 1 : 3)),
      tokens: all.map((i) => (hasTokens && !isDropped(i) ? 2 : 0)),
      chunks: Array.from({ length: Math.ceil(rows / CHUNK) }, (_, i) => Math.min(CHUNK, rows - i * CHUNK)),
    },
  };
}

/** A response whose tokens are its own from the fourth on. */
function trace(name: string, right: boolean, hasTokens: boolean, outside: Outside): Trace {
  const texts = TOKENS.map((text, i) => (i < COMMON ? text : outside(`${text}${right ? '' : '!'}`)));
  const numbers = (of: (i: number) => number) => texts.map((_, i) => of(i));
  return {
    ...{ name, text: texts.join(''), finishReason: right ? 'stop' : 'length' },
    verdicts: [
      { by: outside('the rules'), right },
      { by: 'the judge', right: null },
    ],
    ...(hasTokens && {
      tokens: {
        texts,
        weights: numbers((i) => (i === COMMON ? 0 : 1)),
        columns: {
          before: numbers((i) => 0 - i / 2),
          after: numbers((i) => 0 - (right ? i / 4 : i)),
          gradient: numbers(() => (right ? 1 : -0.8)),
        },
      },
    }),
  };
}

function row(i: number, hasTokens: boolean, outside: Outside): TracedRow {
  const wrong = trace('1', false, hasTokens && !isDropped(i), outside);
  return {
    ...{ id: String(i), problem: outside(`How many days are ${i} weeks?`), gold: outside(String(7 * i)) },
    traces: isDropped(i)
      ? [wrong]
      : [wrong, trace('2', true, hasTokens, outside), trace('3', true, false, outside)],
    made: isDropped(i) ? [] : [{ right: 1, wrong: 0 }],
    way: [
      { name: outside('collect'), words: outside('3 responses known, of the teacher') },
      {
        name: 'pairs',
        words: isDropped(i) ? 'dropped: no correct trace' : 'kept: response 2 chosen, response 1 rejected',
      },
      ...(isDropped(i)
        ? []
        : [{ name: 'redi', words: outside('1.3 % of the gradient'), link: 'runs/run-0' }]),
    ],
    nearest: [
      {
        set: 'math',
        place: 1,
        head: outside('What is 1 + 1?'),
        similarity: 0.5,
        isSameButNumbers: i % 2 === 0,
      },
    ],
  };
}

export function syntheticExaminations(outside: Outside): Examination[] {
  const pieces = (masked: string, texts: readonly string[]) => [
    { text: '<|im_start|>', trained: false, special: true },
    { text: outside(masked), trained: false },
    { text: '', trained: false, skipped: 12 },
    ...texts.map((text) => ({ text: outside(text), trained: true })),
    { text: '<|im_end|>', trained: true, special: true },
    { text: outside('more'), trained: true },
  ];
  const response = (role: string) => ({
    role,
    masked: 20,
    trained: 5,
    pieces: pieces('How many days?', [' It', ' is', ' 14']),
  });
  const found = {
    code: 'control-token',
    severity: 'error',
    detail: outside('chosen: the response contains <|im_end|>'),
  };
  return [
    {
      ...{
        id: 'check',
        name: outside('check'),
        dir: outside('runs/check'),
        headline: outside('pref.jsonl: 2 rows'),
        notes: [outside('2 of 9 rows are shown.')],
      },
      findings: [
        {
          ...found,
          rows: 1,
          meaning: outside('A text contains a special token.'),
          advice: outside('Remove it.'),
        },
      ],
      rows: [
        {
          ...{ line: 3, id: '2', verdict: 'error', findings: [{ ...found, side: 'chosen' }] },
          responses: [response('chosen'), response('rejected')],
        },
        { line: 4, id: null, verdict: 'ok', findings: [], responses: [response('demonstration')] },
      ],
    },
  ];
}

export function syntheticTables(outside: Outside): ResultTable[] {
  return [
    {
      ...{
        id: 'study/test',
        name: outside('study: test'),
        command: 'study',
        caption: outside('500 problems'),
      },
      notes: [outside('3 seeds.')],
      columns: [
        { name: 'arm', kind: 'text' },
        { name: 'pass@1', kind: 'share' },
        { name: 'difference', kind: 'difference' },
        { name: 'p', kind: 'chance' },
        { name: 'tokens', kind: 'number' },
      ],
      rows: [
        [outside('sft'), 0.31, null, null, 12_345],
        [outside('redi'), 0.352, 0.042, 0.0004, 181.25],
      ],
    },
  ];
}
