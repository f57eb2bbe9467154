import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GGMLQuantizationType } from '@huggingface/gguf';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportModels, exportTexts, writeExportModel } from '../../../test/support/exportModels.js';
import { familyDir } from '../../../test/support/families.js';
import { config, GgufExports } from '../../../test/support/ggufExports.js';
import { greedy } from '../../../test/support/greedy.js';
import { writeTinyTokenizer } from '../../../test/support/tinyTokenizer.js';
import { writeTinyModel } from '../../../test/support/tinyModel.js';
import { rewriteWeights } from '../../../test/support/weights.js';
import { loadModel } from '../../models/checkpoint.js';
import { readConfig } from '../../models/directory.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { readTokenizerFiles } from '../../text/tokenizerFiles.js';
import { UserError } from '../../util/errors.js';
import { dequantize } from './dequantize.js';
import { exportGguf } from './export.js';
import { readGguf } from './file.js';
import { quantize } from './quantize.js';

const { F16 } = GGMLQuantizationType;
const exports = new GgufExports();
const { root } = exports;

/** What llama.cpp made of these files: llamaCpp.oracle.test.ts. */
const fixture = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../test/fixtures/gguf/llama-cpp.json', import.meta.url)), 'utf8'),
) as {
  tokens: number;
  models: Record<string, { sha256: string; architecture: string; ids: number[][]; greedy: number[][] }>;
};

/** All weights of a directory, in float32, by name. */
function weightsOf(dir: string): Map<string, { shape: readonly number[]; values: Float32Array }> {
  const found = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  rewriteWeights(dir, (tensors) => {
    for (const [name, { shape, bytes }] of tensors)
      found.set(name, { shape, values: new Float32Array(Uint8Array.from(bytes).buffer) });
  });
  return found;
}

