import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat32Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope } from '../torch/tensor.js';
import { parseRecipe } from '../recipe/parse.js';
import { mergeAdapter } from '../hub/ownCopy.js';
import { resolveModel } from '../hub/resolve.js';
import { trainRecipe } from '../train/settings.js';
import { train } from '../train/trainer.js';
import { loadModel } from './checkpoint.js';
import { packSequences } from './pack.js';

/** A Python with torch, transformers and peft. */
const python = process.env.REDISTILL_ORACLE_PYTHON ?? '';
if (python === '') {
  console.warn(
    'skipped: trained models are not read back with transformers, since REDISTILL_ORACLE_PYTHON names no Python with torch, transformers and peft',
  );
}

const script = fileURLToPath(new URL('../../test/oracles/roundtrip.py', import.meta.url));

interface Comparison {
  maxAbsDiff: number;
  tokens: number;
  missing: string[];
  unexpected: string[];
}

/** Trains a family's fixture for some steps. → the directory that was saved */
async function trainedCopy(family: string, root: string, keys: object = {}): Promise<string> {
  const model = join(root, family, 'start');
  cpSync(familyDir(family), model, { recursive: true });
  writeTinyTokenizer(model);
  const data = writeRows(join(root, family, 'rows.jsonl'), [
    { messages: turns('2+2?', '4') },
    { messages: turns('What is 10-7?', '10-7=3. So 3.') },
  ]);
  const recipe = {
    ...{ model, data, out: join(root, family, 'run'), objective: { name: 'sft' }, dtype: 'f32' },
    ...{ optimizer: { lr: 1e-2 }, schedule: { warmup_ratio: 0 }, batch_size: 2, max_steps: 4 },
    ...keys,
  };
  const result = await train(parseRecipe(trainRecipe, recipe, family), {
    onEvent: () => undefined,
  });
  return result.model;
}

/** Writes a directory's logits, as this library computes them, for the script. → the file */
async function writeLogits(dir: string, family: string, path: string): Promise<string> {
  using model = loadModel(await resolveModel(dir), { dtype: 'f32' }).model;
  const sequences = expectedSequences(family).map(({ ids }) => {
    const logits = scope(() =>
      noGrad(() => {
        const pack = packSequences(model, [ids]);
        return toFloat32Array(ops.linear(model.hidden(pack.ids, pack.context), model.head));
      }),
    );
    return { ids: [...ids], logits: Buffer.from(new Uint8Array(logits.buffer)).toString('base64') };
  });
  writeFileSync(path, JSON.stringify({ vocabSize: model.config.vocabSize, sequences }));
  return path;
}

describe.skipIf(python === '')('transformers, given a trained model', () => {
  const root = mkdtempSync(join(tmpdir(), 'redistill-roundtrip-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  /** Of each family's trained model with its own logits; last, of one with those before its training. */
  let comparisons: Comparison[];

  beforeAll(async () => {
    const pairs: string[] = [];
    for (const family of familyNames) {
      const dir = await trainedCopy(family, root);
      pairs.push(dir, await writeLogits(dir, family, join(root, family, 'logits.json')));
    }
    const first = familyNames[0]!;
    pairs.push(pairs[0]!, await writeLogits(join(root, first, 'start'), first, join(root, 'before.json')));
    const { stdout } = await promisify(execFile)(python, [script, ...pairs]);
    comparisons = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Comparison);
  });

  it.each(familyNames.map((family, i) => [family, i] as const))('computes the same: %s', (family, i) => {
    const { maxAbsDiff, tokens, missing, unexpected } = comparisons[i]!;
    expect(maxAbsDiff).toBeLessThan(1e-4);
    expect(tokens).toBe(expectedSequences(family).reduce((sum, { ids }) => sum + ids.length, 0));
    expect({ missing, unexpected }).toEqual({ missing: [], unexpected: [] });
  });

  it('would notice another model', () => {
    expect(comparisons).toHaveLength(familyNames.length + 1);
    expect(comparisons.at(-1)!.maxAbsDiff).toBeGreaterThan(0.1);
  });
});

describe.skipIf(python === '')('PEFT and transformers, given a trained adapter', () => {
  const root = mkdtempSync(join(tmpdir(), 'redistill-roundtrip-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  const kinds: [family: string, lora: object][] = [
    ['llama', {}],
    ['llama-tied-old-keys', { target_modules: 'all-linear', use_rslora: true }],
    ['qwen2', { target_modules: 'all-linear', use_dora: true }],
    ['qwen3', { target_modules: ['k_proj', 'o_proj', 'up_proj'], rank: 3 }],
    ['gemma3', { target_modules: 'all-linear', use_dora: true, use_rslora: true }],
  ];
  /** Of each, the adapter and its merged form; last, an adapter with the logits of its base. */
  let comparisons: Comparison[];

  beforeAll(async () => {
    const pairs: string[] = [];
    for (const [family, lora] of kinds) {
      const dir = await trainedCopy(family, root, { lora });
      const logits = await writeLogits(dir, family, join(root, family, 'logits.json'));
      pairs.push(dir, logits, await mergeAdapter(dir, join(root, family, 'merged')), logits);
    }
    pairs.push(pairs[0]!, await writeLogits(familyDir('llama'), 'llama', join(root, 'before.json')));
    const { stdout } = await promisify(execFile)(python, [script, ...pairs]);
    comparisons = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Comparison);
  });

  it.each(
    kinds.flatMap(([family], i) => [
      [family, 'adapter', 2 * i] as const,
      [family, 'merged', 2 * i + 1] as const,
    ]),
  )('compute the same: %s, %s', (_, __, i) => {
    const { maxAbsDiff, missing, unexpected } = comparisons[i]!;
    expect(maxAbsDiff).toBeLessThan(1e-4);
    expect({ missing, unexpected }).toEqual({ missing: [], unexpected: [] });
  });

  it('would notice another model', () => {
    expect(comparisons).toHaveLength(2 * kinds.length + 1);
    expect(comparisons.at(-1)!.maxAbsDiff).toBeGreaterThan(1e-3);
  });
});
