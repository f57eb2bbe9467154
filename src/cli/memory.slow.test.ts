import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectError, tinyCommands } from '../../test/support/tinyCommands.js';
import { redistill, turns, writeTinyModel } from '../../test/support/tinyModel.js';

const { path, messages, prompts, file, rows, recipe } = tinyCommands();

/** bf16 weights of zeros in a file that takes no space on disk. */
function writeSparseModel(dir: string, sizes: { vocab: number; intermediate: number }): string {
  const { vocab, intermediate } = sizes;
  writeTinyModel(dir, {
    vocab_size: vocab,
    intermediate_size: intermediate,
    num_hidden_layers: 1,
    tie_word_embeddings: true,
    max_position_embeddings: 100_000,
  });
  const layer = 'model.layers.0.';
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocab, 48],
    [`${layer}input_layernorm.weight`]: [48],
    [`${layer}mlp.down_proj.weight`]: [48, intermediate],
    [`${layer}mlp.gate_proj.weight`]: [intermediate, 48],
    [`${layer}mlp.up_proj.weight`]: [intermediate, 48],
    [`${layer}post_attention_layernorm.weight`]: [48],
    [`${layer}self_attn.k_proj.weight`]: [24, 48],
    [`${layer}self_attn.o_proj.weight`]: [48, 48],
    [`${layer}self_attn.q_proj.weight`]: [48, 48],
    [`${layer}self_attn.v_proj.weight`]: [24, 48],
    'model.norm.weight': [48],
  };
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const weights = join(dir, 'model.safetensors');
  writeFileSync(weights, Buffer.concat([prefix, header]));
  truncateSync(weights, 8 + header.length + end);
  return dir;
}

describe.runIf(process.platform === 'linux')('out of memory', () => {
  const GiB = 2 ** 30;
  const fails = (args: string[], addressSpace: number) => redistill(args, { addressSpace });

  it('while a model is loaded', async () => {
    const model = writeSparseModel(path('huge'), { vocab: 100_000_000, intermediate: 80 });
    const scores = file('jsonl', 'kept\n');
    const limit = 8 * GiB; // less than 9.6 GB in bf16
    const scored = await fails(['score', '--model', model, '--data', messages, '--out', scores], limit);
    const sentence = `there is not enough memory: the weights of ${model} in f32 take 19 GB. Take a smaller model, or a machine with more memory.`;
    expectError(scored, 1, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const generated = await fails(
      ['generate', '--model', model, '--dtype', 'f32', '--prompts', prompts, '--out', scores],
      limit,
    );
    expectError(generated, 1, sentence);
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
    const out = path('huge-out');
    // What a run takes is known before the model is loaded.
    const refused = 'there is not enough memory: this run would take about ';
    expectError(await fails(['train', recipe({ model, out })], limit), 1, refused, 'Take a smaller model');
    expect(existsSync(out)).toBe(false);
  });

  it('for what training holds beside the model', async () => {
    const model = writeSparseModel(path('large'), { vocab: 10_000_000, intermediate: 80 });
    const out = path('large-out');
    expectError(
      await fails(['train', recipe({ model, out })], 7 * GiB), // more than 1.9 GB of weights and as much of gradients, less than the moments besides
      1,
      `there is not enough memory: training ${model} takes, for weights, gradients and moments alone, 7.7 GB.`,
    );
  });

  const wide = () => ({
    // 0.8 MB a token in the MLP alone
    model: writeSparseModel(path('wide'), { vocab: 128, intermediate: 200_000 }),
    data: rows(Array.from({ length: 200 }, () => ({ messages: turns('a', 'x'.repeat(100)) }))),
  });

  it('in the middle of scoring', async () => {
    const { model, data } = wide();
    const scores = file('jsonl', 'kept\n');
    const scored = await fails(
      ['score', '--model', model, '--data', data, '--token-budget', '100000', '--out', scores],
      8 * GiB,
    );
    expectError(scored, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
  });

  it('in the middle of training', async () => {
    const out = path('wide-out');
    const keys = { ...wide(), out, batch_size: 200 };
    const refused = 'It would fit with token_budget: ';
    expectError(await fails(['train', recipe({ ...keys, token_budget: 100_000 })], 8 * GiB), 1, refused);
    // The machine has 16 GB for it, this process has not.
    const train = await fails(['train', recipe({ ...keys, token_budget: 3000 })], 8 * GiB);
    expectError(train, 1, 'out of memory: aten::', 'token_budget');
    expect(existsSync(join(out, 'model'))).toBe(false);
  });

  it('in the middle of sampling', async () => {
    // 0.5 MB of keys and values an answer
    const patient = writeTinyModel(path('patient'), { max_position_embeddings: 100_000 });
    const prompt = rows([{ prompt: 'x'.repeat(30_000) }]);
    const many = ['--samples', '6000', '--batch-size', '6000', '--temperature', '1', '--dtype', 'f32'];
    const scores = file('jsonl', 'kept\n');
    const generated = await fails(
      ['generate', '--model', patient, '--prompts', prompt, ...many, '--out', scores],
      8 * GiB,
    );
    expectError(generated, 1, 'out of memory: aten::');
    expect(readFileSync(scores, 'utf8')).toBe('kept\n');
  });
});
