import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { byteNames, STUDENT_TOKENS, studentDirectory } from '../../test/support/studentDirectory.js';
import { openStudent } from '../train/preflight.js';
import { Examples } from '../train/examples.js';
import { openTokens } from '../train/tokenCache.js';
import { silentProgress } from '../util/progress.js';
import { examine } from './examine.js';
import { htmlPage } from './page.js';
import { printSummary } from './print.js';
import { shorten, type Span } from './spans.js';
import { showRows } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'redistill-doctor-views-'));
const student = openStudent(studentDirectory(), { layout: 'template' });

/** Text of ids without the tokenizer: the first 256 are bytes, then two newlines, then the special tokens. */
function byHand(ids: Iterable<number>): string {
  const bytes: number[] = [];
  for (const id of ids) {
    if (id < 256) bytes.push(id);
    else if (id === 256) bytes.push(10, 10);
    else bytes.push(...new TextEncoder().encode(STUDENT_TOKENS[id - 257]));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

const asked = 'Wie viel ist ½ + ½ — 👩‍🚀?';
const rows = [
  {
    messages: [
      { role: 'user', content: asked },
      { role: 'assistant', content: 'Eins: “1” <b>&\n\nfertig' },
    ],
  },
  {
    prompt: [{ role: 'user', content: 'q' }],
    chosen: [{ role: 'assistant', content: 'ja' }],
    rejected: [{ role: 'assistant', content: '\n\nné' }],
  },
  { prompt: '<s>plain', completion: ' text' },
];

async function shown(of: readonly object[]) {
  const path = join(folder, `rows-${of.length}.jsonl`);
  writeFileSync(path, of.map((row) => JSON.stringify(row)).join('\n'));
  return { path, ...(await examine(path, { student, show: 100 }, silentProgress)) };
}

it('the byte names of the test are those of its tokenizer', () => {
  const { model } = JSON.parse(readFileSync(join(student.model, 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  byteNames().forEach((name, byte) => {
    expect(model.vocab[name]).toBe(byte);
  });
});

describe('the spans of a row', () => {
  it('are the tokens that training takes, the trained ones where its mask has them', async () => {
    const { path, shown: views } = await shown(rows);
    const { file } = await openTokens(path, student.tokenizer, { layout: 'template' });
    using examples = new Examples(file);
    const trainedParts = new Map(Array.from(examples, ({ line, parts }) => [line, parts]));
    expect(views).toHaveLength(3);
    for (const { verdict, responses } of views) {
      const parts = trainedParts.get(verdict.line)!;
      expect(responses.map(({ role }) => role)).toEqual(parts.map(({ role }) => role));
      responses.forEach(({ spans }, i) => {
        const { ids, responseStart } = parts[i]!.row;
        expect(spans.flatMap((span) => span.ids)).toEqual([...ids]);
        expect(spans.flatMap((span) => span.ids.map(() => span.trained))).toEqual(
          Array.from(ids, (_, at) => at >= responseStart),
        );
        for (const span of spans) expect(span.text).toBe(byHand(span.ids));
      });
    }
  });

  it('say what is read and what is learned', async () => {
    const { shown: views } = await shown(rows);
    const text = (spans: readonly Span[], trained: boolean) =>
      spans.flatMap((span) => (span.trained === trained ? [span.text] : [])).join('');
    const said = views
      .sort((a, b) => a.verdict.line - b.verdict.line)
      .flatMap(({ responses }) => responses.map(({ spans }) => [text(spans, false), text(spans, true)]));
    const header = (question: string) =>
      `<s><|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
    expect(said).toEqual([
      [header(asked), 'Eins: “1” <b>&\n\nfertig<|im_end|>'],
      [header('q'), 'ja<|im_end|>'],
      [header('q'), '\n\nné<|im_end|>'],
      ['<s>plain', ' text<|im_end|>'],
    ]);
  });

  it('are shortened in the middle of long stretches only', () => {
    const span = (id: number, trained: boolean): Span => ({ text: 'x', ids: [id], trained, special: false });
    const spans = Array.from({ length: 10 }, (_, i) => span(i, i >= 3));
    expect(shorten(spans, 2)).toEqual([
      ...spans.slice(0, 5),
      { skipped: 3, trained: true },
      ...spans.slice(8),
    ]);
    expect(shorten(spans, 4)).toEqual(spans);
  });
});

const answered = (question: string, answer: string) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
});
const hostile = [answered('</div><script>alert(1)</script>', '\u001B[2J\u202Egone"\'&amp;')];

describe('the terminal view', () => {
  it('marks what is trained without colour', async () => {
    const { shown: views } = await shown(rows.slice(2));
    const text = showRows(views, false);
    expect(text).toBe(
      '── line 1: ok\ndemonstration: 6 tokens of prompt, 6 trained\n<s>plain⟦ text<|im_end|>⟧\n',
    );
  });

  it('colours chosen green, rejected red, special tokens inverse, prompts dim', async () => {
    const { shown: views } = await shown([{ prompt: '<s>p', chosen: 'a', rejected: 'b' }]);
    const text = showRows(views, true);
    expect(text).toContain(
      '\u001B[7;2m<s>\u001B[0m\u001B[2mp\u001B[0m\u001B[32ma\u001B[0m\u001B[7;32m<|im_end|>\u001B[0m',
    );
    expect(text).toContain('\u001B[31mb\u001B[0m\u001B[7;31m<|im_end|>\u001B[0m');
  });

  it('writes out what would steer the terminal', async () => {
    const text = showRows((await shown(hostile)).shown, false);
    expect(text).toContain('⟦‹U+001B›[2J‹U+202E›gone"\'&amp;<|im_end|>⟧');
    expect(text).not.toMatch(/[\u001B\u202E]/);
    const printed = printSummary(
      (await shown([answered('a', 'x\u001B[2J\u202E'), answered('\u001B[2Jb', '\uFFFD')])).summary,
    );
    expect(printed).toContain('warning broken-text: 2 rows');
    expect(printed).not.toMatch(/[\u001B\u202E]/);
  });
});

describe('the page', () => {
  it('escapes everything that comes from the data, and loads nothing', async () => {
    const page = htmlPage(await shown(hostile));
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;');
    expect(page).not.toMatch(/[\u001B\u202E]/);
    expect(page).not.toMatch(/(src|href)=|url\(|@import/);
    const plain = page
      .replace(/<[^>]*>/g, '')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&#39;/g, "'")
      .replace(/&quot;/g, '"')
      .replace(/&amp;/g, '&');
    expect(plain).toContain('</div><script>alert(1)</script><|im_end|>');
    expect(plain).toContain('‹U+001B›[2J‹U+202E›gone"\'&amp;<|im_end|>');
  });

  it('marks the trained pieces and no others', async () => {
    const page = htmlPage(await shown(rows.slice(2)));
    const pieces = [...page.matchAll(/<i( class="([^"]*)")? title="([\d ]*)">/g)];
    const ids = (trained: boolean) =>
      pieces.flatMap(([, , classes = '', title]) =>
        classes.split(' ').includes('t') === trained ? title!.split(' ').map(Number) : [],
      );
    expect(byHand(ids(false))).toBe('<s>plain');
    expect(byHand(ids(true))).toBe(' text<|im_end|>');
  });
});
