/** What the page computes, without a browser. */
import { expect, test } from 'vitest';
import type { TrainingRun } from '../../src/report/model.js';
import { keyOf, listed, placeOf } from '../../src/report/page/filters.js';
import { groupsOf, lineOf, smoothed, valuesAt } from '../../src/report/page/lines.js';
import { labelsOf } from '../../src/report/page/marks.js';
import { brief } from '../../src/report/page/numbers.js';
import { address, parseRoute } from '../../src/report/page/route.js';
import { toCsv, toJson } from '../../src/report/page/tableFiles.js';
import { HOSTILE, SMALL, syntheticReport } from '../support/syntheticReport.js';

const run = (seed: number, steps: number[], mean: (number | null)[]): TrainingRun => ({
  ...syntheticReport({ ...SMALL, runs: 1, buckets: 1 }).report.runs[0]!,
  ...{ group: 'redi', seed, measured: [], curves: { steps, bucket: 1, series: [{ name: 'loss', mean }] } },
});

test('runs of a group are one line: the mean and the ends of those that have got so far', () => {
  const [group] = groupsOf([
    run(0, [1, 2, 3, 4], [4, 3, 2, 1]),
    run(1, [2, 4], [1, 3]),
    run(2, [1, 2], [null, 5]),
  ]);
  expect(lineOf(group!, 'loss')).toMatchObject({
    steps: [1, 2, 3, 4],
    values: [4, 3, 2, 2],
    low: [4, 1, 2, 1],
    high: [4, 5, 2, 3],
  });
  expect(lineOf(group!, 'none')).toBeUndefined();
});

test('a series has values between its steps and none outside', () => {
  const series = { steps: [10, 20, 40], mean: [1, 2, null] };
  expect(valuesAt([5, 10, 15, 20, 30, 40, 50], series)).toEqual([null, 1, 1.5, 2, null, null, null]);
});

test('smoothing keeps what is constant, leaves gaps, and halves weights as it says', () => {
  expect(smoothed([3, 3, null, 3], 5)).toEqual([3, 3, null, 3]);
  const [first, second] = smoothed([0, 1], 1) as number[];
  expect([first, second]).toEqual([0, 1 / 1.5]);
});

test('an address gives back the names that it was made of', () => {
  for (const name of [
    'a/b',
    '?x=1#y',
    '100 %',
    'ä €',
    '..',
    ...HOSTILE.filter((text) => text.isWellFormed()),
  ])
    expect(parseRoute(address(['runs', name], { q: name })).parts).toEqual(['runs', name]);
  const { query } = parseRoute(address(['runs'], { q: 'a&b=c?#', none: undefined, empty: '' }));
  expect([...query]).toEqual([['q', 'a&b=c?#']]);
  expect(parseRoute('#/a/%E0%A4%A').parts).toEqual(['a', '%E0%A4%A']);
});

test('every problem has a key of its own that leads back to it', () => {
  const { problems } = syntheticReport({ ...SMALL, problems: 12 }).report.evaluations[0]!;
  const ids = ['a', 'a', '', '@0', '@7', 'x'.repeat(1_000), '\uD800', 'b/c', ' ', 'z', '__proto__', '1'];
  const index = { ...problems, ids };
  const keys = ids.map((_, place) => keyOf(index, place));
  expect(new Set(keys).size).toBe(ids.length);
  expect(keys.map((key) => placeOf(index, parseRoute(address([key])).parts[0]!))).toEqual(
    ids.map((_, i) => i),
  );
  expect(placeOf(index, '@99')).toBe(-1);
  expect(placeOf(index, 'none')).toBe(-1);
});

test('orders put first what they say', () => {
  const { problems } = syntheticReport().report.evaluations[0]!;
  const looking = { a: 0, b: 1, grader: 'verifier' };
  const share = (column: number, place: number) => problems.right[column]!.verifier![place]! / SMALL.samples;
  const keys = {
    change: (place: number) => share(1, place) - share(0, place),
    share: (place: number) => share(1, place),
    tokens: (place: number) => -problems.tokens[1]![place]!,
  };
  for (const order of ['change', 'share', 'tokens'] as const) {
    const places = listed(problems, looking, { filter: 'all', order, query: '' });
    const values = places.map(keys[order]);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(new Set(places).size).toBe(SMALL.problems);
  }
});

