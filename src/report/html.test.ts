import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { HOSTILE, SMALL, syntheticReport } from '../../test/support/syntheticReport.js';
import { UserError } from '../util/errors.js';
import { scriptJson, writeReportPage } from './html.js';
import type { PlacedChunk, Problem, Report, TracedRow } from './model.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-report-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const parts = { script: 'const program = "of the page";', style: 'body { margin: 0 }' };
const size = { ...SMALL, problems: 70, characters: 40, buckets: 20, rows: 12 };

let files = 0;
async function written({ report, chunks }: ReturnType<typeof syntheticReport>): Promise<string> {
  const path = join(root, `${files++}.html`);
  await writeReportPage(report, chunks(), path, parts);
  return readFileSync(path, 'utf8');
}

/**
 * Elements of a page as a tokenizer of HTML finds them: within a script nothing but its end tag ends it, except that after `<!--` a
 * `<script` needs an end of its own, which the page must therefore not hold either.
 */
function elements(html: string): { name: string; attributes: string; content: string }[] {
  const found: { name: string; attributes: string; content: string }[] = [];
  const open = /<([a-z][a-z0-9]*)\b([^>]*)>/gi;
  for (let match = open.exec(html); match; match = open.exec(html)) {
    const name = match[1]!.toLowerCase();
    const element = { name, attributes: match[2]!, content: '' };
    if (['script', 'style', 'title'].includes(name)) {
      const end = new RegExp(`</${name}[\\s/>]`, 'i').exec(html.slice(open.lastIndex));
      element.content = html.slice(open.lastIndex, open.lastIndex + (end?.index ?? Infinity));
      open.lastIndex += element.content.length;
    }
    found.push(element);
  }
  return found;
}

const contentOf = (html: string, id: string): string => {
  const all = elements(html).filter(({ attributes }) => attributes.includes(`id="${id}"`));
  expect(all).toHaveLength(1);
  return all[0]!.content;
};

test.each([false, true])(
  'what was put in comes out, and nothing else is in the page (hostile: %s)',
  async (dirty) => {
    const synthetic = syntheticReport(size, dirty);
    const html = await written(synthetic);
    const scripts = elements(html).filter(({ name }) => name === 'script');
    expect(scripts.map(({ attributes }) => attributes.trim())).toEqual([
      'type="application/json" id="report"',
      '',
      'type="application/gzip-base64" id="chunk-0-0"',
      'type="application/gzip-base64" id="chunk-0-1"',
      'type="application/gzip-base64" id="traces-0-0"',
      'type="application/gzip-base64" id="traces-0-1"',
      'type="application/gzip-base64" id="traces-1-0"',
    ]);
    expect(elements(html).map(({ name }) => name)).toEqual([
      ...['html', 'head', 'meta', 'meta', 'meta', 'meta', 'meta', 'title', 'style'],
      ...['body', 'div', 'noscript', ...Array<string>(7).fill('script')],
    ]);
    expect(html).not.toContain('<!--<script');
    // A lone surrogate has no place in UTF-8: JSON's escape keeps it.
    expect(JSON.parse(contentOf(html, 'report')) as Report).toEqual(synthetic.report);
    const unpacked = (id: string): unknown => {
      const packed = contentOf(html, id);
      expect(packed).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      return JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString('utf8'));
    };
    const chunks = [0, 1].map((i) => unpacked(`chunk-0-${i}`) as Problem[]);
    const given = [...syntheticReport(size, dirty).chunks()];
    const problems = given.flatMap((placed) => ('problems' in placed ? [placed.problems] : []));
    const idsOf = (all: readonly { id: string }[][]) =>
      all.map((rows) => rows.map(({ id }) => id.slice(0, 80)));
    expect(idsOf(chunks)).toEqual(idsOf(problems));
    const traces = ['0-0', '0-1', '1-0'].map((place) => unpacked(`traces-${place}`) as TracedRow[]);
    const rows = given.flatMap((placed) => ('rows' in placed ? [placed.rows] : []));
    expect(idsOf(traces)).toEqual(idsOf(rows));
    if (!dirty) expect([chunks, traces]).toEqual([problems, rows]);
  },
);

test('JSON within a script is the same value without markup', () => {
  for (const text of HOSTILE) {
    const json = scriptJson({ [text]: text });
    expect(json).not.toMatch(/[<>&\u2028\u2029]/);
    expect(JSON.parse(json)).toEqual({ [text]: text });
  }
});

test('the policy lets nothing in but the program and the style of the page', async () => {
  const html = await written(syntheticReport(size, true));
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(html)!;
  const sha = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  expect(policy!.split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${sha(parts.script)}`,
    `style-src ${sha(parts.style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<style'));
  expect(html).not.toMatch(/<[^>]*\s(src|href)=/i);
});

test('the title is text', async () => {
  const synthetic = syntheticReport(size);
  synthetic.report.title = '</title><script>alert(1)</script>\u202Ex';
  const title = elements(await written(synthetic)).find(({ name }) => name === 'title')!;
  expect(title.content).toBe('&#60;/title&#62;&#60;script&#62;alert(1)&#60;/script&#62;‹U+202E›x');
});

test('replaces a report, and nothing else', async () => {
  const { report, chunks } = syntheticReport(size);
  const path = join(root, 'report.html');
  await writeReportPage(report, chunks(), path, parts);
  await writeReportPage({ ...report, title: 'Another' }, chunks(), path, parts);
  expect(readFileSync(path, 'utf8')).toContain('<title>Another</title>');
  const other = join(root, 'other.html');
  writeFileSync(other, '<!doctype html><p>mine');
  await expect(writeReportPage(report, chunks(), other, parts)).rejects.toThrow(`${other} is in the way`);
  expect(readFileSync(other, 'utf8')).toBe('<!doctype html><p>mine');
  expect(readdirSync(root).filter((name) => name.startsWith('other'))).toEqual(['other.html']);
  for (const wrong of ['', 'a\0b', root])
    await expect(writeReportPage(report, chunks(), wrong, parts)).rejects.toThrow(UserError);
});

test('chunks that are not those of the report make no file', async () => {
  const { report, chunks } = syntheticReport(size);
  const all = [...chunks()];
  const first = all[0] as PlacedChunk;
  const path = join(root, 'none.html');
  const cases = [
    { given: all.slice(1), message: 'chunk-0-0 of the report is missing' },
    { given: [...all, first], message: 'chunk-0-0 of 50 problems is not one of the report' },
    { given: [{ ...first, set: 1 }], message: 'chunk-1-0 of 50 problems is not one' },
    { given: all.slice(0, -1), message: 'traces-1-0 of the report is missing' },
    { given: [{ ...first, problems: [] }], message: 'chunk-0-0 of 0 problems is not one' },
  ];
  for (const { given, message } of cases) {
    await expect(writeReportPage(report, given, path, parts)).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
  }
});

test('a program that would end its element is refused', async () => {
  const { report, chunks } = syntheticReport(size);
  for (const script of ['"</SCRIPT>"', '"<!--"', 'a\r\nb'])
    await expect(
      writeReportPage(report, chunks(), join(root, 'x.html'), { ...parts, script }),
    ).rejects.toThrow('holds what would end it');
});
