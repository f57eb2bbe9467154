import { expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { eventsOf } from './sse.js';

async function read(pieces: readonly string[]): Promise<string[]> {
  const events: string[] = [];
  for await (const event of eventsOf(pieces)) events.push(event);
  return events;
}

/** The same, from the whole text at once. */
const obvious = (text: string): string[] =>
  text
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .map((block) => block.split('\n').filter((line) => line.startsWith('data:')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n'));

it('reads the data of events, wherever the stream is divided and however its lines end', async () => {
  const random = new Random(3);
  const parts = [
    'data: {"a": 1}',
    'data:  b',
    'data:',
    ': comment',
    'event: x',
    'id: 5',
    '',
    '',
    'data: ½ 🙂',
  ];
  for (let round = 0; round < 300; round++) {
    const end = ['\n', '\r\n', '\r'][random.nextInt(3)]!;
    const lines = Array.from({ length: random.nextInt(12) }, () => parts[random.nextInt(parts.length)]!);
    const text = lines.join(end) + (random.nextInt(2) === 0 ? '' : end);
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) pieces.push(text.slice(at, (at += random.nextInt(6))));
    expect(await read(pieces), JSON.stringify(pieces)).toEqual(obvious(text));
  }
});

it('takes a time that grows with a long line and not with its square', async () => {
  const pieces = [...Array<string>(20_000).fill('x'.repeat(1000)), '\n\n'];
  const [event] = await read(['data: ', ...pieces]);
  expect(event).toHaveLength(20_000_000);
});