test('numbers are brief', () => {
  expect([0, 1, -0.5, 0.00001234, 12_345, 2.1e9, 1e300, NaN, null].map((value) => brief(value))).toEqual([
    ...['0', '1', '−0.5', '1.2e−5', '12.3 k', '2.1 G', '1.0e300', '–', '–'],
  ]);
});

test('JSON has a value of every column, also where several are called alike', () => {
  const names = ['step', 'a', 'a', 'a (2)', 'a', 'step', '', '', '__proto__', '__proto__', 'constructor'];
  const columns = names.map((name, i) => ({ name, value: (row: number) => 100 * row + i }));
  const rows = JSON.parse(toJson(columns, [1, 2])) as Record<string, number>[];
  expect(rows.map((row) => Object.values(row))).toEqual(
    [1, 2].map((row) => names.map((_, i) => 100 * row + i)),
  );
  const keys = Object.keys(rows[0]!);
  // The first of a name has it.
  expect(keys.filter((key) => names.includes(key))).toEqual([...new Set(names)]);
  expect(keys).toContain('step (2)');
});

/** What a program reads in a file of comma-separated values, by RFC 4180. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, after] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (after === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

test('no cell of a CSV is a formula to a spreadsheet, and every one is whole', () => {
  const begins = Array.from('=+-@＝＋－＠﹦﹢﹣﹫');
  const before = ['', '\t', '\r', '\n', '\r\n', ' ', '\u00A0', '\u3000', '\uFEFF', '\u200B', '\0', ' \n\t '];
  const dangerous = [
    ...begins.flatMap((sign) => before.map((one) => `${one}${sign}HYPERLINK("https://example.invalid";A1)`)),
    ...['\tx', '\rx', '\nx', '\t', '\n'],
  ];
  const harmless = ['', 'a=1', '1 - 2', 'a@b', 'x\n=1', '"quoted", so', '–', 'ä', "'", ' x'];
  const texts = [...dangerous, ...harmless];
  const csv = toCsv([{ name: '=head', value: (text: string) => text }], texts);
  const [[head], ...rows] = cellsOf(csv) as [[string], ...string[][]];
  expect(head).toBe("'=head");
  expect(rows.map(([cell]) => cell)).toEqual([...dangerous.map((text) => `'${text}`), ...harmless]);
  expect(cellsOf(toCsv([{ name: 'n', value: (n: number | null) => n }], [-1, null]))).toEqual([
    ['n'],
    ['-1'],
    [''],
  ]);
});

test('numbers of marks never stand on each other, and one that accuses makes its text accuse', () => {
  const marks = (...places: [x: number, number: number, isCalm?: boolean][]) =>
    labelsOf(places.map(([x, number, isCalm = false]) => ({ x, number, isCalm })));
  expect(marks([50, 1], [100, 2], [100, 3], [300, 4, true])).toEqual([
    { x: 50, text: '1', isCalm: false },
    { x: 100, text: '2, 3', isCalm: false },
    { x: 300, text: '4', isCalm: true },
  ]);
  expect(marks([12, 3, true], [10, 2, true], [15, 4])).toEqual([{ x: 10, text: '2–4', isCalm: false }]);
  expect(marks([10, 2], [11, 7], [12, 9]).map(({ text }) => text)).toEqual(['2, …']);
  for (let seed = 0; seed < 200; seed++) {
    const places = Array.from({ length: 1 + (seed % 40) }, (_, i) => (i * i * (seed + 7)) % 400);
    const found = marks(...places.map((x, i): [number, number] => [x, i + 1]));
    const gaps = found.slice(1).map(({ x }, i) => x - found[i]!.x);
    expect(Math.min(Infinity, ...gaps), String(seed)).toBeGreaterThanOrEqual(18);
  }
});