describe.each(Object.keys(exportModels))('an export: %s', (name) => {
  const dir = join(root, name);
  beforeAll(() => writeExportModel(dir, name));

  it('is, byte for byte, the file that llama.cpp read, and says here what it said there', async () => {
    const { file, read } = await exports.exported(dir, 'F16');
    const { sha256, ids, greedy: theirs } = fixture.models[name]!;
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
    const tokenizer = ChatTokenizer.load(read);
    expect((await tokenizer.encodeAll(exportTexts(name))).map((each) => Array.from(each))).toEqual(ids);
    using model = loadModel(read, { dtype: 'f32' }).model;
    // The first texts are enough here.
    for (const i of [0, 1]) expect(greedy(model, ids[i]!, fixture.tokens)).toEqual(theirs[i]);
  });

  it('has every weight, rounded once', async () => {
    const { read } = await exports.exported(dir, 'F16');
    const own = weightsOf(dir);
    const back = weightsOf(read);
    expect([...back.keys()].sort()).toEqual([...own.keys()].sort());
    for (const [tensor, { shape, values }] of own) {
      const other = back.get(tensor)!;
      expect(other.shape).toEqual(shape);
      if (shape.length === 2) expect(other.values).toEqual(dequantize(F16, quantize(F16, values)!));
      // One and an offset, as Gemma's norms have them, are rounded together.
      else if (name === 'gemma3') expect(other.values).toEqual(values.map((w) => Math.fround(1 + w) - 1));
      else expect(other.values).toEqual(values);
    }
  });

  it('has every weight within half a step of its block, in 8 bits', async () => {
    const { read } = await exports.exported(dir, 'Q8_0');
    const back = weightsOf(read);
    const wrong: string[] = [];
    for (const [tensor, { shape, values }] of weightsOf(dir)) {
      const other = back.get(tensor)!.values;
      if (shape.length === 1) continue; // as in F16
      const size = shape[1]! % 32 === 0 ? 32 : 1;
      for (let at = 0; at < values.length; at += size) {
        const largest = Math.max(...values.subarray(at, at + size).map(Math.abs));
        const bound = largest / 254 + largest * 2 ** -11;
        const worst = Math.max(
          ...values.subarray(at, at + size).map((value, i) => Math.abs(other[at + i]! - value)),
        );
        if (worst > bound) wrong.push(`${tensor} ${at}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('says the same of the model: sizes, positions, tokens, template', async () => {
    const { file, read } = await exports.exported(dir, 'Q8_0');
    const [own, other] = [readConfig(dir), readConfig(read)];
    expect({ ...other, family: own.family }).toEqual(own);
    const [a, b] = [ChatTokenizer.load(dir), ChatTokenizer.load(read)];
    expect(new Set(b.stopTokenIds)).toEqual(new Set(a.stopTokenIds));
    expect([b.bosTokenId, b.eosTokenId, await b.addsBos()]).toEqual([
      a.bosTokenId,
      a.eosTokenId,
      await a.addsBos(),
    ]);
    expect(readTokenizerFiles(read).templates.default!.source).toBe(
      readTokenizerFiles(dir).templates.default!.source,
    );
    for (const text of [...exportTexts(name), '<|im_start|>user\nthe<|im_end|>', '<end_of_turn></s><think>'])
      expect(await b.encode(text), text).toEqual(await a.encode(text));
    const { metadata, tensors } = await readGguf(file);
    expect(metadata.number('general.file_type')).toBe(7);
    expect(metadata.string('general.architecture')).toBe(fixture.models[name]!.architecture);
    for (const { name: tensor, type, shape } of tensors.values())
      expect(type, tensor).toBe(shape.length === 1 ? 0 : shape.at(-1)! % 32 === 0 ? 8 : 1);
  });
});

describe('exportGguf', () => {
  it.each([
    ['llama-sharded-bf16', 'bf16 in shards'],
    ['llama-tied-old-keys', 'a tied head'],
    ['mistral', 'Mistral'],
    ['qwen2', 'biases'],
    ['qwen3', 'norms of heads'],
  ])('writes what transformers wrote: %s (%s)', async (family) => {
    const dir = join(root, `family-${family}`);
    writeTinyModel(dir);
    rmSync(join(dir, 'model.safetensors'));
    for (const file of readdirSync(familyDir(family)).filter((each) => !each.startsWith('expected')))
      writeFileSync(join(dir, file), readFileSync(join(familyDir(family), file)));
    writeTinyTokenizer(dir);
    const { read } = await exports.exported(dir, 'F16');
    const ids = [5, 17, 90, 4, 33];
    const [own, other] = [dir, read].map((each) => {
      using model = loadModel(each, { dtype: 'f32' }).model;
      return greedy(model, ids, 12);
    });
    expect(other).toEqual(own);
  });

  const family = (name: string) => (dir: string) => {
    for (const file of ['config.json', 'model.safetensors'])
      writeFileSync(join(dir, file), readFileSync(join(familyDir(name), file)));
  };

  it.each([
    ['llama3', 'rope.full.scaling.originalContext is 32, but a llama file has 8192 there'],
    ['mistral-window', 'attention.0 is "sliding", but a llama file has "full" there'],
    ['qwen2-window', 'attention.1 is "sliding", but a qwen2 file has "full" there'],
    ['gemma3', 'attention.1 is "full", but a gemma3 file has "sliding" there'],
    ['gemma3-linear', 'attention.1 is "full", but a gemma3 file has "sliding" there'],
  ])('refuses what llama.cpp would compute otherwise: %s', async (name, words) => {
    expect(await exports.problem(family(name))).toBe(`DIR cannot be written as GGUF: its ${words}`);
  });

  it('refuses settings that GGUF has no place for', async () => {
    const yarn = { rope_parameters: { rope_type: 'yarn', factor: 4, rope_theta: 10_000 } };
    expect(await exports.problem(config(yarn))).toContain(
      'rope.full.scaling.kind is "yarn", but a llama file has "none"',
    );
    const adapter = (dir: string) => {
      writeFileSync(join(dir, 'adapter_config.json'), '{}');
    };
    expect(await exports.problem(adapter)).toContain('which would not be applied');
  });

  it('refuses biases that llama.cpp does not know', async () => {
    const biased = (dir: string) => {
      config({ attention_bias: true })(dir);
      rewriteWeights(dir, (tensors) => {
        for (const [name, { shape }] of [...tensors])
          if (name.includes('self_attn'))
            tensors.set(name.replace('weight', 'bias'), {
              dtype: 'F32',
              shape: [shape[0]!],
              bytes: new Uint8Array(4 * shape[0]!),
            });
      });
    };
    expect(await exports.problem(biased)).toContain('qkvBias is true, but a llama file has false there');
  });

  it.each([NaN, Infinity, 70_000])('refuses a weight of %f', async (value) => {
    for (const name of ['model.layers.1.mlp.up_proj.weight', 'model.layers.0.self_attn.k_proj.weight']) {
      const ruin = (dir: string) => {
        rewriteWeights(dir, (tensors) => {
          const tensor = tensors.get(name)!;
          const values = new Float32Array(Uint8Array.from(tensor.bytes).buffer);
          values[7] = value;
          tensors.set(name, { ...tensor, bytes: new Uint8Array(values.buffer) });
        });
      };
      expect(await exports.problem(ruin)).toMatch(
        /^DIR: the tensor that GGUF calls blk\.[01]\.(ffn_up|attn_k)\.weight holds values .* for F16/,
      );
    }
  });

  it('reads weights of 64 bits', async () => {
    const dir = writeTinyModel(join(root, 'doubles'));
    const before = await exports.exported(dir, 'F16');
    rewriteWeights(dir, (tensors) => {
      for (const [name, { shape, bytes }] of [...tensors]) {
        const values = new Float64Array(new Float32Array(Uint8Array.from(bytes).buffer));
        tensors.set(name, { dtype: 'F64', shape, bytes: new Uint8Array(values.buffer) });
      }
    });
    const after = await exports.exported(dir, 'F16');
    expect(readFileSync(after.file).equals(readFileSync(before.file))).toBe(true);
  });

  it('refuses directories that are no whole models, before anything is written', async () => {
    expect(
      await exports.problem((dir) => {
        rmSync(join(dir, 'model.safetensors'));
      }),
    ).toContain('holds neither');
    expect(
      await exports.problem((dir) => {
        rmSync(join(dir, 'config.json'));
      }),
    ).toContain('config.json');
    const cut = (dir: string) => {
      const path = join(dir, 'model.safetensors');
      writeFileSync(path, readFileSync(path).subarray(0, -100));
    };
    expect(await exports.problem(cut)).toContain('incomplete');
  });

  it('replaces its own files alone, and those only by whole ones', async () => {
    const dir = writeTinyModel(join(root, 'own'));
    const out = join(root, 'own.gguf');
    await exportGguf(dir, out, 'F16');
    const first = readFileSync(out);
    await exportGguf(dir, out, 'Q8_0');
    expect(readFileSync(out).equals(first)).toBe(false);
    await exportGguf(dir, out, 'F16');
    expect(readFileSync(out).equals(first)).toBe(true);
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort();
    };
    await expect(exportGguf(dir, out, 'Q8_0', { onProgress, signal: controller.signal })).rejects.toThrow(
      'abort',
    );
    expect(readFileSync(out).equals(first)).toBe(true);
    const foreign = fileURLToPath(new URL('../../../test/fixtures/gguf/qwen2.gguf', import.meta.url));
    for (const content of [readFileSync(foreign), 'a file of mine: redistill', first.subarray(40)]) {
      const path = join(root, 'foreign.gguf');
      writeFileSync(path, content);
      await expect(exportGguf(dir, path, 'F16')).rejects.toThrow(`${path} is in the way`);
      expect(readFileSync(path).equals(Buffer.from(content))).toBe(true);
    }
    mkdirSync(join(root, 'folder.gguf'));
    await expect(exportGguf(dir, join(root, 'folder.gguf'), 'F16')).rejects.toThrow(UserError);
  });
});
