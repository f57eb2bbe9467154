/** @file Finds the Parquet columns that fit rows of JSON. */
import type { SchemaElement } from 'hyparquet';
import { ExactNumber, numberText, plainNumber, writeJson } from '../util/exactJson.js';

type Kind = 'boolean' | 'integer' | 'number' | 'text' | 'list' | 'object';

/** Deeper values, and objects with more keys, are data and not columns: they are written as JSON text. */
const MAX_DEPTH = 8;
const MAX_KEYS = 200;

/** Gathers row by row what the values of one place in a row are like, and derives the Parquet columns from it. */
export class Shape {
  readonly #kinds = new Set<Kind>();
  readonly #fields = new Map<string, Shape>();
  #element: Shape | undefined;
  #opaque = false;
  /** There are numbers that no double holds. */
  #exact = false;

  readonly #depth: number;

  constructor(depth = 0) {
    this.#depth = depth;
  }

  /** Takes a value of JSON into account. */
  add(value: unknown): void {
    if (value === null || value === undefined || this.#opaque) return;
    if (Array.isArray(value)) {
      this.#kinds.add('list');
      this.#element ??= new Shape(this.#depth + 1);
      for (const inner of value) this.#element.add(inner);
    } else if (value instanceof ExactNumber) {
      const isHeld = plainNumber(value) !== undefined;
      this.#kinds.add(isHeld ? 'number' : fitsInt64(value) ? 'integer' : 'text');
      this.#exact ||= !isHeld;
    } else if (typeof value === 'object') {
      this.#kinds.add('object');
      for (const [name, inner] of Object.entries(value)) {
        let field = this.#fields.get(name);
        if (!field) this.#fields.set(name, (field = new Shape(this.#depth + 1)));
        field.add(inner);
      }
    } else if (typeof value === 'number') {
      this.#kinds.add(Number.isSafeInteger(value) ? 'integer' : 'number');
    } else {
      this.#kinds.add(typeof value === 'boolean' ? 'boolean' : 'text');
    }
    this.#opaque = this.#depth > MAX_DEPTH || this.#fields.size > MAX_KEYS;
  }

  /** Returns the schema of rows of this shape, the root first, and the names of its columns. */
  schema(): { columns: { name: string }[]; schema: SchemaElement[] } {
    const fields = [...this.#fields];
    return {
      columns: fields.map(([name]) => ({ name })),
      schema: [
        { name: 'schema', num_children: fields.length },
        ...fields.flatMap(([name, field]) => field.#elements(name)),
      ],
    };
  }

  /** Converts a row to what the writer takes. */
  row(row: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries([...this.#fields].map(([name, field]) => [name, field.#column(row[name])]));
  }

  #elements(name: string): SchemaElement[] {
    const column = { name, repetition_type: 'OPTIONAL' } as const;
    switch (this.#type()) {
      case 'boolean':
        return [{ ...column, type: 'BOOLEAN' }];
      case 'integer':
        return [{ ...column, type: 'INT64' }];
      case 'number':
        return [{ ...column, type: 'DOUBLE' }];
      case 'list':
        return [
          { ...column, converted_type: 'LIST', num_children: 1 },
          { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
          ...this.#element!.#elements('element'),
        ];
      case 'object':
        return [
          { ...column, num_children: this.#fields.size },
          ...[...this.#fields].flatMap(([key, field]) => field.#elements(key)),
        ];
      case 'text':
      case 'json':
        return [{ ...column, type: 'BYTE_ARRAY', converted_type: 'UTF8' }];
    }
  }

  #column(value: unknown): unknown {
    if (value === null || value === undefined) return null;
    switch (this.#type()) {
      case 'integer':
        return BigInt(numberText(value)!);
      case 'list':
        return (value as unknown[]).map((inner) => this.#element!.#column(inner));
      case 'object':
        return this.row(value as Record<string, unknown>);
      case 'text':
        return typeof value === 'string' ? value : (numberText(value) ?? JSON.stringify(value));
      case 'json':
        return writeJson(value);
      case 'number':
        return plainNumber(value);
      case 'boolean':
        return value;
    }
  }

  /** Chooses one type for all values: scalars of several kinds become text, other mixtures JSON. */
  #type(): Kind | 'json' {
    if (this.#opaque) return 'json';
    const [kind = 'text', ...others] = this.#kinds;
    if (kind === 'object' && this.#fields.size === 0) return 'json'; // a group needs a column
    if (others.length === 0) return kind;
    if (this.#kinds.has('list') || this.#kinds.has('object')) return 'json';
    return this.#kinds.size === 2 && this.#kinds.has('integer') && this.#kinds.has('number') && !this.#exact
      ? 'number'
      : 'text';
  }
}

function fitsInt64({ text }: ExactNumber): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
