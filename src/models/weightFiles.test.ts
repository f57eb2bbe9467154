import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { familyDir } from '../../test/support/families.js';
import { rewriteWeights, type StoredTensor } from '../../test/support/weights.js';
import * as ops from '../torch/ops.js';
import { SafetensorsFile } from '../torch/safetensors.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { loadModel, saveModel } from './checkpoint.js';
import { checkModelDirectory } from './directory.js';
import { Scorer } from './scorer.js';
import { readModelConfig } from './weightFiles.js';

const root = mkdtempSync(join(tmpdir(), 'weights-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let count = 0;

function copyOf(
  name: string,
  change: (tensors: Map<string, StoredTensor>) => void = () => undefined,
): string {
  const dir = join(root, String(count++));
  cpSync(familyDir(name), dir, { recursive: true });
  rewriteWeights(dir, change);
  return dir;
}

const setConfig = (dir: string, fields: object): void => {
  const path = join(dir, 'config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
};

function load(dir: string): { notices: string[]; score: number; tied: boolean } {
  const notices: string[] = [];
  using model = loadModel(dir, { dtype: 'f32', onNotice: (sentence) => notices.push(sentence) }).model;
  using scorer = new Scorer(model);
  const ids = Int32Array.of(1, 5, 9, 3, 7);
  const [logps] = scorer.score([{ ids, responseStart: 1 }]);
  return { notices, score: logps!.reduce((a, b) => a + b, 0), tied: model.config.tied };
}

const EMBEDDING = 'model.embed_tokens.weight';
const wave = (bytes: number): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: bytes / 4 }, (_, i) => Math.sin(i)).buffer);

describe('a head of its own beside a config that ties it', () => {
  const withHead = (bytes: (embedding: Uint8Array) => Uint8Array) =>
    copyOf('llama-tied-old-keys', (tensors) => {
      const embedding = tensors.get(EMBEDDING)!;
      tensors.set('lm_head.weight', { ...embedding, bytes: bytes(embedding.bytes) });
    });

  it('is the model’s head where its values differ, is told of, and stays when the model is saved', () => {
    const dir = withHead((embedding) => wave(embedding.length));
    const untied = `${dir}-untied`;
    cpSync(dir, untied, { recursive: true });
    setConfig(untied, { tie_word_embeddings: false });
    const { notices, score, tied } = load(dir);
    const plain = load(untied);
    expect(plain.notices).toEqual([]);
    expect([score, tied]).toEqual([plain.score, false]);
    expect(score).not.toBe(load(familyDir('llama-tied-old-keys')).score);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('the weights have a head of their own with other values, which is used');
    expect(readModelConfig(dir).tied).toBe(false);

    const saved = join(root, 'saved');
    const loaded = loadModel(dir, { dtype: 'f32', onNotice: () => undefined });
    saveModel(loaded, saved);
    loaded.model[Symbol.dispose]();
    expect(load(saved)).toEqual({ notices: [], score, tied: false });
    const config = JSON.parse(readFileSync(join(saved, 'config.json'), 'utf8')) as Record<string, unknown>;
    const original = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toEqual({ ...original, tie_word_embeddings: false });
  });

  it('differs by a single bit at its end', () => {
    const dir = withHead((embedding) => {
      const bytes = Uint8Array.from(embedding);
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    });
    expect(load(dir).notices).toHaveLength(1);
  });

  it('is passed over where it is a copy', () => {
    const dir = withHead((embedding) => embedding);
    expect(load(dir)).toEqual(load(familyDir('llama-tied-old-keys')));
    expect(load(dir).tied).toBe(true);
  });

  it('is refused where it has another shape', () => {
    const dir = copyOf('llama-tied-old-keys', (tensors) => {
      tensors.set('lm_head.weight', { dtype: 'F32', shape: [2, 48], bytes: wave(2 * 48 * 4) });
    });
    expect(() => load(dir)).toThrow('"lm_head.weight" has shape [2, 48], but config.json implies [128, 48]');
  });
});

