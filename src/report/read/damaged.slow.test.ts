import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeLargeResults } from '../../../test/support/largeResults.js';
import { turns } from '../../../test/support/tinyModel.js';
import { UserError } from '../../util/errors.js';
import { Watcher } from '../follow/watcher.js';
import { readReport } from '../index.js';
import { reportAsText } from '../text.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-damaged-'));
const write = (dir: string, name: string, content: object) => {
  mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, dir, name), `${JSON.stringify(content)}\n`);
};
const record = (dir: string, command: string, more: object = {}) => {
  write(dir, 'redistill.json', { made_by: 'redistill', command, ...more });
};

beforeAll(async () => {
  const size = { evaluations: 2, problems: 2, samples: 2, characters: 40, runs: 1, steps: 3 };
  await writeLargeResults(root, { ...size, rows: 3, traceCharacters: 40 });
  write('curated-own', 'pref.jsonl', {
    ...{ original_index: 0, weight: 0.5, chosen_gen_idx: 0, rejected_gen_idx: 1 },
    ...{
      prompt: turns('2+2?', '').slice(0, 1),
      chosen: turns('', '4').slice(1),
      rejected: turns('', '5').slice(1),
    },
  });
  record('curated-own', 'curate', { settings: { data: 'traces.jsonl' } });
  write('curated-own', 'duplicates.jsonl', { original_index: 0, duplicate_of: 1, kind: 'exact' });
  write('curated-own', 'contaminated.jsonl', { original_index: 0, set: 'math', words: 'a b c' });
  record('check', 'doctor', { settings: { data: 'curated-own/pref.jsonl', model: 'student' } });
  write('check', 'verdicts.jsonl', {
    original_index: 0,
    verdict: 'ok',
    problems: [{ code: 'cut-off' }],
    fate: 'kept',
  });
  const found = { code: 'cut-off', severity: 'warning', rows: 1, meaning: 'm', detail: 'd', advice: 'a' };
  const counts = { file: 'pref.jsonl', rows: 1, ok: 0, warnings: 1, errors: 0, every: 1 };
  write('check', 'summary.json', { ...counts, problems: [found], account: ['one'] });
  const stages = [{ name: 'own', kind: 'curate', config: { data: '@asked/traces.jsonl' } }];
  record('pipe', 'run', { recipe: { stages } });
  write('pipe', 'stages.json', { stages: { own: {} } });
  write('pipe/own', 'summary.json', {
    rows: 1,
    sft: 1,
    pref: 1,
    dropped: { no_wrong: 1 },
    generations: { total: 2 },
  });
  record('verdict', 'compare', { settings: { before: 'evaluation-0', after: ['evaluation-1'] } });
  const shares = { problems: 2, before: 0, after: 1, difference: 1, p_value: 0.1, adjusted: 0.1 };
  const row = {
    name: 'm',
    grader: 'verify',
    ...shares,
    interval: [0, 1],
    gained: 1,
    lost: 0,
    detectable_effect: 1,
  };
  const said = { verdict: 'B is better', finding: 'better', warnings: ['w'], alpha: 0.05, power: 0.8 };
  write('verdict', 'compare.json', { ...said, rows: [row] });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Values as they may stand in a file, each in the place of another. */
const VALUES = [
  ...['null', '-1.5', '1e999', '""', '"<b>\\u202e\\ud800"', '[]', '{}', '[null]'],
  ...['{"toString":1,"constructor":null,"__proto__":[]}', `${'['.repeat(9_999)}${']'.repeat(9_999)}`],
];

/** Places within a value, two of each list. */
function* placesIn(value: unknown, place: string[] = []): Generator<string[]> {
  yield place;
  if (typeof value !== 'object' || value === null || place.length > 5) return;
  const names = Object.keys(value);
  for (const name of Array.isArray(value) ? names.slice(0, 2) : names)
    yield* placesIn((value as Record<string, unknown>)[name], [...place, name]);
}

/** A value as JSON with another text at a place. */
function withText(value: unknown, place: readonly string[], text: string): string {
  const [name, ...rest] = place;
  if (name === undefined) return text;
  const parts = Object.entries(value as object).map(([key, part]) => {
    const written = key === name ? withText(part, rest, text) : JSON.stringify(part);
    return Array.isArray(value) ? written : `${JSON.stringify(key)}:${written}`;
  });
  return Array.isArray(value) ? `[${parts.join()}]` : `{${parts.join()}}`;
}

const filesBelow = () =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.jsonl?$/.test(name))
    .sort();

/** What goes wrong with the files as they are, but for a file that is refused with a sentence. */
async function faults(dir = root): Promise<string[]> {
  const found: string[] = [];
  try {
    const { report, chunks } = await readReport([dir]);
    const text = reportAsText(report);
    if (text.includes('NaN')) found.push('NaN');
    for (const chunk of chunks()) JSON.stringify(chunk);
  } catch (error) {
    if (!(error instanceof UserError)) found.push(`report: ${String(error)}`);
  }
  try {
    using watcher = new Watcher(dir);
    await watcher.look();
    JSON.stringify([watcher.snapshot, watcher.live]);
  } catch (error) {
    found.push(`watch: ${String(error)}`);
  }
  return found;
}

it('whatever stands in a file, the report is made or the file refused, and the others are watched', async () => {
  expect(await faults()).toEqual([]);
  const found: string[] = [];
  let tried = 0;
  for (const name of filesBelow()) {
    const path = join(root, name);
    const [folder = ''] = name.split('/');
    // What is read with the results of others.
    const dir = ['verdict', 'curated-own', 'check'].includes(folder) ? root : join(root, folder);
    const before = readFileSync(path, 'utf8');
    const [first = '', ...others] = before.split('\n');
    if (first === '') continue;
    const value: unknown = JSON.parse(name.endsWith('.jsonl') ? first : before);
    const rest = name.endsWith('.jsonl') ? others : [''];
    const places = [...placesIn(value)];
    // Each place has some of the values, and every value comes to every kind of file.
    for (const [i, place] of places.entries())
      for (const [k, text] of VALUES.entries()) {
        if (place.length > 1 && (i + k) % 7 !== 0) continue;
        tried++;
        writeFileSync(path, [withText(value, place, text), ...rest].join('\n'));
        for (const fault of await faults(dir))
          found.push(`${name}, ${place.join('.')} = ${text.slice(0, 40)}: ${fault}`);
      }
    writeFileSync(path, before);
  }
  expect(found).toEqual([]);
  expect(tried).toBeGreaterThan(400);
}, 120_000);
