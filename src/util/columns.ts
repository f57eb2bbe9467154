/** @file Keeps numbers by the million in columns, a typed array each, that grow and are written to a file as they are. */

const kinds = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array } as const;
export type ColumnKind = keyof typeof kinds;
export type Column = InstanceType<(typeof kinds)[ColumnKind]>;

/** A table with a number in each column of a row. */
export type Schema = Readonly<Record<string, ColumnKind>>;
export type Row<S extends Schema> = Record<keyof S, number>;
export type Columns<S extends Schema> = Readonly<Record<keyof S, Column>>;

/** A table that grows. */
export class ColumnTable<S extends Schema> {
  length = 0;
  #columns: Record<string, Column>;
  #room = 1024;

  constructor(readonly schema: S) {
    this.#columns = mapped(schema, (kind) => new kinds[kind](this.#room));
  }

  push(row: Row<S>): void {
    if (this.length === this.#room) {
      this.#room *= 2;
      this.#columns = mapped(this.schema, (kind, name) => {
        const larger = new kinds[kind](this.#room);
        larger.set(this.#columns[name]!);
        return larger;
      });
    }
    for (const [name, column] of Object.entries(this.#columns)) column[this.length] = row[name]!;
    this.length++;
  }

  /** The columns as they are now, without room for more. */
  columns(): Columns<S> {
    return mapped(this.schema, (_, name) => this.#columns[name]!.subarray(0, this.length)) as Columns<S>;
  }
}

/** The bytes of a table's columns, one after the other. */
export function columnBytes<S extends Schema>(schema: S, columns: Columns<S>): Uint8Array[] {
  return Object.keys(schema).map((name) => {
    const { buffer, byteOffset, byteLength } = columns[name]!;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}

/** Counts the bytes of a table of so many rows. */
export function tableBytes(schema: Schema, rows: number): number {
  return Object.values(schema).reduce((sum, kind) => sum + rows * kinds[kind].BYTES_PER_ELEMENT, 0);
}

/** Reads the columns of `rows` rows from what `columnBytes` made. @throws RangeError where there are too few bytes */
export function readColumns<S extends Schema>(schema: S, rows: number, bytes: Uint8Array): Columns<S> {
  let start = 0;
  return mapped(schema, (kind) => {
    const column = new kinds[kind](rows);
    new Uint8Array(column.buffer).set(bytes.subarray(start, (start += column.byteLength)));
    return column;
  }) as Columns<S>;
}

function mapped<T>(schema: Schema, make: (kind: ColumnKind, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(schema).map(([name, kind]) => [name, make(kind, name)]));
}
