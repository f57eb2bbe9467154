import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from 'tokenizers';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../util/errors.js';
import { parseConfig } from '../../models/config.js';
import { splitGguf, withString } from '../../../test/support/gguf.js';
import { convertGguf } from './convert.js';

const fixtures = fileURLToPath(new URL('../../../test/fixtures/gguf/', import.meta.url));
const { texts, models } = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as {
  texts: string[];
  models: Record<string, { sha256: string; ids: number[][]; with_special: number[]; decoded: string[] }>;
};
const dir = mkdtempSync(join(tmpdir(), 'gguf-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const configOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(dir, name, 'config.json'), 'utf8')) as Record<string, unknown>;

describe('convertGguf gives what transformers makes of the same file', () => {
  describe.each(Object.entries(models))('%s', (name, expected) => {
    it('weights, byte for byte', async () => {
      const steps: number[] = [];
      await convertGguf(join(fixtures, `${name}.gguf`), join(dir, name), (done, total) => {
        steps.push(done / total);
      });
      const bytes = readFileSync(join(dir, name, 'model.safetensors'));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256);
      expect(steps.at(-1)).toBe(1);
    });

    it('token ids and text', async () => {
      const tokenizer = Tokenizer.fromFile(join(dir, name, 'tokenizer.json'));
      for (const [index, text] of texts.entries()) {
        const ids = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
        expect(ids, text).toEqual(expected.ids[index]);
        expect(await tokenizer.decode(ids, false)).toBe(expected.decoded[index]);
      }
      expect((await tokenizer.encode(texts[1]!)).getIds()).toEqual(expected.with_special);
    });
  });

  it('writes a configuration that our own models read', () => {
    const read = (name: string) => parseConfig(configOf(name), name);
    expect(read('qwen3')).toMatchObject({ family: 'qwen3', headDim: 128, tied: false });
    expect(read('llama3')).toMatchObject({ family: 'llama', rope: { full: { theta: 500000 } } });
    expect(read('gemma3')).toMatchObject({ family: 'gemma3', attention: ['sliding', 'sliding'], tied: true });
    for (const name of Object.keys(models)) expect(read(name).hiddenSize).toBe(32);
  });

  it('writes a configuration of published names', () => {
    expect(configOf('llama-smollm')).toMatchObject({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      max_position_embeddings: 512,
      rms_norm_eps: 1e-6,
      rope_theta: 500000,
      tie_word_embeddings: true,
      vocab_size: 269,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
      torch_dtype: 'float32',
    });
    expect(configOf('mistral')).toMatchObject({ tie_word_embeddings: false });
    expect(configOf('qwen3')).toMatchObject({ model_type: 'qwen3', head_dim: 128 });
    expect(configOf('gemma3')).toMatchObject({
      model_type: 'gemma3_text',
      sliding_window: 8,
      query_pre_attn_scalar: 8,
      rope_local_base_freq: 10000,
      layer_types: ['sliding_attention', 'sliding_attention'],
    });
    expect(readdirSync(join(dir, 'qwen2')).sort()).toEqual([
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it("finds Llama 3's scaling in the frequency factors, which transformers leaves out", () => {
    expect(configOf('llama-smollm')).not.toHaveProperty('rope_scaling');
    expect(configOf('llama3').rope_scaling).toEqual({
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
  });
});

describe('convertGguf refuses', () => {
  const whole = readFileSync(join(fixtures, 'llama-smollm.gguf'));

  async function problem(bytes: Buffer): Promise<string> {
    const path = join(dir, 'bad.gguf');
    writeFileSync(path, bytes);
    const error = await convertGguf(path, join(dir, 'bad')).then(
      () => new Error('it was accepted'),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain('bad.gguf');
    return (error as Error).message;
  }

  /** A copy with the bytes at `offset` after the (only) place of `text` replaced. */
  function patched(text: string, offset: number, change: (bytes: Buffer, at: number) => void): Buffer {
    const copy = Buffer.from(whole);
    const at = copy.indexOf(text);
    expect(at).toBeGreaterThan(0);
    change(copy, at + text.length + offset);
    return copy;
  }

  it('a type that it cannot read, with tensor and type', async () => {
    // After a tensor's name: dimensions (4 bytes), their sizes (8 each), type.
    const bytes = patched('blk.1.ffn_up.weight', 4 + 16, (copy, at) => copy.writeUInt32LE(10, at));
    expect(await problem(bytes)).toContain(
      'tensor blk.1.ffn_up.weight has the type Q2_K, which cannot be read',
    );
    const unknown = patched('blk.1.ffn_up.weight', 4 + 16, (copy, at) => copy.writeUInt32LE(999, at));
    expect(await problem(unknown)).toContain('has the type 999');
  });

  it('cut files, wherever they are cut', async () => {
    expect(await problem(Buffer.alloc(0))).toContain('not a readable GGUF file');
    expect(await problem(whole.subarray(0, 12))).toContain('fetch');
    for (const part of [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.9]) {
      expect(await problem(whole.subarray(0, Math.floor(whole.length * part)))).toMatch(/fetch it again/);
    }
    expect(await problem(whole.subarray(0, whole.length - 32))).toContain('the download is incomplete');
  });

  it('headers that lie', async () => {
    expect(await problem(Buffer.from('not a model at all'.repeat(20)))).toContain('magic');
    const tensors = Buffer.from(whole);
    tensors.writeBigUInt64LE(2n ** 60n, 8);
    expect(await problem(tensors)).toContain('exceeds maximum');
    const keys = Buffer.from(whole);
    keys.writeBigUInt64LE(2n ** 60n, 16);
    expect(await problem(keys)).toContain('exceeds maximum');
    const huge = patched('blk.0.ffn_up.weight', 4, (copy, at) => copy.writeBigUInt64LE(2n ** 31n, at));
    expect(await problem(huge)).toContain('the download is incomplete');
    const offset = patched('blk.0.ffn_up.weight', 4 + 16 + 4, (copy, at) => copy.writeBigUInt64LE(64n, at));
    expect(await problem(offset)).toContain('overlap');
    const odd = patched('blk.0.ffn_up.weight', 4, (copy, at) => copy.writeBigUInt64LE(31n, at));
    expect(await problem(odd)).toContain('impossible shape');
    const heads = patched('llama.attention.head_count', 4, (copy, at) => copy.writeUInt32LE(0, at));
    expect(await problem(heads)).toContain('llama.attention.head_count is not a whole number');
    const other = patched('llama.attention.head_count', 4, (copy, at) => copy.writeUInt32LE(8, at));
    expect(await problem(other)).toContain("by the file's metadata");
  });

  it('models that it does not know', async () => {
    const name = patched('general.architecture', 4 + 8, (copy, at) => copy.write('mamba', at));
    expect(await problem(name)).toContain('architecture "mamba"; supported are llama, qwen2, qwen3, gemma3');
    const tensor = patched('blk.1.ffn_up.weight', -4, (copy, at) => copy.write('what', at));
    expect(await problem(tensor)).toContain('blk.1.ffn_up.weight');
    const rule = patched('tokenizer.ggml.pre', 4 + 8, (copy, at) => copy.write('random', at));
    expect(await problem(rule)).toContain('the pre-tokenizer "random" is not known');
  });
});

describe('a split GGUF file', () => {
  const whole = join(fixtures, 'llama-smollm.gguf');
  const part = (n: number, of = 3): string => join(dir, `split-0000${n}-of-0000${of}.gguf`);

  it('is read together with the parts beside it, whichever is named', async () => {
    splitGguf(
      whole,
      [1, 2, 3].map((n) => part(n)),
    );
    await convertGguf(whole, join(dir, 'unsplit'));
    for (const n of [1, 2]) {
      await convertGguf(part(n), join(dir, `split${n}`));
      for (const file of readdirSync(join(dir, 'unsplit')))
        expect(
          readFileSync(join(dir, `split${n}`, file)).equals(readFileSync(join(dir, 'unsplit', file))),
        ).toBe(true);
    }
  });

  it('is refused with the names of what is missing', async () => {
    const convert = (path: string) => convertGguf(path, join(dir, 'refused'));
    const kept = readFileSync(part(2));
    rmSync(part(2));
    await expect(convert(part(1))).rejects.toThrow(
      `split-00001-of-00003.gguf is one of 3 parts of a model: put split-00002-of-00003.gguf beside it in ${dir}`,
    );
    writeFileSync(part(2), readFileSync(part(3)));
    await expect(convert(part(1))).rejects.toThrow(
      'split-00002-of-00003.gguf is part 3 of 3, but its name says part 2 of 3; fetch it again',
    );
    writeFileSync(part(2), kept);
    const alone = join(dir, 'alone.gguf');
    writeFileSync(alone, readFileSync(part(1)));
    await expect(convert(alone)).rejects.toThrow(
      'alone.gguf is part 1 of 3 of a model; name the parts NAME-00001-of-00003.gguf',
    );
    for (const n of [1, 2]) writeFileSync(part(n, 2), readFileSync(whole));
    await expect(convert(part(1, 2))).rejects.toThrow(
      'split-00001-of-00002.gguf is not one of several parts, but its name says part 1 of 2',
    );
  });
});

describe('names in a GGUF file', () => {
  const whole = readFileSync(join(fixtures, 'llama-smollm.gguf'));

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'are not those of objects: %s',
    async (name) => {
      for (const key of ['general.architecture', 'tokenizer.ggml.pre', 'tokenizer.ggml.model']) {
        const path = join(dir, 'named.gguf');
        writeFileSync(path, withString(whole, key, name));
        await expect(convertGguf(path, join(dir, 'named'))).rejects.toThrow(UserError);
        await expect(convertGguf(path, join(dir, 'named'))).rejects.toThrow(`"${name}"`);
      }
    },
  );
});
