import { parseConfig } from '../../src/models/config.js';
import { parameterSpecs } from '../../src/models/parameters.js';
import { Transformer } from '../../src/models/transformer.js';
import { fromArray } from '../../src/torch/data.js';
import * as ops from '../../src/torch/ops.js';
import type { Tensor } from '../../src/torch/tensor.js';

/**
 * A model whose next-token logits are a table's row for the last token: embeddings are unit vectors, the layers add
 * nothing, and the head undoes the final norm.
 */
export function bigramModel(logits: readonly (readonly number[])[]): Transformer {
  const vocab = logits.length;
  const config = parseConfig(
    {
      model_type: 'llama',
      vocab_size: vocab,
      hidden_size: vocab,
      intermediate_size: 4,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 4,
      rms_norm_eps: 1e-12,
      max_position_embeddings: 4096,
    },
    'bigrams',
  );
  const parameters = new Map<string, Tensor>();
  for (const [name, { shape }] of parameterSpecs(config)) parameters.set(name, ops.zeros(shape));
  const set = (name: string, values: number[]) =>
    ops.copy_(parameters.get(name)!, fromArray(Float32Array.from(values), parameters.get(name)!.shape));
  const table = (value: (row: number, column: number) => number) =>
    Array.from({ length: vocab * vocab }, (_, i) => value(Math.floor(i / vocab), i % vocab));
  set(
    'embedding',
    table((row, column) => (row === column ? 1 : 0)),
  );
  set('finalNorm', Array<number>(vocab).fill(vocab ** -0.5));
  set(
    'head',
    table((next, last) => logits[last]![next]!),
  );
  return new Transformer(config, parameters);
}

/** Texts as tokens: what a tokenizer needs to offer to `Generator`. The longest piece wins. */
export function pieceTokenizer(pieces: readonly string[], stop: readonly string[] = []) {
  const special = new Set(stop);
  return {
    stopTokenIds: stop.map((piece) => pieces.indexOf(piece)),
    encode(text: string): Promise<Int32Array> {
      const ids: number[] = [];
      for (let at = 0; at < text.length;) {
        const fitting = pieces.filter((piece) => text.startsWith(piece, at));
        const longest = fitting.reduce((a, b) => (b.length > a.length ? b : a));
        ids.push(pieces.indexOf(longest));
        at += longest.length;
      }
      return Promise.resolve(Int32Array.from(ids));
    },
    decode(ids: ArrayLike<number>, { contentOnly = false } = {}): string {
      const texts = Array.from(ids, (id) => pieces[id]!);
      return texts.filter((text) => !(contentOnly && special.has(text))).join('');
    },
  };
}

/** A bigram model that says one piece after another as `chain` has them, and a tokenizer for it. */
export function chainModel(pieces: readonly string[], chain: readonly string[]) {
  const logits = pieces.map((piece) => {
    const next = chain[chain.indexOf(piece) + 1];
    return pieces.map((other) => (other === next ? 10 : 0));
  });
  return bigramModel(logits);
}
