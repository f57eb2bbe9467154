import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { Journal } from './journal.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-journal-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

let files = 0;
const newPath = () => join(root, `${++files}.jsonl`);

async function lines(path: string): Promise<unknown[]> {
  const found: unknown[] = [];
  const journal = await Journal.open(path, (line, place) => {
    expect(journalLine(path, place)).toEqual(line);
    found.push(line);
  });
  await journal.close();
  return found;
}
const journalLine = (path: string, { offset, length }: { offset: number; length: number }): unknown =>
  JSON.parse(readFileSync(path).toString('utf8', offset, offset + length));

const texts = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => ({ i, text: 'ö🙂\n"'.repeat((i * length) % 997) }));

describe('a journal', () => {
  it('has every line that was appended, at the place that was given', async () => {
    const path = newPath();
    const expected = texts(300, 31);
    const journal = await Journal.open(path, () => expect.unreachable());
    expect(journal.isEmpty).toBe(true);
    const places = await Promise.all(expected.map((line) => journal.append(line)));
    expect(places.map((place) => journal.read(place))).toEqual(expected);
    await journal.close();
    expect(readFileSync(path, 'utf8')).toBe(expected.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await lines(path)).toEqual(expected);
  });

  it('reads lines that are longer than its pieces', async () => {
    const path = newPath();
    const expected = ['a'.repeat(1 << 20), 'b'.repeat(3_000_000), 'c', 'd'.repeat((1 << 20) - 10)];
    writeFileSync(path, expected.map((text) => `${JSON.stringify({ text })}\n`).join(''));
    expect(await lines(path)).toEqual(expected.map((text) => ({ text })));
  });

  it('loses nothing but a torn last line, wherever it was torn', async () => {
    const whole = texts(12, 5).map((line) => `${JSON.stringify(line)}\n`);
    const bytes = Buffer.from(whole.join(''));
    const random = new Random(1);
    for (let trial = 0; trial < 60; trial++) {
      const path = newPath();
      const end = random.nextInt(bytes.length + 1);
      writeFileSync(path, bytes.subarray(0, end));
      let kept = 0;
      for (let size = 0; kept < whole.length; kept++) {
        size += Buffer.byteLength(whole[kept]!);
        if (size > end) break;
      }
      expect(await lines(path)).toEqual(texts(kept, 5));
      const journal = await Journal.open(path, () => undefined);
      await Promise.all(
        texts(12, 5)
          .slice(kept)
          .map((line) => journal.append(line)),
      );
      await journal.close();
      expect(readFileSync(path)).toEqual(bytes);
    }
  });

  it('cuts off a last line that a power cut left empty', async () => {
    const path = newPath();
    writeFileSync(path, '{"a":1}\n\0\0\0\0\n');
    expect(await lines(path)).toEqual([{ a: 1 }]);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n');
  });

  it('refuses damage in the middle', async () => {
    const path = newPath();
    writeFileSync(path, '{"a":1}\n{"a"\n{"a":3}\n');
    await expect(lines(path)).rejects.toThrow(`${path}, line 2: the journal is damaged there`);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a"\n{"a":3}\n');
  });

  it('writes no more after an error', async () => {
    const path = newPath();
    const journal = await Journal.open(path, () => undefined);
    await journal.append({ a: 1 });
    await journal.close();
    await expect(journal.append({ a: 2 })).rejects.toThrow();
    await expect(journal.append({ a: 3 })).rejects.toThrow();
    appendFileSync(path, '{"b"');
    expect(await lines(path)).toEqual([{ a: 1 }]);
  });

  it('takes the torn beginning of its first line, and leaves what is not its own as it is', async () => {
    const path = newPath();
    for (const torn of ['', '{"jou', '{"journal":"redistill answ', '\0\0\0']) {
      writeFileSync(path, torn);
      expect(await lines(path)).toEqual([]);
      expect(readFileSync(path, 'utf8')).toBe('');
    }
    for (const foreign of ['Dear diary', 'Dear diary\n', '{"b"', 'x'.repeat(6000)]) {
      writeFileSync(path, foreign);
      await expect(lines(path)).rejects.toThrow(
        `${path} is not a journal of redistill: choose another folder`,
      );
      expect(readFileSync(path, 'utf8')).toBe(foreign);
    }
  });
});
