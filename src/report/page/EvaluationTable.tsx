/** @file What evaluations found, as tables and figures: pass@1 with its interval, pass@k, by subject, and how was asked. */
import { own } from '../../util/own.js';
import type { EvaluationColumn, EvaluationSet, GradeSummary } from '../model.js';
import { DoublingFigure, IntervalFigure } from './figures.js';
import { count, interval, percent, plural } from './numbers.js';
import { address } from './route.js';
import { Table, type Column } from './table.js';
import { Name, short } from './text.js';

/** A column of a set, with what one grader found. */
export interface Graded {
  column: EvaluationColumn;
  place: number;
  grade: GradeSummary | undefined;
}

export const gradedBy = ({ columns }: EvaluationSet, grader: string): Graded[] =>
  columns.map((column, place) => ({ column, place, grade: own(column.grades, grader) }));

const share = (name: string, value: (row: Graded) => number | null | undefined): Column<Graded> => ({
  name,
  value: (row) => value(row) ?? null,
  show: (row) => percent(value(row)),
});

export function EvaluationTable({
  set,
  grader,
  note,
}: {
  set: EvaluationSet;
  grader: string;
  note?: string;
}) {
  return (
    <Table
      name={`${set.name} by ${grader}`}
      caption={
        <>
          <Name of={set.name} />: {count(set.problems.ids.length)} problems, judged by <Name of={grader} />
          {note}
        </>
      }
      rows={gradedBy(set, grader)}
      columns={[
        {
          name: 'evaluation',
          value: ({ column }) => column.name,
          show: ({ column }) => (
            <a href={address(['evaluations', set.id, 'problems'], { b: column.id.toWellFormed() })}>
              <Name of={column.name} length={40} />
            </a>
          ),
        },
        {
          name: 'model',
          value: ({ column }) => column.model,
          show: ({ column }) => <Name of={column.model} length={40} />,
        },
        share('pass@1', ({ grade }) => grade?.passAt1),
        {
          name: '95 % from',
          value: ({ grade }) => grade?.interval?.[0] ?? null,
          show: ({ grade }) => percent(grade?.interval?.[0]),
        },
        {
          name: 'to',
          value: ({ grade }) => grade?.interval?.[1] ?? null,
          show: ({ grade }) => percent(grade?.interval?.[1]),
        },
        share('standard error', ({ grade }) => grade?.standardError),
        { name: 'samples', value: ({ column }) => column.samples },
        share('without answer', ({ grade }) => grade?.unreadable),
        share('cut off', ({ column }) => (column.responses === 0 ? null : column.cutOff / column.responses)),
        {
          name: 'tokens',
          value: ({ column }) => column.meanTokens,
          show: ({ column }) => column.meanTokens.toFixed(0),
        },
      ]}
    />
  );
}

/** pass@1 of all columns with their intervals. */
export function PassAt1Figure({ set, grader }: { set: EvaluationSet; grader: string }) {
  const rows = gradedBy(set, grader).flatMap(({ column, place, grade }) =>
    grade
      ? [
          {
            label: `${short(column.name, 40)}: ${(100 * grade.passAt1).toFixed(1)}${grade.interval ? ` (${interval(grade.interval)})` : ''}`,
            value: grade.passAt1,
            interval: grade.interval,
            place,
          },
        ]
      : [],
  );
  if (rows.length === 0) return <p class="note">This grader judged none of them.</p>;
  return (
    <figure>
      <figcaption>
        <strong>pass@1 with 95 % intervals</strong>
      </figcaption>
      <IntervalFigure title="pass@1" axis="pass@1, %" rows={rows} />
    </figure>
  );
}

export function PassAtKFigure({ set, grader }: { set: EvaluationSet; grader: string }) {
  const lines = gradedBy(set, grader).flatMap(({ column, place, grade }) =>
    grade && grade.passAtK.length > 1
      ? [{ name: column.name, place, points: grade.passAtK.map(({ k, value }) => ({ x: k, y: value })) }]
      : [],
  );
  if (lines.length === 0) return null;
  return (
    <DoublingFigure
      title="pass@k: at least one of k samples is right"
      xAxis="k samples"
      yAxis="pass@k, %"
      lines={lines}
    />
  );
}

