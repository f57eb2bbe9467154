/** @file Studies as a report shows them: what each arm took, and every arm on every test against the control, by the study's own tests. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { chanceInWords, shareInWords, signed } from '../../evaluate/words.js';
import { counted, numbered } from '../../util/counted.js';
import { recordOf } from '../../util/ownFolder.js';
import type { ComparisonTable, EvaluationSet, ResultTable } from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson } from './json.js';
import { surenessCells } from './sureness.js';

const number = z.number().nullable();
const share = z.number().min(0).max(1).nullable();
const against = z.looseObject({
  difference: number,
  interval: z.tuple([number, number]),
  pValue: number.optional(),
  adjusted: number,
  seeds: z.array(
    z.looseObject({ difference: number, better: z.number().optional(), worse: z.number().optional() }),
  ),
});
const study = z.looseObject({
  control: z.string(),
  seeds: z.array(z.number()),
  arms: z.array(
    z.looseObject({
      name: z.string(),
      setting: z.number(),
      development: z.array(number),
      steps: number,
      tokens: number,
      compute: number,
    }),
  ),
  tests: z.array(
    z.looseObject({
      ...{ name: z.string(), grader: z.string(), problems: z.int().positive(), seen: z.number() },
      rows: z.array(
        z.looseObject({
          ...{ arm: z.string(), passAt1: share, standardError: number, seeds: z.array(number) },
          ...{ tokens: number, cutOff: number, against: against.optional() },
        }),
      ),
    }),
  ),
});
type Study = z.output<typeof study>;
type Test = Study['tests'][number];

/** What a finished study has to say. */
export interface FoundStudy {
  name: string;
  dir: string;
  tables: ResultTable[];
  /** Every arm against the control. */
  comparisons: ComparisonTable[];
  /** What was done, on what, and pass@1 of all arms, a sentence each. */
  done: string[];
  data: string[];
  gained: string[];
  /** What the numbers do not bear out by themselves. */
  remarks: string[];
}

/** Reads the studies that are finished. @param sets in which their evaluations are looked for */
export const readStudies = (folders: readonly FoundFolder[], sets: readonly EvaluationSet[]): FoundStudy[] =>
  folders.flatMap(({ dir, name }) => {
    const found = readJson(join(dir, 'study.json'), study);
    if (!found) return [];
    return [
      {
        ...{ name, dir },
        tables: [armsTable(name, found), ...found.tests.map((test) => testTable(name, found, test))],
        comparisons: found.arms.flatMap((arm) => comparisonOf(name, found, arm, columnsIn(dir, found, sets))),
        done: [
          `${name} compared ${counted(found.arms.length, 'arm')} over ${counted(found.seeds.length, 'seed')}: ${found.arms.map((arm) => arm.name).join(', ')}; ${found.control} is the control.`,
        ],
        data: found.tests.map(
          (test) =>
            `${test.name}: ${counted(test.problems, 'problem')}${test.seen > 0 ? `; ${test.seen} more had been seen before and ${numbered(test.seen, 'does', 'do')} not count` : ''}.`,
        ),
        gained: found.tests.map((test) => gainedOn(found, test)),
        remarks: remarksOf(found),
      },
    ];
  });

/** The folder's study; undefined where it is in none. A study keeps its stages in a folder of a pipeline. */
export function studyOf(dir: string): string | undefined {
  const top = dirname(dirname(dir));
  return recordOf(top)?.command === 'study' ? top : undefined;
}

const gainedOn = ({ control, seeds }: Study, { name, grader, problems, rows }: Test): string =>
  `pass@1 on ${counted(problems, 'problem')} of ${name}, graded by ${grader}, over ${counted(seeds.length, 'seed')}: ${rows
    .map(({ arm, passAt1, standardError }) =>
      passAt1 === null
        ? `${arm} is not known`
        : `${arm}${arm === control ? ' (control)' : ''} ${shareInWords(passAt1, standardError, problems)}`,
    )
    .join('; ')}.`;

