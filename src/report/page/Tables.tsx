/** @file Tables that studies and benchmarks have made. */
import type { Report, ResultTable } from '../model.js';
import { brief, chance, count, percent, signedPoints } from './numbers.js';
import { address, type Route } from './route.js';
import { Table, type Column } from './table.js';
import { Name, short } from './text.js';
import { Notes } from './Notes.js';

type Kind = ResultTable['columns'][number]['kind'];

/** A cell in words. */
function shown(kind: Kind, value: string | number | null): string {
  if (value === null || value === '') return '–';
  if (typeof value === 'string') return short(value, 200);
  switch (kind) {
    case 'share':
      return percent(value);
    case 'difference':
      return signedPoints(value);
    case 'chance':
      return chance(value);
    default:
      return Number.isInteger(value) ? count(value) : brief(value);
  }
}

function ResultTableView({ table }: { table: ResultTable }) {
  const columns = table.columns.map(({ name, kind }, i): Column<ResultTable['rows'][number]> => ({
    name,
    value: (row) => row[i] ?? null,
    show: (row) =>
      kind === 'text' ? <Name of={String(row[i] ?? '') || '–'} length={60} /> : shown(kind, row[i] ?? null),
  }));
  return (
    <section>
      <h2 id={table.id}>
        <a href={address(['tables', table.id])}>
          <Name of={table.name} />
        </a>
      </h2>
      <Table name={table.name} caption={short(table.caption, 300)} columns={columns} rows={table.rows} />
      <Notes notes={table.notes} />
    </section>
  );
}

export function Tables({ report, route }: { report: Report; route: Route }) {
  const all = report.tables ?? [];
  const [, id] = route.parts;
  const one = all.filter((table) => table.id.toWellFormed() === id);
  const tables = id === undefined ? all : one;
  return (
    <>
      <h1>Studies and benchmarks</h1>
      {id !== undefined && one.length > 0 && (
        <p>
          <a href="#/tables">All tables</a>
        </p>
      )}
      {tables.length === 0 && (
        <p class="warning">There is no table{id === undefined ? '' : ' of this name'} in the report.</p>
      )}
      {tables.map((table) => (
        <ResultTableView key={table.id} table={table} />
      ))}
    </>
  );
}
