/** @file Reads the steps of event files as TensorBoard does, for tests of runs; its bytes are tested in eventFile.test.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One event: its step, and whether a session starts with it, from whose step on earlier events are forgotten. */
interface Event {
  step: number;
  isStart: boolean;
  isScalar: boolean;
}

/** The steps that count, in the order of the files. A record that is torn ends its file. */
export function stepsOfEvents(out: string): number[] {
  const folder = join(out, 'tensorboard');
  let steps: number[] = [];
  for (const name of readdirSync(folder).sort())
    for (const { step, isStart, isScalar } of eventsOf(readFileSync(join(folder, name)))) {
      if (isStart) steps = steps.filter((earlier) => earlier < step);
      if (isScalar) steps.push(step);
    }
  return steps;
}

function* eventsOf(bytes: Buffer): Generator<Event> {
  for (let at = 0; at + 12 <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (at + 16 + length > bytes.length) return;
    yield parse(bytes.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
}

/** A time (9 bytes), a step where it is not 0, and the rest, by its field number. */
function parse(bytes: Buffer): Event {
  let [step, at] = [0, 9];
  if (bytes[at] === 0x10) {
    let factor = 1;
    do {
      step += (bytes[++at]! & 127) * factor;
      factor *= 128;
    } while (bytes[at]! >= 128);
    at++;
  }
  return { step, isStart: bytes[at] === 0x3a, isScalar: bytes[at] === 0x2a };
}