describe('weights and config that contradict each other', () => {
  const vector = (length: number): StoredTensor => ({
    dtype: 'F32',
    shape: [length],
    bytes: wave(4 * length),
  });
  const add = (tensors: Record<string, StoredTensor>) => (map: Map<string, StoredTensor>) => {
    for (const [name, tensor] of Object.entries(tensors)) map.set(name, tensor);
  };
  const layer = 'model.layers.0';

  it.each<[string, string, Record<string, StoredTensor>]>([
    ['biases of attention', 'llama', { [`${layer}.self_attn.q_proj.bias`]: vector(48) }],
    ['a bias of the output', 'qwen2', { [`${layer}.self_attn.o_proj.bias`]: vector(48) }],
    ['biases of the MLP', 'llama', { [`${layer}.mlp.up_proj.bias`]: vector(80) }],
    ['norms of queries', 'llama', { [`${layer}.self_attn.q_norm.weight`]: vector(12) }],
    ['norms after a branch', 'qwen3', { [`${layer}.post_feedforward_layernorm.weight`]: vector(48) }],
    ['a bias of the head', 'llama', { 'lm_head.bias': vector(128) }],
    ['another layer', 'llama', { 'model.layers.2.input_layernorm.weight': vector(48) }],
    ['scales of quantized weights', 'llama', { [`${layer}.mlp.up_proj.weight_scale`]: vector(1) }],
    ['an adapter', 'llama', { 'base_model.model.lora_A.weight': vector(4) }],
    ['a tensor that only sounds like a buffer', 'llama', { 'model.other.rotary_emb.inv_freq': vector(6) }],
    ['names of objects', 'llama', { constructor: vector(1) }],
    ['names of prototypes', 'llama', { ['__proto__']: vector(1) }],
  ])('are refused: %s', (_, family, tensors) => {
    const dir = copyOf(family, add(tensors));
    expect(() => load(dir)).toThrow(UserError);
    expect(() => load(dir)).toThrow(
      `tensor "${Object.keys(tensors)[0]}" does not belong to a ${family} model`,
    );
  });

  it('pass over the frequencies of positions, which follow from the config', () => {
    const dir = copyOf(
      'llama',
      add({ 'model.rotary_emb.inv_freq': vector(6), [`${layer}.self_attn.rotary_emb.inv_freq`]: vector(6) }),
    );
    expect(load(dir)).toEqual(load(familyDir('llama')));
  });

  it('are refused where the file has whole numbers', () => {
    const dir = copyOf('llama', (tensors) => {
      const norm = tensors.get('model.norm.weight')!;
      tensors.set('model.norm.weight', { ...norm, dtype: 'I32' });
    });
    expect(() => load(dir)).toThrow('"model.norm.weight" has type I32, which are no weights');
  });

  it('are refused where an index does not list what a shard holds', () => {
    const dir = join(root, String(count++));
    cpSync(familyDir('llama-sharded-bf16'), dir, { recursive: true });
    const path = join(dir, 'model.safetensors.index.json');
    const index = JSON.parse(readFileSync(path, 'utf8')) as { weight_map: Record<string, string> };
    const shard = index.weight_map['model.norm.weight']!;
    cpSync(join(dir, shard), join(dir, 'again.safetensors'));
    index.weight_map['model.norm.weight'] = 'again.safetensors';
    writeFileSync(path, JSON.stringify(index));
    expect(() => load(dir)).toThrow('too, which model.safetensors.index.json does not say');
  });

  it('are refused beside an adapter', () => {
    const dir = copyOf('llama');
    writeFileSync(join(dir, 'adapter_config.json'), '{}');
    expect(() => load(dir)).toThrow('holds an adapter (adapter_config.json), which would not be applied');
  });

  it('are refused before anything is allocated', () => {
    const dir = copyOf('llama');
    // 549 GB, if it were believed.
    setConfig(dir, { vocab_size: 2 ** 31 - 1, num_hidden_layers: 1000, intermediate_size: 2 ** 20 });
    expect(() => load(dir)).toThrow(
      'tensor "model.embed_tokens.weight" has shape [128, 48], but config.json implies [2147483647, 48]',
    );
  });
});

describe('files that are no files', () => {
  const replace = (dir: string, file: string, make: (path: string) => void): string => {
    rmSync(join(dir, file));
    make(join(dir, file));
    return dir;
  };
  const fifo = (path: string) => execFileSync('mkfifo', [path]);
  const zero = (path: string) => {
    symlinkSync('/dev/zero', path);
  };
  const huge = (path: string) => {
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 2 ** 33);
    closeSync(fd);
  };

  it.each<[string, (path: string) => void, string]>([
    ['a pipe', fifo, 'is a device or a pipe, not a file'],
    ['a device', zero, 'is a device or a pipe, not a file'],
    [
      'a folder',
      (path) => {
        mkdirSync(path);
      },
      'is a folder, not a file',
    ],
    ['a giant', huge, 'has 8.6 GB, too much for such a file'],
  ])('%s is refused at once', (_, make, message) => {
    for (const file of ['config.json', 'model.safetensors.index.json']) {
      const dir = join(root, String(count++));
      cpSync(familyDir('llama-sharded-bf16'), dir, { recursive: true });
      replace(dir, file, make);
      expect(() => load(dir)).toThrow(UserError);
      expect(() => load(dir)).toThrow(`${file} ${message}`);
    }
    const dir = replace(copyOf('llama'), 'model.safetensors', make);
    expect(() => load(dir)).toThrow(UserError);
    writeFileSync(join(dir, 'tokenizer.json'), '{}');
    expect(() => {
      checkModelDirectory(dir);
    }).toThrow(UserError);
  });
});

describe('a file that becomes shorter while it is read', () => {
  it('is an error in words', () => {
    const dir = copyOf('llama');
    const path = join(dir, 'model.safetensors');
    const before = liveTensors();
    using file = new SafetensorsFile(path);
    truncateSync(path, 8000);
    scope(() => {
      const target = ops.empty([128, 48], { dtype: 'f32' });
      expect(() => {
        file.copyInto('model.embed_tokens.weight', target);
      }).toThrow(`${path} became shorter while it was read`);
      expect(() => file.tensor('lm_head.weight')).toThrow(UserError);
    });
    expect(liveTensors()).toBe(before);
  });
});