/** Results by what rows say of themselves: a table of all columns for each field, and a figure of its values in the two that are looked at. */
export function ByField({
  set,
  grader,
  shown,
}: {
  set: EvaluationSet;
  grader: string;
  shown: readonly number[];
}) {
  const graded = gradedBy(set, grader);
  const fields = [...new Set(graded.flatMap(({ grade }) => grade?.by.map(({ field }) => field) ?? []))];
  const rowsOf = ({ grade }: Graded, field: string) => grade?.by.find((by) => by.field === field)?.rows ?? [];
  return (
    <>
      {fields.map((field) => {
        const values = [...new Set(graded.flatMap((one) => rowsOf(one, field).map(({ value }) => value)))];
        const find = (one: Graded, value: string) => rowsOf(one, field).find((row) => row.value === value);
        const problemsOf = (value: string) =>
          find(
            graded.find((one) => find(one, value))!,
            value,
          )!.problems;
        const drawn = values.slice(0, MOST_VALUES).flatMap((value) =>
          [...new Set(shown)].flatMap((place) => {
            const row = find(graded[place]!, value);
            const error = row?.standardError ?? null;
            const half = 1.96 * (error ?? 0);
            return row
              ? [
                  {
                    label: `${short(value, 30)}, ${short(graded[place]!.column.name, 24)}: ${(100 * row.passAt1).toFixed(1)} of ${row.problems}`,
                    value: row.passAt1,
                    interval:
                      error === null
                        ? null
                        : ([Math.max(0, row.passAt1 - half), Math.min(1, row.passAt1 + half)] as const),
                    place,
                  },
                ]
              : [];
          }),
        );
        return (
          <section key={field}>
            <h3>
              By <Name of={field} />
            </h3>
            <figure>
              <figcaption>
                <strong>pass@1 ± 1.96 standard errors</strong>
              </figcaption>
              <IntervalFigure title={`pass@1 by ${short(field)}`} axis="pass@1, %" rows={drawn} />
            </figure>
            <Table
              name={`${set.name} by ${field}`}
              caption="pass@1, with standard errors"
              rows={values}
              columns={[
                { name: field, value: (value) => value, show: (value) => <Name of={value} /> },
                { name: 'problems', value: problemsOf },
                ...graded.map((one) => ({
                  name: one.column.name,
                  value: (value: string) => find(one, value)?.passAt1 ?? null,
                  show: (value: string) => {
                    const row = find(one, value);
                    const error = row?.standardError ?? null;
                    return `${percent(row?.passAt1)}${error === null ? '' : ` ± ${(100 * error).toFixed(1)}`}`;
                  },
                })),
              ]}
            />
          </section>
        );
      })}
    </>
  );
}

/** Values of a field that a figure has room for; the table has all. */
const MOST_VALUES = 12;

/** How was asked and sampled: a row each setting, those in which the columns differ first. */
export function Protocol({ set }: { set: EvaluationSet }) {
  const names = [...new Set(set.columns.flatMap(({ protocol }) => Object.keys(protocol)))];
  const differ = (name: string) => new Set(set.columns.map(({ protocol }) => own(protocol, name))).size > 1;
  const rows = [...names.filter(differ), ...names.filter((name) => !differ(name))];
  return (
    <details>
      <summary>
        How was asked and sampled{' '}
        {set.columns.length > 1 && (
          <span class="note">
            {names.some(differ) ? plural(names.filter(differ).length, 'difference') : 'the same for all'}
          </span>
        )}
      </summary>
      <Table
        name={`protocol of ${set.name}`}
        caption="Settings; those that differ come first"
        rows={rows}
        columns={[
          { name: 'setting', value: (name) => name, show: (name) => <code>{short(name)}</code> },
          ...set.columns.map(({ name: column, protocol }) => ({
            name: column,
            value: (name: string) => own(protocol, name) ?? null,
            show: (name: string) => short(own(protocol, name) ?? '–', 200),
          })),
        ]}
      />
    </details>
  );
}
