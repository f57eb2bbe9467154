/** @file A table that can be taken along as CSV and JSON. */
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { toCsv, toJson, type Cell, type DataColumn } from './tableFiles.js';
import { short } from './text.js';

export interface Column<Row> extends DataColumn<Row> {
  /** What is drawn, where that differs. */
  show?: (row: Row) => ComponentChild;
}

/** Hands a text to the reader as a file. */
function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = short(name, 60).replace(/[^\p{L}\p{N}._-]+/gu, '-');
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

export interface Data<Row> {
  /** Of the file, without its ending. */
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[] | (() => readonly Row[]);
}

/** Buttons that save rows. */
export function Downloads<Row>({ name, columns, rows }: Data<Row>) {
  const all = () => (typeof rows === 'function' ? rows() : rows);
  return (
    <span class="downloads">
      <button
        type="button"
        aria-label={`Save ${short(name)} as CSV`}
        onClick={() => {
          save(`${name}.csv`, toCsv(columns, all()), 'text/csv');
        }}
      >
        CSV
      </button>
      <button
        type="button"
        aria-label={`Save ${short(name)} as JSON`}
        onClick={() => {
          save(`${name}.json`, toJson(columns, all()), 'application/json');
        }}
      >
        JSON
      </button>
    </span>
  );
}

const isNumeric = (value: Cell): boolean => typeof value === 'number' || value === null;

function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/** Draws rows; a click on a head sorts by it, another turns the order. */
export function Table<Row>({
  name,
  caption,
  columns,
  rows,
}: Omit<Data<Row>, 'rows'> & { caption: ComponentChild; rows: readonly Row[] }) {
  const [order, setOrder] = useState<{ by: number; sign: 1 | -1 }>();
  const by = order && columns[order.by];
  const sorted = by ? [...rows].sort((a, b) => order.sign * compareCells(by.value(a), by.value(b))) : rows;
  const numeric = columns.map(({ value }) => rows.length > 0 && rows.every((row) => isNumeric(value(row))));
  return (
    <div class="table">
      <div class="caption">
        <span>{caption}</span>
        <Downloads name={name} columns={columns} rows={rows} />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Table: ${short(name)}`}>
        <table>
          <thead>
            <tr>
              {columns.map((column, i) => (
                <th
                  key={i}
                  scope="col"
                  class={numeric[i] ? 'number' : undefined}
                  aria-sort={order?.by === i ? (order.sign > 0 ? 'ascending' : 'descending') : undefined}
                >
                  <button
                    type="button"
                    onClick={() => {
                      setOrder(
                        order?.by === i ? { by: i, sign: order.sign > 0 ? -1 : 1 } : { by: i, sign: 1 },
                      );
                    }}
                  >
                    {short(column.name, 40)}
                    {order?.by === i ? (order.sign > 0 ? ' ↑' : ' ↓') : ''}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row, i) => (
              <tr key={i}>
                {columns.map((column, j) => {
                  const drawn = column.show ? column.show(row) : column.value(row);
                  return (
                    <td key={j} class={numeric[j] ? 'number' : undefined}>
                      {typeof drawn === 'boolean'
                        ? String(drawn)
                        : typeof drawn === 'string'
                          ? short(drawn, 200)
                          : (drawn ?? '–')}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
