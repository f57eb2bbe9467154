import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { studentDirectory } from '../../test/support/studentDirectory.js';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { readTrainingRecords } from '../data/records.js';
import { sidesOf, tokenSide } from '../text/sides.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { cacheDir } from '../util/cacheDir.js';
import { Examples } from './examples.js';
import { openTokens, tokensPath, type TokenizeOptions } from './tokenCache.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-token-cache-'));
const model = studentDirectory();
const tokenizer = ChatTokenizer.load(model);
const options: TokenizeOptions = { layout: 'template' };

beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(root, 'cache-')));
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => {
  rmSync(root, { recursive: true });
  rmSync(model, { recursive: true });
});

const rows = [
  ...Array.from({ length: 300 }, (_, i) => ({ messages: turns(`${i} + √${i}?`, `это ${i}`) })),
  {
    prompt: turns('q', '').slice(0, 1),
    chosen: turns('', 'a').slice(1),
    rejected: turns('', 'nein').slice(1),
  },
];

const data = (content: readonly object[] = rows): string =>
  writeRows(join(root, `${randomUUID()}.jsonl`), content);

/** Opens the tokens of a file and says what was told: rows that were tokenised, and notices. */
async function opened(path: string, more: Partial<TokenizeOptions> = {}) {
  let tokenised = 0;
  const notices: string[] = [];
  const { file, tooLong } = await openTokens(path, tokenizer, {
    ...options,
    onRecord: () => tokenised++,
    onNotice: (sentence) => notices.push(sentence),
    ...more,
  });
  using examples = new Examples(file);
  const all = Array.from(examples, ({ id, line, parts }) => ({
    ...{ id, line },
    parts: parts.map(({ role, length, row }) => ({ role, length, row })),
  }));
  return { all, tokenised, notices, tooLong };
}

const files = () => readdirSync(join(cacheDir(), 'tokens'));

describe('the tokens of a file', () => {
  it('are those of its rows made one by one', async () => {
    const path = data();
    const expected = await Promise.all(
      (await readTrainingRecords(path)).map(async (record) => {
        const parts = await Promise.all(
          sidesOf(record, 'pairs').map(async (side) => {
            const row = await tokenSide(tokenizer, side, options, (message) => new Error(message));
            return { role: side.role, length: row.ids.length, row };
          }),
        );
        return { line: record.line, parts };
      }),
    );
    const { all } = await opened(path);
    expect(all.map(({ line, parts }) => ({ line, parts }))).toEqual(expected);
  });

  it('are made once: a second start tokenises nothing, wherever the file lies', async () => {
    const path = data();
    const first = await opened(path);
    expect(first.tokenised).toBe(301);
    const moved = join(root, 'moved.jsonl');
    writeFileSync(moved, readFileSync(path));
    expect(await opened(moved)).toEqual({ ...first, tokenised: 0 });
    expect(files()).toHaveLength(1);
  });

  it.each<[string, Partial<TokenizeOptions>]>([
    ['layout', { layout: 'redi' }],
    ['system', { system: 'Be brief.' }],
    ['data', { data: 'messages' }],
  ])('are others with another %s', async (_, more) => {
    const path = data();
    const first = await opened(path);
    const other = await opened(path, more);
    expect(other.tokenised).toBe(301);
    expect(other.all).not.toEqual(first.all);
    expect(await opened(path)).toEqual({ ...first, tokenised: 0 });
  });

  it('are others where the tokenizer is another', () => {
    const path = data();
    const other = studentDirectory({ eos: '</s>' });
    expect(tokensPath(path, ChatTokenizer.load(other), options)).not.toBe(
      tokensPath(path, tokenizer, options),
    );
    rmSync(other, { recursive: true });
  });

  it('keep what was said of the rows', async () => {
    const path = data([
      { messages: turns('q', 'half \ud83d') },
      { messages: turns('q', 'x'.repeat(2_000_000)) },
    ]);
    const first = await opened(path);
    expect(first.tooLong).toEqual([{ line: 2, characters: expect.any(Number) as number }]);
    expect(first.notices).toEqual([expect.stringContaining(`${path}, line 1: "messages" has half`)]);
    expect(await opened(path)).toEqual({ ...first, tokenised: 0 });
  });

  it('have names that rows keep when others come before them, equal rows by their order', async () => {
    const [a, b] = [{ messages: turns('a', 'b') }, { messages: turns('c', 'd') }];
    const ids = async (content: object[]) => (await opened(data(content))).all.map(({ id }) => id);
    const [one, two, again] = await ids([a, b, a]);
    expect(new Set([one, two, again])).toHaveProperty('size', 3);
    expect(await ids([b, a, a, b])).toEqual([two, one, again, expect.not.stringMatching(two!)]);
  });

  it('are read from packed files alike', async () => {
    const path = data();
    const packed = join(root, 'packed.jsonl.gz');
    writeFileSync(packed, gzipSync(readFileSync(path)));
    expect((await opened(packed)).all).toEqual((await opened(path)).all);
  });
});

describe('a start that does not come to its end', () => {
  it('leaves nothing where a row is bad, and names its line', async () => {
    const path = data([...rows, { messages: [] }]);
    await expect(opened(path)).rejects.toThrow(`${path}, line 302: `);
    expect(existsSync(join(cacheDir(), 'tokens'))).toBe(false);
  });

  it('leaves nothing where it is stopped', async () => {
    const onRows = () => {
      throw new Error('stopped');
    };
    await expect(opened(data(), { onRows })).rejects.toThrow('stopped');
    expect(existsSync(join(cacheDir(), 'tokens'))).toBe(false);
  });

  it('refuses a file that changes while it is read', async () => {
    const path = data();
    const onRows = () => {
      writeRows(path, rows.slice(1));
    };
    await expect(opened(path, { onRows })).rejects.toThrow(`${path} changed while it was read`);
  });
});

it('makes damaged tokens anew, and says so', async () => {
  const path = data();
  const first = await opened(path);
  const kept = tokensPath(path, tokenizer, options)!;
  truncateSync(kept, 1000);
  const again = await opened(path);
  expect(again).toEqual({ ...first, notices: [`the tokens in ${kept} are damaged: they are made anew`] });
  expect(await opened(path)).toEqual({ ...first, tokenised: 0 });
});

it('lets several starts make the same tokens at once', async () => {
  const path = data();
  const all = await Promise.all([opened(path), opened(path)]);
  expect(all[0].all).toEqual(all[1].all);
  expect(all.map(({ tokenised }) => tokenised).sort()).toEqual([0, 301]);
  expect(files()).toHaveLength(1);
});
