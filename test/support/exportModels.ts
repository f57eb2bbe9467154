/** @file Makes tiny models with strong random weights, one for each kind of GGUF file that is written. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertGguf } from '../../src/hub/gguf/convert.js';
import { parseConfig } from '../../src/models/config.js';
import { parameterSpecs } from '../../src/models/parameters.js';
import { writeSafetensors, type TensorToWrite } from '../../src/torch/safetensorsFormat.js';
import { Random } from '../../src/util/random.js';

const tokenizers = fileURLToPath(new URL('../fixtures/gguf/', import.meta.url));

const sizes = {
  hidden_size: 64,
  intermediate_size: 96,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
};

interface ExportModel {
  /** The fixture of GGUF whose tokenizer it has. */
  tokenizer: string;
  seed: number;
  config: Record<string, unknown>;
}

/** One for each family, kind of tokenizer and scaling of positions that a file can have. */
export const exportModels: Readonly<Record<string, ExportModel>> = {
  llama: {
    tokenizer: 'llama-smollm',
    seed: 1,
    config: { model_type: 'llama', num_hidden_layers: 2, rope_theta: 5000, tie_word_embeddings: false },
  },
  'llama-sentencepiece': {
    tokenizer: 'llama-sentencepiece',
    seed: 2,
    config: { model_type: 'llama', num_hidden_layers: 2, head_dim: 24, tie_word_embeddings: true },
  },
  'llama-linear': {
    tokenizer: 'llama-smollm',
    seed: 3,
    config: { model_type: 'llama', num_hidden_layers: 2, rope_scaling: { rope_type: 'linear', factor: 4 } },
  },
  llama3: {
    tokenizer: 'llama3',
    seed: 4,
    config: {
      model_type: 'llama',
      num_hidden_layers: 2,
      head_dim: 32,
      rope_theta: 500_000,
      rope_scaling: {
        ...{ rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
        original_max_position_embeddings: 8192,
      },
    },
  },
  mistral: {
    tokenizer: 'mistral',
    seed: 5,
    config: { model_type: 'mistral', num_hidden_layers: 2, sliding_window: null },
  },
  qwen2: {
    tokenizer: 'qwen2',
    seed: 6,
    config: { model_type: 'qwen2', num_hidden_layers: 2, rope_theta: 1e6, tie_word_embeddings: true },
  },
  qwen3: {
    tokenizer: 'qwen3',
    seed: 17,
    config: { model_type: 'qwen3', num_hidden_layers: 2, head_dim: 32, rope_theta: 1e6 },
  },
  gemma3: {
    tokenizer: 'gemma3',
    seed: 8,
    // The sixth layer sees everything.
    config: {
      model_type: 'gemma3_text',
      num_hidden_layers: 7,
      head_dim: 16,
      query_pre_attn_scalar: 16,
      sliding_window: 8,
    },
  },
};

/**
 * Texts with what tokenizers treat apart: runs of blanks, digits, other scripts. A tokenizer that puts a blank before a
 * text gets none that begins with one: llama.cpp puts another there, and the tokenizers of transformers do not.
 */
export const exportTexts = (name: string): readonly string[] =>
  name === 'llama-sentencepiece' ? texts.filter((text) => !text.startsWith(' ')) : texts;

const texts = [
  'Hello world',
  ' the then  there\n\n the',
  'x = 12345 +  67\t8',
  'naïve café 日本語 😀',
  "it's We'LL they've",
  '    indented\n        more\n',
];

/** Writes a model's directory: weights that matter each, with norms, biases and rotations far from neutral. */
export async function writeExportModel(dir: string, name: string): Promise<string> {
  const { tokenizer, seed, config } = exportModels[name]!;
  await convertGguf(join(tokenizers, `${tokenizer}.gguf`), join(dir, '.from'));
  mkdirSync(dir, { recursive: true });
  for (const file of [
    'tokenizer.json',
    'tokenizer_config.json',
    'generation_config.json',
    'chat_template.jinja',
  ])
    cpSync(join(dir, '.from', file), join(dir, file));
  const from = JSON.parse(readFileSync(join(dir, '.from', 'config.json'), 'utf8')) as Record<string, unknown>;
  const { vocab_size, bos_token_id, eos_token_id } = from;
  const json = { ...sizes, vocab_size, bos_token_id, eos_token_id, ...config };
  writeFileSync(join(dir, 'config.json'), JSON.stringify(json));
  const random = new Random(seed);
  /** Roughly normal, with a deviation of one. */
  const draw = () => Array.from({ length: 12 }, () => random.nextFloat()).reduce((a, b) => a + b) - 6;
  const parsed = parseConfig(json, dir);
  const tensors: TensorToWrite[] = [];
  for (const { shape, parts } of parameterSpecs(parsed).values()) {
    for (const { name: tensor, rows } of parts) {
      const own = [rows, ...shape.slice(1)];
      const columns = own[1];
      const isNorm = tensor.includes('norm');
      const center = isNorm && parsed.normOffset === 0 ? 1 : 0;
      const deviation = columns === undefined ? 0.3 : tensor.includes('embed') ? 1 : 1.5 / Math.sqrt(columns);
      const values = Float32Array.from(
        { length: own.reduce((a, b) => a * b, 1) },
        () => center + deviation * draw(),
      );
      tensors.push({ name: tensor, dtype: 'F32', shape: own, bytes: new Uint8Array(values.buffer) });
    }
  }
  writeSafetensors(join(dir, 'model.safetensors'), tensors, { format: 'pt' });
  return dir;
}
