import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from '../../test/support/configs.js';
import { familyDir } from '../../test/support/families.js';
import { Decoder } from '../generate/decoder.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat32Array } from '../torch/data.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { loadModel } from './checkpoint.js';
import { parseConfig } from './config.js';
import { packSequences } from './pack.js';
import { attentionFactor, inverseFrequencies } from './rope.js';
import type { Transformer } from './transformer.js';

/** What transformers computes: test/oracles/rope.py. */
interface Oracle {
  frequencies: {
    name: string;
    config: unknown;
    headDim: number;
    lengths: { length: number; inverse: string }[];
    attention: number;
  }[];
  logits: { name: string; configs: object[]; sequences: { ids: number[]; logits: string }[] }[];
}
const oracle = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../test/fixtures/rope.json', import.meta.url)), 'utf8'),
) as Oracle;

const decode = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);

const root = mkdtempSync(join(tmpdir(), 'redistill-rope-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** The weights of the llama of the fixtures under another config.json. */
function modelUnder(config: object, name: string, exact = false): Transformer {
  const dir = join(root, name.replaceAll(/\W+/g, '-'));
  cpSync(familyDir('llama'), dir, { recursive: true });
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  return loadModel(dir, { dtype: 'f32', exact }).model;
}

/** [tokens · vocabulary] of every sequence of one pack. */
function logits(model: Transformer, sequences: readonly Int32Array[]): Float32Array {
  return scope(() =>
    noGrad(() => {
      const { ids, context } = packSequences(model, sequences);
      const { linear } = model.arithmetic;
      return toFloat32Array(linear(model.hidden(ids, context), model.head)).slice();
    }),
  );
}

/** The values of a tensor, which is freed. */
function taken(tensor: Tensor): Float32Array {
  const values = toFloat32Array(tensor).slice();
  tensor.dispose();
  return values;
}

/** The largest difference. */
function worst(found: Float32Array, expected: Float32Array): number {
  expect(found).toHaveLength(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

describe.each(oracle.frequencies)('frequencies: $name', ({ config, headDim, lengths, attention }) => {
  it("are transformers'", () => {
    const rope = parseConfig(config, 'config.json').rope.full;
    for (const { length, inverse } of lengths) {
      const [expected, found] = [decode(inverse), inverseFrequencies(rope, headDim, length)];
      expect(found).toHaveLength(expected.length);
      // transformers' powers are in float32, ours in float64 and rounded.
      found.forEach((value, i) => {
        expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(2e-6);
      });
    }
    expect(attentionFactor(rope)).toBeCloseTo(attention, 14);
  });
});

describe.each(oracle.logits)('a model with rope scaling: $name', ({ name, configs, sequences }) => {
  const rows = sequences.map(({ ids }) => Int32Array.from(ids));
  const expected = sequences.map(({ logits }) => decode(logits));

  it.each(configs.map((config, i) => [i === 0 ? 'rope_parameters' : 'rope_scaling', config]))(
    "has transformers' logits, alone and in a pack, as %s says it",
    (_, config) => {
      for (const exact of [false, true]) {
        using model = modelUnder(config, name, exact);
        rows.forEach((ids, i) => {
          expect(worst(logits(model, [ids]), expected[i]!)).toBeLessThan(1e-4);
        });
        const joined = Float32Array.from(expected.flatMap((values) => [...values]));
        expect(worst(logits(model, rows), joined)).toBeLessThan(1e-4);
      }
    },
  );

  it('decodes from a prompt what it computes at once', () => {
    using model = modelUnder(configs[0]!, name);
    using decoder = new Decoder(model, []);
    const vocabulary = model.config.vocabSize;
    // The long row's last token is added by a step, in which dynamic scaling has another length only for that token.
    const prompts = [rows[0]!, rows[1]!.subarray(0, -1)];
    const last = (values: Float32Array) => values.slice(-vocabulary);
    const joined = taken(decoder.join(prompts, [1, 1]));
    expect(worst(joined.slice(0, vocabulary), last(expected[0]!))).toBeLessThan(1e-4);
    const stepped = taken(decoder.step(Int32Array.of(5, rows[1]!.at(-1)!)));
    expect(worst(last(stepped), last(expected[1]!))).toBeLessThan(1e-4);
    using shared = new Decoder(model, []);
    const beginning = [rows[0]!, Int32Array.of(...rows[0]!.subarray(0, 10), 3)];
    const both = taken(shared.join(beginning, [1, 1]));
    expect(worst(both.slice(0, vocabulary), last(expected[0]!))).toBeLessThan(1e-4);
    expect(worst(last(both), last(logits(model, [beginning[1]!])))).toBeLessThan(1e-4);
  });
});

it('scales in bf16 as in f32', () => {
  const { configs, sequences } = oracle.logits.find(({ name }) => name === 'yarn')!;
  const dir = join(root, 'yarn');
  using wide = modelUnder(configs[0]!, 'yarn');
  using narrow = loadModel(dir, { dtype: 'bf16' }).model;
  const ids = [Int32Array.from(sequences[0]!.ids)];
  expect(worst(logits(narrow, ids), logits(wide, ids))).toBeLessThan(0.3);
});

describe('settings of scalings', () => {
  const yarn = { rope_type: 'yarn', factor: 4 };
  const factors = Array<number>(8).fill(1);

  it('lengthen the context where the scaling says so', () => {
    const positions = (fields: object) => parse({ max_position_embeddings: 64, ...fields }).maxPositions;
    expect(positions({ rope_scaling: yarn })).toBe(256);
    expect(positions({ rope_scaling: { ...yarn, original_max_position_embeddings: 16 } })).toBe(64);
    expect(positions({ rope_scaling: { type: 'dynamic', factor: 2.5 } })).toBe(160);
    expect(positions({ rope_scaling: { type: 'linear', factor: 4 } })).toBe(64);
  });

  it.each([
    [{ rope_type: 'yarn' }, 'rope_scaling.factor": is missing'],
    [{ rope_type: 'dynamic' }, 'rope_scaling.factor": is missing'],
    [{ ...yarn, factor: 0.5 }, 'rope_scaling.factor": 0.5 would shorten the context'],
    [{ rope_type: 'dynamic', factor: 0.5 }, 'rope_scaling.factor": 0.5 would shorten the context'],
    [{ ...yarn, beta_fast: 1, beta_slow: 2 }, 'rope_scaling.beta_fast": 1 is below beta_slow, which is 2'],
    [{ ...yarn, beta_slow: 64 }, 'beta_fast": 32 is below beta_slow, which is 64'],
    [{ ...yarn, truncate: 'no' }, 'rope_scaling.truncate"'],
    [{ ...yarn, attention_factor: -1 }, 'rope_scaling.attention_factor"'],
    [{ ...yarn, low_freq_factor: 1 }, 'low_freq_factor": 1 has no meaning for the rope_type "yarn"'],
    [
      { rope_type: 'dynamic', factor: 2, beta_fast: 32 },
      'beta_fast": 32 has no meaning for the rope_type "dynamic"',
    ],
    [{ rope_type: 'longrope', short_factor: factors }, 'rope_scaling.long_factor": is missing'],
    [
      { rope_type: 'longrope', short_factor: factors, long_factor: [1, 2] },
      'rope_scaling.long_factor": has 2 numbers, but a head of 16 turns 8 pairs',
    ],
    [
      { rope_type: 'longrope', short_factor: factors, long_factor: [...factors.slice(1), -1] },
      'rope_scaling.long_factor.7"',
    ],
    [
      { rope_type: 'proportional' },
      '"proportional" is not supported; supported are default, linear, dynamic, yarn',
    ],
  ])('refuses %o', (scaling, message) => {
    expect(() => parse({ rope_scaling: scaling })).toThrow(UserError);
    expect(() => parse({ rope_scaling: scaling })).toThrow(`config.json: field "`);
    expect(() => parse({ rope_scaling: scaling })).toThrow(message);
  });
});
