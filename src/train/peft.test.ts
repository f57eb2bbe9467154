import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { GGMLQuantizationType } from '@huggingface/gguf';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { adaptedFolder } from '../../test/support/adapters.js';
import { rewriteTensors, type StoredTensor } from '../../test/support/weights.js';
import { adaptedDirectory } from '../hub/adapter.js';
import { quantize } from '../hub/gguf/quantize.js';
import { mergeAdapter } from '../hub/ownCopy.js';
import { resolveModel } from '../hub/resolve.js';
import { loadAdapter, loadBase, loadModel } from '../models/checkpoint.js';
import { packSequences } from '../models/pack.js';
import { Transformer } from '../models/transformer.js';
import { createObjective } from '../objectives/index.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat32Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { clipFactor, eachNorm, globalNorm } from '../torch/optim.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { Engine } from './engine.js';
import { runStep } from './step.js';
import { TrainableWeights } from './weights.js';

/** Adapters that PEFT has saved, with what it computes: test/oracles/adapters.py. */
const fixtures = fileURLToPath(new URL('../../test/fixtures/adapters', import.meta.url));
const names = readdirSync(fixtures).sort();

interface Expected {
  vocabSize: number;
  ids: number[];
  logits: string;
  optimizer: { lr: number; betas: [number, number]; eps: number; weightDecay: number; clipGradNorm: number };
  rows: { ids: number[]; responseStart: number }[];
  steps: { loss: number; gradNorm: number }[];
}
const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(join(fixtures, name, 'expected.json'), 'utf8')) as Expected;

