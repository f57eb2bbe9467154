import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportModels, exportTexts, writeExportModel } from '../../../test/support/exportModels.js';
import { greedy } from '../../../test/support/greedy.js';
import { loadModel } from '../../models/checkpoint.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { modelInput, modelProblem } from '../resolve.js';
import { convertGguf } from './convert.js';
import { exportGguf } from './export.js';

/** A folder in which node-llama-cpp is installed. */
const folder = process.env.REDISTILL_LLAMA_CPP ?? '';
if (folder === '') {
  console.warn(
    'skipped: exports are not read with llama.cpp itself, since REDISTILL_LLAMA_CPP names no folder with node-llama-cpp',
  );
}
/** The model of the package, where it has been fetched. */
const smollm2 = modelProblem('smollm2-135m') === undefined ? modelInput('smollm2-135m') : undefined;
const path = (name: string) => fileURLToPath(new URL(`../../../test/${name}`, import.meta.url));
const TOKENS = 24;

interface Answer {
  architecture: string;
  ids: number[][];
  greedy: number[][];
}

async function llamaCpp(
  files: { path: string; texts: readonly string[] }[],
): Promise<{ version: string; files: Answer[] }> {
  const child = spawn(process.execPath, [path('oracles/llama_cpp.mjs'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ files, tokens: TOKENS }));
  return JSON.parse(await text(child.stdout)) as { version: string; files: Answer[] };
}

/** What this library makes of a GGUF file. */
async function own(
  file: string,
  dir: string,
  texts: readonly string[],
): Promise<Omit<Answer, 'architecture'>> {
  await convertGguf(file, dir);
  const tokenizer = ChatTokenizer.load(dir);
  const ids = (await tokenizer.encodeAll(texts)).map((each) => Array.from(each));
  using model = loadModel(dir, { dtype: 'f32' }).model;
  return { ids, greedy: ids.map((each) => greedy(model, each, TOKENS)) };
}

describe.skipIf(folder === '')('llama.cpp, given an export', () => {
  const root = mkdtempSync(join(tmpdir(), 'redistill-llama-cpp-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  const names = Object.keys(exportModels);
  const fileOf = (name: string, type: string) => join(root, `${name}-${type}.gguf`);
  let answers: { version: string; files: Answer[] };

  beforeAll(async () => {
    for (const name of names) {
      const dir = await writeExportModel(join(root, name), name);
      for (const type of ['F16', 'Q8_0'] as const) await exportGguf(dir, fileOf(name, type), type);
    }
    const files = ['F16', 'Q8_0'].flatMap((type) =>
      names.map((name) => ({ path: fileOf(name, type), texts: exportTexts(name) })),
    );
    answers = await llamaCpp(files);
  });

  it.each(names.map((name, i) => [name, i] as const))('says what is said here: %s', async (name, i) => {
    const { ids, greedy } = answers.files[i]!;
    expect({ ids, greedy }).toEqual(
      await own(fileOf(name, 'F16'), join(root, `${name}-read`), exportTexts(name)),
    );
  });

  it.skipIf(smollm2 === undefined)('says what is said here: smollm2-135m', async () => {
    const file = join(root, 'smollm2.gguf');
    await exportGguf(smollm2!, file, 'F16');
    const texts = ['The capital of France is', 'Question: What is 12 + 7?\nAnswer:'];
    const { files } = await llamaCpp([{ path: file, texts }]);
    const { ids, greedy } = files[0]!;
    expect({ ids, greedy }).toEqual(await own(file, join(root, 'smollm2-read'), texts));
  });

  it('reads the files of 8 bits, and cuts texts there alike', () => {
    names.forEach((_, i) => {
      const { ids, greedy } = answers.files[names.length + i]!;
      expect(ids).toEqual(answers.files[i]!.ids);
      expect(greedy.flat()).toHaveLength(TOKENS * ids.length);
    });
  });

  it('said the same when the fixture was made', async () => {
    const fixture = {
      version: answers.version,
      tokens: TOKENS,
      models: Object.fromEntries(
        names.map((name, i) => [
          name,
          {
            sha256: createHash('sha256')
              .update(readFileSync(fileOf(name, 'F16')))
              .digest('hex'),
            ...answers.files[i]!,
          },
        ]),
      ),
    };
    await expect(`${JSON.stringify(fixture)}\n`).toMatchFileSnapshot(path('fixtures/gguf/llama-cpp.json'));
  });
});