/** From this share of cut-off responses on a number says more of the limit than of the model. */
const CUT_OFF = 0.1;
/** Arms whose tokens differ by more than that from the control's are not of equal compute. */
const UNEQUAL = 0.1;

function remarksOf({ control, arms, tests, seeds }: Study): string[] {
  const unequal = arms.filter(({ compute }) => compute === null || Math.abs(compute - 1) > UNEQUAL);
  const cut = tests.flatMap(({ name, rows }) =>
    rows
      .filter(({ cutOff }) => cutOff !== null && cutOff >= CUT_OFF)
      .map(({ arm, cutOff }) => `${arm} on ${name} (${(100 * cutOff!).toFixed(0)} %)`),
  );
  return [
    ...(unequal.length === 0
      ? []
      : [
          `Not of equal compute (more than ${100 * UNEQUAL} % from the tokens of ${control}): ${unequal.map(({ name }) => name).join(', ')}.`,
        ]),
    ...(cut.length === 0
      ? []
      : [`Many responses were cut off: ${cut.slice(0, MOST).join(', ')}${cut.length > MOST ? ', …' : ''}.`]),
    ...(seeds.length === 1 ? ['There was one seed: another moves these numbers.'] : []),
  ];
}

const MOST = 4;

/** Finds the evaluations of an arm with a test, one a seed, where the report has them: by the names that a study gives its stages. */
const columnsIn =
  (dir: string, { seeds }: Study, sets: readonly EvaluationSet[]) =>
  ({ name: arm, setting }: Study['arms'][number], test: string) => {
    const names = (seed: number) =>
      [`${arm}-c${setting}-s${seed}-${test}`, `${arm}-s${seed}-${test}`].map((name) =>
        join(dir, 'runs', name),
      );
    for (const { id, columns } of sets) {
      const found = seeds.flatMap(
        (seed) => columns.find((column) => names(seed).includes(column.dir))?.id ?? [],
      );
      if (found.length > 0) return { set: id, ids: found };
    }
    return undefined;
  };

type Finding = ComparisonTable['finding'];
const ALPHA = 0.05;

/** An arm against the control, a row a test. */
function comparisonOf(
  name: string,
  found: Study,
  arm: Study['arms'][number],
  columnsOf: ReturnType<typeof columnsIn>,
): ComparisonTable[] {
  const { control, arms, tests } = found;
  const base = arms.find((one) => one.name === control);
  const rows = tests.flatMap((test) => {
    const [before, after] = [control, arm.name].map((who) => test.rows.find((row) => row.arm === who));
    if (!after?.against) return [];
    const { against } = after;
    if (
      before === undefined ||
      before.passAt1 === null ||
      after.passAt1 === null ||
      against.difference === null
    )
      return [];
    const [low, high] = against.interval;
    const isWide = low !== null && high !== null && low < high;
    const [only, ...others] = against.seeds;
    const [a, b] = [base && columnsOf(base, test.name), columnsOf(arm, test.name)];
    const row: ComparisonTable['rows'][number] = {
      ...{ name: test.name, grader: test.grader, problems: test.problems },
      ...(a && b && a.set === b.set && { columns: { set: a.set, before: a.ids, after: b.ids } }),
      ...{ before: before.passAt1, after: after.passAt1, difference: against.difference },
      interval: isWide ? [low, high] : null,
      ...{ pValue: against.pValue ?? 1, adjusted: against.adjusted ?? 1 },
      gained: others.length === 0 ? (only?.better ?? null) : null,
      lost: others.length === 0 ? (only?.worse ?? null) : null,
      detectableEffect: null,
    };
    return [row];
  });
  if (rows.length === 0) return [];
  const findings = rows.map(({ adjusted, difference, interval }): Finding => {
    // Without an interval problems all differ alike, and the test alone decides.
    const isReal =
      adjusted <= ALPHA && (interval === null ? difference !== 0 : interval[0] > 0 || interval[1] < 0);
    return isReal ? (difference > 0 ? 'better' : 'worse') : 'unclear';
  });
  const has = (finding: Finding) => findings.includes(finding);
  const finding = has('better') === has('worse') ? 'unclear' : has('better') ? 'better' : 'worse';
  return [
    {
      ...{ id: `${name}/${arm.name}`, name: `${arm.name} against ${control}`, study: name, finding },
      verdict: rows.map((row, i) => verdictOn(arm.name, findings[i]!, row, found)).join(' '),
      ...{ before: control, after: arm.name, alpha: ALPHA, power: 0.8, warnings: [], rows },
    },
  ];
}