const root = mkdtempSync(join(tmpdir(), 'redistill-peft-'));
beforeAll(() => {
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** The largest difference of a model's logits from PEFT's. */
function gapOf(model: Transformer, { ids, logits }: Expected): number {
  const bytes = Uint8Array.from(Buffer.from(logits, 'base64'));
  const theirs = new Float32Array(bytes.buffer);
  const ours = scope(() =>
    noGrad(() => {
      const pack = packSequences(model, [Int32Array.from(ids)]);
      return toFloat32Array(ops.linear(model.hidden(pack.ids, pack.context), model.head));
    }),
  );
  expect(ours.length).toBe(theirs.length);
  return Math.max(...ours.map((x, i) => Math.abs(x - theirs[i]!)));
}

/** The base with an adapter over it, which is not merged. */
function opened(name: string): Transformer {
  const dir = adaptedDirectory(join(fixtures, name));
  const { config, parameters, device } = loadBase(dir, { dtype: 'f32' }).model;
  const { lora, tensors } = loadAdapter(join(fixtures, name), config, device);
  return new Transformer(config, new Map([...parameters, ...tensors]), undefined, undefined, lora);
}

describe.each(names)("PEFT's adapter %s", (name) => {
  const expected = expectedOf(name);

  it('gives the same logits, merged or not, and other ones than its base', async () => {
    const live = liveTensors();
    {
      using model = opened(name);
      expect(gapOf(model, expected)).toBeLessThan(1e-4);
      expect(gapOf(model.base, expected)).toBeGreaterThan(0.1);
      using merged = loadModel(await resolveModel(join(fixtures, name)), { dtype: 'f32' }).model;
      expect(merged.adapters).toBeUndefined();
      expect(gapOf(merged, expected)).toBeLessThan(1e-4);
    }
    expect(liveTensors()).toBe(live);
  });

  it.each([1000, 20])("trains in PEFT's steps, %d tokens a pack", (tokenBudget) => {
    const { optimizer: settings, rows, steps } = expected;
    const { lr, clipGradNorm, ...options } = settings;
    using weights = new TrainableWeights(opened(name), 'f32');
    using engine = new Engine(weights);
    using optimizer = weights.optimizer(options);
    const size = rows.length / steps.length;
    steps.forEach((step, s) => {
      const sequences = rows.slice(s * size, (s + 1) * size).map(({ ids, responseStart }, group) => ({
        ...{ role: 'demonstration', group, length: ids.length - responseStart },
        row: { ids: Int32Array.from(ids), responseStart },
      }));
      const { loss } = runStep(engine, createObjective({ name: 'sft' }), sequences, tokenBudget);
      const gradNorm = globalNorm([...weights.grads.values()]);
      expect(Math.abs(loss / step.loss - 1), `loss of step ${s}`).toBeLessThan(1e-4);
      expect(Math.abs(gradNorm / step.gradNorm - 1), `norm of step ${s}`).toBeLessThan(1e-3);
      weights.update(optimizer, lr, clipFactor(gradNorm, clipGradNorm));
    });
  });
});

describe("an adapter's files", () => {
  let copies = 0;
  /** Copies a fixture with its base beside it, and changes it. */
  const changed = (
    config: Record<string, unknown>,
    tensors: (found: Map<string, StoredTensor>) => void = () => undefined,
  ): string => {
    const dir = join(root, `copy-${++copies}`);
    mkdirSync(dir);
    cpSync(fileURLToPath(new URL('../../test/fixtures/families/llama', import.meta.url)), join(dir, 'base'), {
      recursive: true,
    });
    const adapter = adaptedFolder(join(fixtures, 'llama-lora'), join(dir, 'adapter'), { base: 'base' });
    const path = join(adapter, 'adapter_config.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...json, ...config }));
    rewriteTensors(join(adapter, 'adapter_model.safetensors'), tensors);
    return adapter;
  };
  const load = async (adapter: string) => {
    using model = loadModel(await resolveModel(adapter), { dtype: 'f32' }).model;
    return model.config.family;
  };
  /** The weights that are loaded of a directory. */
  const contentsOf = (dir: string): number[] => {
    using model = loadModel(dir, { dtype: 'f32' }).model;
    return [...eachNorm([...model.parameters.values()])];
  };
  const first = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';

  it('find their base beside them', async () => {
    expect(await load(changed({ base_model_name_or_path: '/somebody/elses/base' }))).toBe('llama');
  });

  it.each<[string, Record<string, unknown>]>([
    ['peft_type is "IA3"', { peft_type: 'IA3' }],
    ['r is 0', { r: 0 }],
    ['r is "4"', { r: '4' }],
    ['lora_alpha is -1', { lora_alpha: -1 }],
    ['bias is "all"', { bias: 'all' }],
    ['init_lora_weights is "pissa"', { init_lora_weights: 'pissa' }],
    ['rank_pattern is {"q_proj":8}', { rank_pattern: { q_proj: 8 } }],
    ['alpha_pattern is {"q_proj":8}', { alpha_pattern: { q_proj: 8 } }],
    ['modules_to_save is ["lm_head"]', { modules_to_save: ['lm_head'] }],
    ['fan_in_fan_out is true', { fan_in_fan_out: true }],
    ['layer_replication is [[0,2]]', { layer_replication: [[0, 2]] }],
    ['something_new is 3', { something_new: 3 }],
    ['base_model_name_or_path is missing', { base_model_name_or_path: null }],
    ['base_model_name_or_path is ./nowhere, and there is no model', { base_model_name_or_path: './nowhere' }],
    [
      'base_model_name_or_path is some/model, which is not on this machine',
      { base_model_name_or_path: 'some/model' },
    ],
    // One whose rows would be of another length than the file has.
    ['and its model imply [1000000000, 48]', { r: 1_000_000_000 }],
    ['lora_magnitude_vector', { use_dora: true }],
    ['not finite, or too large to compute with', { lora_alpha: 1e39 }],
    ['an adapter of model.layers.0.self_attn.k_proj, which target_modules', { target_modules: ['q_proj'] }],
  ])('are refused where %s', async (words, config) => {
    const loading = load(changed(config));
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(words);
  });

  it.each([
    { target_modules: '.*q_proj|.*nothing' },
    { target_modules: ['q_proj'], exclude_modules: ['k_proj'] },
    { target_modules: ['q_proj'], layers_to_transform: [0] },
    { target_modules: null },
  ])('are read where no list says which modules they have: %j', async (config) => {
    expect(await load(changed(config))).toBe('llama');
  });

  it('say what to do with those that PEFT pickled', async () => {
    const adapter = changed({});
    const file = join(adapter, 'adapter_model.safetensors');
    renameSync(file, join(adapter, 'adapter_model.bin'));
    await expect(load(adapter)).rejects.toThrow('safe_serialization');
  });

  it('say nothing of a base in which they are kept, under whatever name', async () => {
    const adapter = changed({});
    const base = join(adapter, '..', 'base');
    const before = contentsOf(base);
    for (const name of ['adapter', 'redistill-adapter'])
      cpSync(adapter, join(base, name), { recursive: true });
    expect(contentsOf(base)).toEqual(before);
    expect(await resolveModel(base)).toBe(base);
    // Named itself, it is an adapter over that base.
    const path = join(base, 'adapter', 'adapter_config.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...json, base_model_name_or_path: base }));
    expect(contentsOf(await resolveModel(join(base, 'adapter')))).not.toEqual(before);
  });

  it('are not those of shards beside them', () => {
    const adapter = changed({});
    const sharded = fileURLToPath(
      new URL('../../test/fixtures/families/llama-sharded-bf16', import.meta.url),
    );
    const base = join(adapter, '..', 'sharded');
    cpSync(sharded, base, { recursive: true });
    const before = contentsOf(base);
    cpSync(join(adapter, 'adapter_model.safetensors'), join(base, 'adapter_model.safetensors'));
    expect(contentsOf(base)).toEqual(before);
  });

  it('are merged into no float16 that cannot hold them', async () => {
    const adapter = changed({ lora_alpha: 1e7 });
    rewriteTensors(join(adapter, '..', 'base', 'model.safetensors'), (found) => {
      for (const [name, { bytes, shape }] of found) {
        const wide = new Float32Array(
          bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
        );
        found.set(name, { dtype: 'F16', shape, bytes: quantize(GGMLQuantizationType.F16, wide)! });
      }
    });
    expect(await load(adapter)).toBe('llama');
    const out = join(adapter, '..', 'merged');
    await expect(mergeAdapter(adapter, out)).rejects.toThrow('too large for float16');
    expect(existsSync(out)).toBe(false);
  });

  it.each<[string, (tensors: Map<string, StoredTensor>) => void]>([
    ['there is no tensor', (tensors) => tensors.delete(first)],
    [
      'is not supported',
      (tensors) => tensors.set('base_model.model.lm_head.lora_A.weight', tensors.get(first)!),
    ],
    ['is not supported', (tensors) => tensors.set('layers.0.qkv', tensors.get(first)!)],
    [
      'has no adapter of model.layers.1.self_attn.q_proj, which target_modules',
      (tensors) => {
        for (const name of [...tensors.keys()])
          if (name.includes('layers.1.self_attn.q_proj')) tensors.delete(name);
      },
    ],
    [
      'has no adapter',
      (tensors) => {
        for (const name of [...tensors.keys()]) {
          tensors.set(name.replace('q_proj', 'x_proj').replace(/layers\.\d/, 'layers.9'), tensors.get(name)!);
          tensors.delete(name);
        }
      },
    ],
    ['has shape [48, 4]', (tensors) => tensors.set(first, { ...tensors.get(first)!, shape: [48, 4] })],
    ['no weights', (tensors) => tensors.set(first, { ...tensors.get(first)!, dtype: 'I32' })],
    [
      'not finite',
      (tensors) =>
        new Float32Array(tensors.get(first)!.bytes.buffer, tensors.get(first)!.bytes.byteOffset, 1).fill(NaN),
    ],
  ])('are refused whose tensors are others: %s', async (words, change) => {
    const live = liveTensors();
    const loading = load(changed({}, change));
    await expect(loading).rejects.toThrow(UserError);
    await expect(loading).rejects.toThrow(words);
    expect(liveTensors()).toBe(live);
  });
});
