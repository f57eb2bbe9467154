/** @file Writes TensorBoard's event files: the scalars of every step under the names that TRL's runs have there. */
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explained } from '../util/fileErrors.js';
import { writeFileAtomic } from '../util/files.js';
import { makeFolder } from '../util/folders.js';
import { removeKnown } from '../util/ownFolder.js';

/** The folder in a run's folder, and its files; TensorBoard reads them in the order of their names. */
export const EVENTS_FOLDER = 'tensorboard';
const PREFIX = 'events.out.tfevents.';
const FILE_NAME = /^events\.out\.tfevents\.(\d+)(?:\.(\d+))?$/;
export const eventFiles = [`${PREFIX}*`];
/** All that is written, from the run's folder. */
export const eventPaths = eventFiles.map((name) => `${EVENTS_FOLDER}/${name}`);

/** Removes the event files of an earlier run. @throws UserError where something else is in their folder */
export function removeEvents(out: string): void {
  removeKnown(join(out, EVENTS_FOLDER), eventFiles);
}

export interface EventFileOptions {
  /**
   * The last step that counts of those in earlier files; TensorBoard forgets later ones. Files that went on from there or later
   * go: what they have is done again. Without it the run is new.
   */
  after?: number;
  /** Seconds since 1970. */
  clock?: () => number;
}

/** The scalars of a run from some step on, in a file of their own. A step is on its way to the disk when `append` returns. */
export class EventFile {
  readonly path: string;
  readonly #clock: () => number;

  /** @param out the run's folder */
  constructor(out: string, { after = 0, clock = () => Date.now() / 1000 }: EventFileOptions = {}) {
    this.#clock = clock;
    const folder = join(out, EVENTS_FOLDER);
    makeFolder(folder);
    const earlier = numbersIn(folder);
    const number = Math.max(0, ...earlier.map((file) => file.number)) + 1;
    const again = after > 0 ? earlier.filter((file) => file.after >= after) : [];
    explained(folder, () => {
      for (const { name } of again) rmSync(join(folder, name), { force: true });
    });
    this.path = join(folder, `${PREFIX}${String(number).padStart(5, '0')}${after > 0 ? `.${after}` : ''}`);
    const events = [event(clock(), 0, text(FILE_VERSION, 'brain.Event:2'))];
    if (after > 0) events.push(event(clock(), after + 1, message(SESSION_LOG, varint(STATUS, START))));
    explained(this.path, () => {
      writeFileAtomic(this.path, Buffer.concat(events.map(record)));
    });
  }

  /** Adds the scalars of a step. */
  append({ step, ...scalars }: Readonly<Record<string, number>> & { step: number }): void {
    const values = Object.entries(scalars).map(([name, value]) =>
      message(VALUE, text(TAG, tagOf(name)), float(SIMPLE_VALUE, value)),
    );
    const bytes = record(event(this.#clock(), step, message(SUMMARY, ...values)));
    explained(this.path, () => {
      appendFileSync(this.path, bytes);
    });
  }
}

/** The files of a folder with their numbers and the steps after which they begin, which are in their names. */
function numbersIn(folder: string): { name: string; number: number; after: number }[] {
  return readdirSync(folder).flatMap((name) => {
    const [, number, after = '0'] = FILE_NAME.exec(name) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number), after: Number(after) }];
  });
}

/** The name under which transformers' callback for TensorBoard writes a metric. */
const tagOf = (metric: string): string =>
  metric.startsWith('eval_') ? `eval/${metric.slice('eval_'.length)}` : `train/${metric}`;

// Field numbers of TensorFlow's protocol buffers: Event, SessionLog, Summary and its values.
const [WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG] = [1, 2, 3, 5, 7];
const [STATUS, START] = [1, 1];
const [VALUE, TAG, SIMPLE_VALUE] = [1, 1, 2];

/** How a field's bytes are to be read. */
const [VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES] = [0, 1, 2, 5];

function event(seconds: number, step: number, content: Buffer): Buffer {
  const time = Buffer.alloc(8);
  time.writeDoubleLE(seconds);
  return Buffer.concat([
    key(WALL_TIME, EIGHT_BYTES),
    time,
    step === 0 ? NOTHING : varint(STEP, step),
    content,
  ]);
}

const NOTHING = Buffer.alloc(0);

const key = (field: number, kind: number): Buffer => number(field * 8 + kind);

/** A whole number, seven bits a byte, the lowest first. */
function number(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const varint = (field: number, value: number): Buffer => Buffer.concat([key(field, VARINT), number(value)]);

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FOUR_BYTES), bytes]);
}

function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([key(field, LENGTH), number(content.length), content]);
}

const text = (field: number, value: string): Buffer => message(field, Buffer.from(value, 'utf8'));

/** A record of TensorFlow's: its length and its bytes, each with a checksum. */
function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

/** CRC-32C (Castagnoli), a byte at a time. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** The masked CRC-32C of TensorFlow's records: rotated by 15 bits, and a constant added. */
function checksum(data: Buffer): Buffer {
  let crc = 0xffffffff;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return bytes;
}
