/** @file Decodes a column of a Parquet file page by page, over the insides of hyparquet. */
import type { ColumnChunk, DecodedArray, SchemaElement, SchemaTree } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { parseJson, readNumber } from '../util/exactJson.js';
import { readFully } from '../util/files.js';

type ColumnDecoder = Parameters<typeof readPage>[2];
type PageHeader = ReturnType<typeof parquetHeader>;

/** How much of a header is read at first; headers are some hundred bytes, but statistics in them may be long texts. */
const HEADER_BYTES = 1 << 14;
const MAX_HEADER_BYTES = 1 << 26;
/** The largest page that is accepted; writers make pages of about 1 MB. */
const MAX_PAGE_BYTES = 1 << 30;

const PARSERS: typeof DEFAULT_PARSERS = {
  ...DEFAULT_PARSERS,
  jsonFromBytes: (bytes) => parseJson(Buffer.from(bytes).toString('utf8')),
};

/**
 * Reads a column of a row group a page at a time: a writer that is told nothing else puts a whole file into one row group,
 * which hyparquet would decode at once. Values are as `assembleNested` takes them.
 */
export class ColumnPages {
  readonly path: string;
  readonly #fd: number;
  readonly #decoder: ColumnDecoder;
  /** Whether rows are lists, which may go on in the next page. */
  readonly #repeated: boolean;
  readonly #end: number;
  /** Digits after the point of a decimal; undefined for what is none. */
  readonly #scale: number | undefined;
  readonly #isFloat: boolean;
  #position: number;
  #dictionary: DecodedArray | undefined;
  #rows: unknown[] = [];
  #taken = 0;

  /** @param fd the open file */
  constructor(fd: number, chunk: ColumnChunk, schema: SchemaTree) {
    this.#fd = fd;
    const meta = chunk.meta_data;
    if (!meta || chunk.file_path) throw new Error('a column is stored elsewhere');
    const schemaPath = getTreePath(schema, meta.path_in_schema);
    const { element } = schemaPath.at(-1)!;
    this.#scale = scaleOf(element);
    this.#isFloat =
      meta.type === 'FLOAT' || meta.type === 'DOUBLE' || element.logical_type?.type === 'FLOAT16';
    this.path = meta.path_in_schema.join('.');
    this.#repeated = getMaxRepetitionLevel(schemaPath) > 0;
    this.#decoder = {
      pathInSchema: meta.path_in_schema,
      type: meta.type,
      // The digits of a decimal are converted here, exactly.
      element: this.#scale === undefined ? element : asStored(element),
      ...(this.#scale !== undefined && { utf8: false }),
      schemaPath,
      codec: meta.codec,
      parsers: PARSERS,
      compressors,
    };
    const dictionary = Number(meta.dictionary_page_offset ?? 0);
    const data = Number(meta.data_page_offset);
    this.#position = dictionary > 0 ? Math.min(dictionary, data) : data;
    this.#end = this.#position + Number(meta.total_compressed_size);
  }

  /** Reads on until a whole row can be taken, and returns how many can. @throws Error where the column ends before */
  ready(): number {
    for (;;) {
      const more = this.#position < this.#end;
      const whole = this.#rows.length - this.#taken - (this.#repeated && more ? 1 : 0);
      if (whole > 0) return whole;
      if (!more) throw new Error(`the column "${this.path}" has too few rows`);
      this.#readPage();
    }
  }

  take(count: number): unknown[] {
    const rows = this.#rows.slice(this.#taken, (this.#taken += count));
    if (this.#isFloat) return rows.map(floatOf);
    return this.#scale === undefined ? rows : rows.map((value) => decimalOf(value, this.#scale!));
  }

  #readPage(): void {
    const { header, bytes } = this.#readHeader();
    const size = header.compressed_page_size;
    const start = this.#position + bytes;
    if (!(size >= 0 && start + size <= this.#end) || !(header.uncompressed_page_size <= MAX_PAGE_BYTES))
      throw new Error(`a page of the column "${this.path}" has an impossible size`);
    this.#position = start + size;
    if (header.type === 'INDEX_PAGE') return;
    const page = Buffer.alloc(size);
    if (readFully(this.#fd, page, start) < size) throw new Error('the file ends in the middle of a page');
    const reader = { view: new DataView(page.buffer, page.byteOffset, size), offset: 0 };
    if (header.type === 'DICTIONARY_PAGE') {
      const { data } = readPage(reader, header, this.#decoder, undefined, undefined, 0);
      this.#dictionary = data && convert(data, this.#decoder);
      return;
    }
    this.#rows = this.#rows.slice(this.#taken);
    this.#taken = 0;
    const before = this.#repeated ? this.#rows : undefined;
    const { data = [] } = readPage(reader, header, this.#decoder, this.#dictionary, before, 0);
    // Lists are appended to what is there, the first perhaps as the rest of the last row.
    if (data !== this.#rows) for (const value of data) this.#rows.push(value);
  }

  #readHeader(): { header: PageHeader; bytes: number } {
    for (let size = HEADER_BYTES; ; size *= 16) {
      const bytes = Buffer.alloc(Math.min(size, this.#end - this.#position));
      readFully(this.#fd, bytes, this.#position);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
      try {
        return { header: parquetHeader(reader), bytes: reader.offset };
      } catch (error) {
        if (size > bytes.length || size > MAX_HEADER_BYTES) throw error;
      }
    }
  }
}

function scaleOf({
  converted_type: converted,
  logical_type: logical,
  scale,
}: SchemaElement): number | undefined {
  if (logical?.type === 'DECIMAL') return logical.scale;
  return converted === 'DECIMAL' ? (scale ?? 0) : undefined;
}

/** The element of a column whose values are read as they are stored. */
function asStored({ name, type, type_length: length }: SchemaElement): SchemaElement {
  return { name, ...(type && { type }), ...(length !== undefined && { type_length: length }) };
}

/** A float of a column: one that is whole is kept apart from the ints, as in JSON. Lists are of floats. */
function floatOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(floatOf);
  if (!Number.isInteger(value)) return value;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return readNumber(text.includes('e') ? text : `${text}.0`);
}

/** A decimal of a column: whole numbers, or big-endian bytes in two's complement, over 10^scale. Lists are of decimals. */
function decimalOf(value: unknown, scale: number): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((inner) => decimalOf(inner, scale));
  const whole =
    value instanceof Uint8Array
      ? BigInt.asIntN(8 * value.length, BigInt(`0x0${Buffer.from(value).toString('hex')}`))
      : BigInt(value as number | bigint);
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  const sign = whole < 0n ? '-' : '';
  return readNumber(`${sign}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`);
}
