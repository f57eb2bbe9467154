import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectSixSteps, rowOf, type Side, type SixSteps } from '../../test/support/sixSteps.js';
import { loadModel, saveModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { getModel } from '../hub/get.js';
import { setThreads } from '../torch/runtime.js';
import { liveTensors } from '../torch/tensor.js';
import { packByTokenBudget } from './tokenBudget.js';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/smollm2/${name}`, import.meta.url), 'utf8'));

interface ScoredSide extends Side {
  logps: number[];
}
type ScoredPair = Record<'chosen' | 'rejected', ScoredSide>;
const pairsOf = (name: string) => (fixture(name) as { rows: ScoredPair[] }).rows;

const sixSteps = fixture('six-steps.json') as SixSteps;

const sides = (pairs: readonly ScoredPair[]): ScoredSide[] =>
  pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);

const tokenBudget = 600;
let dir: string;
beforeAll(async () => {
  setThreads();
  dir = (await getModel('smollm2-135m')).path;
}, 600_000);

describe('SmolLM2-135M on 12 right and 12 wrong GSM8K answers', () => {
  function gaps(dtype: 'f32' | 'bf16', expected: readonly ScoredSide[]): number[] {
    const { model } = loadModel(dir, { dtype });
    using scorer = new Scorer(model);
    const packs = packByTokenBudget(
      expected.map(({ ids }) => ids.length),
      tokenBudget,
    );
    const result: number[] = [];
    for (const pack of packs) {
      scorer.score(pack.map((i) => rowOf(expected[i]!))).forEach((logps, position) => {
        const theirs = expected[pack[position]!]!.logps;
        expect(logps).toHaveLength(theirs.length);
        logps.forEach((logp, t) => result.push(Math.abs(logp - theirs[t]!)));
      });
    }
    model[Symbol.dispose]();
    return result;
  }
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

  it("has transformers' log-probs in f32", () => {
    const found = gaps('f32', sides(pairsOf('expected-f32.json')));
    expect(Math.max(...found)).toBeLessThan(2e-4);
    expect(mean(found)).toBeLessThan(2e-5);
  });

  it("is near transformers' bf16, and its f32, in bf16", () => {
    expect(mean(gaps('bf16', sides(pairsOf('expected-bf16.json'))))).toBeLessThan(0.05);
    expect(mean(gaps('bf16', sides(pairsOf('expected-f32.json'))))).toBeLessThan(0.05);
  });

  it('is saved without a changed byte', () => {
    const before = liveTensors();
    const out = mkdtempSync(join(tmpdir(), 'redistill-'));
    try {
      const loaded = loadModel(dir, { dtype: 'f32' });
      saveModel(loaded, out);
      loaded.model[Symbol.dispose]();
      for (const file of ['model.safetensors', 'config.json', 'tokenizer.json', 'chat_template.jinja']) {
        expect(readFileSync(join(out, file)).equals(readFileSync(join(dir, file))), file).toBe(true);
      }
    } finally {
      rmSync(out, { recursive: true });
    }
    expect(liveTensors()).toBe(before);
  });
});

describe.each(Object.keys(sixSteps.objectives))('six steps of %s in f32', (name) => {
  it("follow PyTorch's", { timeout: 600_000 }, () => {
    expectSixSteps(dir, sixSteps, pairsOf('expected-f32.json'), { name, tokenBudget });
  });
});
