/** @file A study's numbers as tables for people. */
import { numbered } from '../util/counted.js';
import { chance, differenceInPoints, points, shareInPoints, signed } from '../evaluate/words.js';
import { formatTable } from '../util/table.js';
import type { StudyResults, TestResult } from './results.js';

/** Arms whose tokens differ by more than that from the control's are not of equal compute. */
const UNEQUAL = 0.1;

/** The study as text, without a final newline. */
export function describeStudy(results: StudyResults): string {
  return [describeArms(results), ...results.tests.map((test) => describeTest(test, results))].join('\n\n');
}

function describeArms({ arms, control }: StudyResults): string {
  const wasTuned = arms.some(({ development }) => development.length > 0);
  const heading = [
    ...['arm', 'steps', 'tokens trained', `× ${control}`],
    ...(wasTuned ? ['setting', 'development %, each setting'] : []),
  ];
  const rows = arms.map(({ name, steps, tokens, compute, setting, development }) => [
    ...[name, Math.round(steps), Math.round(tokens), Number.isFinite(compute) ? compute.toFixed(2) : '–'],
    ...(wasTuned ? [setting, development.map(points).join(', ')] : []),
  ]);
  const unequal = arms.filter(({ compute }) => Math.abs(compute - 1) > UNEQUAL).map(({ name }) => name);
  const note =
    unequal.length === 0
      ? []
      : [
          `Not of equal compute (more than ${100 * UNEQUAL} % from the tokens of ${control}): ${unequal.join(', ')}.`,
        ];
  return [formatTable(heading, rows), ...note].join('\n');
}

function describeTest(
  { name, grader, problems, seen, rows }: TestResult,
  { control, seeds }: StudyResults,
): string {
  const table = formatTable(
    [
      ...[name, 'pass@1 %', 'by seed', 'tokens', 'cut off %', `against ${control}, by seed`],
      ...['over seeds (95 %)', 'p by Holm'],
    ],
    rows.map(({ arm, passAt1, standardError, seeds: each, tokens, cutOff, against }) => [
      ...[arm, shareInPoints(passAt1, standardError, problems), each.map(points).join(', ')],
      ...[tokens.toFixed(0), points(cutOff)],
      against ? against.seeds.map(({ difference }) => signed(difference)).join(', ') : '',
      against ? differenceInPoints({ ...against, standardError: NaN }) : '',
      against ? chance(against.adjusted) : '',
    ]),
  );
  const bySeeds = rows.filter(({ against }) => against?.by === 'seeds').length;
  const level =
    seeds.length === 1
      ? 'One seed: another moves these numbers.'
      : `${seeds.length} seeds; intervals are the wider of the problems' (clustered over seeds) and the seeds' (Student's t), which it is in ${bySeeds} of ${rows.length - 1} rows.`;
  const left =
    seen === 0
      ? ''
      : ` (${seen} more ${numbered(seen, 'was', 'were')} trained on or chosen by, and ${numbered(seen, 'does', 'do')} not count)`;
  const lines = [`${problems} problems${left}, graded by ${grader}. ${level}`, table];
  const groups = rows[0]!.operations;
  if (groups.length > 1)
    lines.push(
      formatTable(
        [
          'pass@1 % by operations',
          ...groups.map(({ operations, problems: n }) => `${operations} (${n} problems)`),
        ],
        rows.map(({ arm, operations }) => [arm, ...operations.map(({ passAt1 }) => points(passAt1))]),
      ),
    );
  return lines.join('\n');
}
