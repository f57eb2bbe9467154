import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { familyDir } from '../../test/support/families.js';
import { parseRecipe } from '../recipe/parse.js';
import { trainRecipe } from '../train/settings.js';
import { UserError } from '../util/errors.js';
import { parseConfig } from './config.js';
import { readConfig } from './directory.js';
import { overridden, type ModelOverrides } from './overrides.js';

type Json = Record<string, unknown>;

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Json;
const configOf = (family: string) => readJson(join(familyDir(family), 'config.json'));

/** Configs that transformers computed with, each in the words of two of its releases: test/oracles/rope.py. */
const oracle = readJson(fileURLToPath(new URL('../../test/fixtures/rope.json', import.meta.url))) as {
  logits: { name: string; configs: [Json, Json] }[];
};

describe.each(oracle.logits)('overrides: $name', ({ configs: [newer, older] }) => {
  const { rope_theta: theta, max_position_embeddings: positions, rope_scaling: scaling } = older;
  const given = scaling as Json | null;
  const named = given && { ...given, rope_type: given.type, type: undefined };
  delete named?.type;
  const overrides = { rope_theta: theta, max_position_embeddings: positions, rope_scaling: named };

  it('make of a config what transformers computes with, in its own words', () => {
    const base = configOf('llama');
    const before = structuredClone(base);
    expect(overridden(base, overrides as ModelOverrides)).toEqual(newer);
    expect(base).toEqual(before);
    const old: Json = { ...older, rope_theta: 5, max_position_embeddings: 7, rope_scaling: { type: 'x' } };
    expect(overridden(old, overrides as ModelOverrides)).toEqual({ ...older, rope_scaling: named });
  });
});

describe('overrides', () => {
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32 };

  it('leave a scaling that they do not name', () => {
    for (const family of ['llama3', 'llama3-old-keys']) {
      const config = overridden(configOf(family), { rope_theta: 700, max_position_embeddings: 512 });
      const before = readConfig(familyDir(family));
      const rope = { theta: 700, scaling: before.rope.full.scaling };
      expect(parseConfig(config, family)).toEqual({
        ...before,
        maxPositions: 512,
        slidingWindow: 512,
        rope: { full: rope, sliding: rope },
      });
    }
  });

  it('take a scaling away, or put another in its place', () => {
    for (const family of ['llama3', 'llama3-old-keys']) {
      const base = { ...configOf(family), original_max_position_embeddings: 32 };
      const none = parseConfig(overridden(base, { rope_scaling: null }), family);
      expect(none.rope.full).toEqual({ theta: 500, scaling: { kind: 'none' } });
      const other = parseConfig(overridden(base, { rope_scaling: yarn }), family);
      expect(other.rope.full).toMatchObject({ theta: 500, scaling: { kind: 'yarn', factor: 4 } });
    }
  });

  it('change the layers with full attention where others have a rotation of their own', () => {
    for (const family of ['gemma3', 'gemma3-linear', 'gemma3-linear-old-keys']) {
      const before = readConfig(familyDir(family)).rope;
      const after = parseConfig(
        overridden(configOf(family), { rope_theta: 77_000, rope_scaling: yarn }),
        family,
      ).rope;
      expect(after.full).toMatchObject({ theta: 77_000, scaling: { kind: 'yarn' } });
      expect(after.sliding).toEqual(before.sliding);
    }
  });

  const keys = { model: 'm', data: 'd', out: 'o', objective: { name: 'sft' }, optimizer: { lr: 1e-6 } };
  const parse = (overrides: unknown) =>
    parseRecipe(trainRecipe, { ...keys, model_overrides: overrides }, 'recipe.yaml');

  it('of the paper are taken by a recipe', () => {
    const paper = { rope_theta: 300_000, max_position_embeddings: 32_768 };
    expect(parse(paper).model_overrides).toEqual(paper);
    expect(parse({ rope_scaling: null }).model_overrides).toEqual({ rope_scaling: null });
    expect(parse({ rope_scaling: { ...yarn, type: 'yarn' } }).model_overrides).toBeDefined();
  });

  it.each([
    [{ rope_theta: 1 }, '"model_overrides.rope_theta"'],
    [{ rope_theta: '3e5x' }, '"model_overrides.rope_theta"'],
    [{ max_position_embeddings: 0 }, '"model_overrides.max_position_embeddings"'],
    [{ max_position_embeddings: 4096.5 }, '"model_overrides.max_position_embeddings"'],
    [{ rope_theta: 1e6, hidden_size: 4 }, 'hidden_size'],
    [{ rope_scaling: 'yarn' }, '"model_overrides.rope_scaling"'],
    [{ rope_scaling: {} }, '"model_overrides.rope_scaling.rope_type": is missing; null takes the scaling'],
    [
      { rope_scaling: { rope_type: 'ntk' } },
      '"model_overrides.rope_scaling.rope_type": "ntk" is not supported',
    ],
    [{ rope_scaling: { rope_type: 'yarn' } }, '"model_overrides.rope_scaling.factor": is missing'],
    [{ rope_scaling: { ...yarn, factor: 'x' } }, '"model_overrides.rope_scaling.factor"'],
    [{ rope_scaling: { ...yarn, factor: 0.5 } }, '0.5 would shorten the context'],
    [{ rope_scaling: { ...yarn, beta: 1 } }, '"model_overrides.rope_scaling.beta": 1 has no meaning'],
    [
      { rope_scaling: { rope_type: 'yarn', factor: 4 } },
      '"model_overrides.rope_scaling.original_max_position_embeddings": is missing: the positions of the pre-training',
    ],
    [
      { rope_scaling: { ...yarn, rope_theta: 1e6 } },
      '"model_overrides.rope_scaling.rope_theta": stands beside rope_scaling',
    ],
  ])('are refused: %o', (overrides, message) => {
    expect(() => parse(overrides)).toThrow(UserError);
    expect(() => parse(overrides)).toThrow(message);
    expect(() => parse(overrides)).toThrow(/^recipe\.yaml: [^\n]+$/);
  });

  it('that the model contradicts are refused with its config.json', () => {
    const scaling = {
      ...{ rope_type: 'longrope', short_factor: [1, 1], long_factor: [1, 1] },
      original_max_position_embeddings: 32,
    };
    expect(() => readConfig(familyDir('llama'), { rope_scaling: scaling })).toThrow(
      /config\.json with model_overrides: field "rope_parameters\.short_factor": has 2 numbers, but a head of 12 turns 6 pairs/,
    );
  });
});
