import { cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectDone, expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { contents, redistill, writeTinyModel } from '../../test/support/tinyModel.js';

const { path, messages, file, recipe } = tinyCommands();

describe.concurrent('refuses damaged models and loses nothing', () => {
  /** Replaces the header of the weights; `lengthen` is added to its declared length. */
  function reheader(dir: string, edit: (text: string) => string, lengthen = 0n): void {
    const weights = join(dir, 'model.safetensors');
    const bytes = readFileSync(weights);
    const length = Number(bytes.readBigUInt64LE());
    const header = Buffer.from(edit(bytes.toString('utf8', 8, 8 + length)));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length) + lengthen);
    writeFileSync(weights, Buffer.concat([prefix, header, bytes.subarray(8 + length)]));
  }
  const edit = (dir: string, change: (header: Record<string, Entry>) => void): void => {
    reheader(dir, (text) => {
      const header = JSON.parse(text) as Record<string, Entry>;
      change(header);
      return JSON.stringify(header);
    });
  };
  /** What an earlier run left. */
  const trained = path('trained');
  beforeAll(async () => {
    expectDone(await redistill(['train', recipe({ out: trained })]));
  });
  interface Entry {
    dtype: string;
    shape: number[];
    data_offsets: [number, number];
  }
  /** The tensor at the end of the file. */
  const last = (header: Record<string, Entry>): Entry =>
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([, entry]) => entry)
      .reduce((a, b) => (b.data_offsets[1] > a.data_offsets[1] ? b : a));

  it.each<[string, (dir: string) => void, string]>([
    [
      'weights that are cut off',
      (dir) => {
        truncateSync(join(dir, 'model.safetensors'), 50_000);
      },
      'the download is incomplete',
    ],
    [
      'a header that is longer than the file',
      (dir) => {
        reheader(dir, (text) => text, 1_000_000n);
      },
      'but the file only',
    ],
    [
      'a header of an impossible length',
      (dir) => {
        reheader(dir, (text) => text, 1n << 60n);
      },
      'it is not a safetensors file',
    ],
    [
      'a tensor beyond the data',
      (dir) => {
        edit(dir, (header) => {
          const entry = last(header);
          entry.shape[0]! *= 2;
          entry.data_offsets[1] += entry.data_offsets[1] - entry.data_offsets[0];
        });
      },
      'header says',
    ],
    [
      'a shape that is not that of the bytes',
      (dir) => {
        edit(dir, (header) => {
          last(header).shape[0]! += 1;
        });
      },
      'but its data_offsets span',
    ],
    [
      "a shape that is not the configuration's",
      (dir) => {
        edit(dir, (header) => {
          header['lm_head.weight']!.shape = [48, 128];
        });
      },
      'tensor "lm_head.weight" has shape [48, 128], but config.json implies [128, 48]',
    ],
    [
      'an unknown family',
      (dir) => {
        const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as object;
        writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }));
      },
      'model_type "mamba" is not supported',
    ],
  ])('%s', async (title, damage, sentence) => {
    const dir = writeTinyModel(path(`damaged ${title}`));
    damage(dir);
    const scores = file('jsonl', 'kept\n');
    const scored = await redistill(['score', '--model', dir, '--data', messages, '--out', scores]);
    expectError(scored, 2, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');

    const out = path(`trained ${title}`);
    cpSync(trained, out, { recursive: true });
    const before = contents(out);
    expectError(await redistill(['train', recipe({ model: dir, out })]), 2, sentence);
    expect(contents(out)).toEqual(before);
  });

  it('a GGUF file with an unknown type of tensor', async () => {
    const bytes = readFileSync(
      fileURLToPath(new URL('../../test/fixtures/gguf/llama-smollm.gguf', import.meta.url)),
    );
    const name = 'blk.0.ffn_up.weight';
    const dims = bytes.indexOf(name) + name.length;
    bytes.writeUInt32LE(250, dims + 4 + 8 * bytes.readUInt32LE(dims));
    const gguf = path('odd.gguf');
    writeFileSync(gguf, bytes);
    const cache = path('odd-cache');
    const env = { XDG_CACHE_HOME: cache };
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf', name);
    const left = existsSync(cache) ? Object.keys(contents(cache)) : [];
    expect(left.filter((entry) => !entry.endsWith('.lock'))).toEqual([]);
    writeFileSync(gguf, 'GGUF?');
    expectError(await redistill(['models', 'get', gguf], { env }), 2, 'odd.gguf');
  });
});
