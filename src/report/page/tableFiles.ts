/** @file Writes tables as CSV and JSON, for spreadsheets and programs. */

export type Cell = string | number | boolean | null;

/** A column of a table, as files have it. */
export interface DataColumn<Row> {
  name: string;
  /** What the files hold. */
  value: (row: Row) => Cell;
}

/**
 * Whether a spreadsheet may take a text for a formula: it begins with a sign of one, in any width and after whatever a program may pass
 * over, or with a tab or a line end, after which some begin anew.
 */
const isFormula = (text: string): boolean => {
  const first = /^[\t\r\n]|[^\p{Z}\p{C}]/u.exec(text)?.[0].normalize('NFKC') ?? '';
  return /^[=+\-@\t\r\n]/.test(first);
};

/** Quotes a cell. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvCell(value: Cell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const safe = isFormula(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv<Row>(columns: readonly DataColumn<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ name }) => csvCell(name)),
    ...rows.map((row) => columns.map(({ value }) => csvCell(value(row)))),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Names of which none is another's: the second `a` is `a (2)`, unless another column is called so. */
function apart(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let own = name;
    if (seen.has(name)) for (let i = 2; taken.has(own); i++) own = `${name} (${i})`;
    seen.add(own);
    taken.add(own);
    return own;
  });
}

export function toJson<Row>(columns: readonly DataColumn<Row>[], rows: readonly Row[]): string {
  const names = apart(columns.map(({ name }) => name));
  const objects = rows.map((row) =>
    Object.fromEntries(columns.map(({ value }, i) => [names[i]!, value(row)])),
  );
  return `${JSON.stringify(objects, null, 1)}\n`;
}