function verdictOn(
  arm: string,
  finding: Finding,
  { name, difference, interval, adjusted }: ComparisonTable['rows'][number],
  { control, arms, seeds }: Study,
): string {
  const said =
    finding === 'unclear'
      ? `Cannot tell whether ${arm} differs from ${control} on ${name}`
      : `${arm} is ${finding} than ${control} on ${name}`;
  const range =
    interval === null
      ? 'no interval, since all problems differ alike'
      : `95 % interval ${signed(interval[0])} to ${signed(interval[1])}`;
  return `${said}: ${signed(difference)} points over ${counted(seeds.length, 'seed')}, ${range}, ${chanceInWords(adjusted)} by Holm over ${counted(arms.length - 1, 'arm')}.`;
}

function armsTable(name: string, { control, seeds, arms }: Study): ResultTable {
  const settings = Math.max(0, ...arms.map(({ development }) => development.length));
  return {
    ...{ id: `${name}/arms`, name: `${name}: arms`, command: 'study' },
    caption: `What each arm took, on average over ${counted(seeds.length, 'seed')}; compute is that of ${control} times`,
    notes: settings === 0 ? [] : ['Settings were chosen on the development set, by accuracy.'],
    columns: [
      { name: 'arm', kind: 'text' },
      { name: 'steps', kind: 'number' },
      { name: 'tokens', kind: 'number' },
      { name: 'compute', kind: 'number' },
      { name: 'setting', kind: 'number' },
      ...Array.from({ length: settings }, (_, i) => ({
        name: `development, setting ${i + 1}`,
        kind: 'share' as const,
      })),
    ],
    rows: arms.map((arm) => [
      ...[arm.name, arm.steps, arm.tokens, arm.compute, arm.setting],
      ...Array.from({ length: settings }, (_, i) => arm.development[i] ?? null),
    ]),
  };
}

function testTable(
  study: string,
  { control, seeds }: Study,
  { name, grader, problems, seen, rows }: Test,
): ResultTable {
  return {
    ...{ id: `${study}/${name}`, name: `${study}: ${name}`, command: 'study' },
    caption: `${counted(problems, 'problem')} of ${name}, graded by ${grader}; differences are from ${control}, p-values are by Holm over the arms`,
    notes: [
      seeds.length === 1
        ? 'One seed: another moves these numbers.'
        : `${seeds.length} seeds; intervals are the wider of the problems’ and the seeds’.`,
      ...(seen > 0
        ? [
            `${counted(seen, 'problem')} more had been seen before and ${numbered(seen, 'does', 'do')} not count.`,
          ]
        : []),
    ],
    columns: [
      { name: 'arm', kind: 'text' },
      { name: 'pass@1', kind: 'share' },
      { name: 'standard error', kind: 'share' },
      { name: 'pass@1 from', kind: 'share' },
      { name: 'pass@1 to', kind: 'share' },
      ...seeds.map((seed) => ({ name: `seed ${seed}`, kind: 'share' as const })),
      { name: 'difference', kind: 'difference' },
      { name: '95 % from', kind: 'difference' },
      { name: 'to', kind: 'difference' },
      { name: 'p', kind: 'chance' },
      { name: 'tokens', kind: 'number' },
      { name: 'cut off', kind: 'share' },
    ],
    rows: rows.map((row) => [
      ...[row.arm, row.passAt1, ...surenessCells(row.passAt1, row.standardError, problems)],
      ...seeds.map((_, i) => row.seeds[i] ?? null),
      ...[
        row.against?.difference ?? null,
        ...(row.against?.interval ?? [null, null]),
        row.against?.adjusted ?? null,
      ],
      ...[row.tokens, row.cutOff],
    ]),
  };
}
