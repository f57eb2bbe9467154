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
import { trainRecipe } from '../train/settings.js';
import { train } from '../train/trainer.js';
import { loadModel } from './checkpoint.js';
import { packSequences } from './pack.js';

/** A Python with torch and transformers. */
const python = process.env.REDISTILL_ORACLE_PYTHON ?? '';
if (python === '') {
  console.warn(
    'skipped: trained models are not read back with transformers, since REDISTILL_ORACLE_PYTHON names no Python with torch and transformers',
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
async function trainedCopy(family: string, root: string): Promise<string> {
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
  };
  const result = await train(parseRecipe(trainRecipe, recipe, family), {
    onEvent: () => undefined,
  });
  return result.model;
}

/** Writes a directory's logits, as this library computes them, for the script. → the file */
function writeLogits(dir: string, family: string, path: string): string {
  using model = loadModel(dir, { dtype: 'f32' }).model;
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
      pairs.push(dir, writeLogits(dir, family, join(root, family, 'logits.json')));
    }
    const first = familyNames[0]!;
    pairs.push(pairs[0]!, writeLogits(join(root, first, 'start'), first, join(root, 'before.json')));
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
