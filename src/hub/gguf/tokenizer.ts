/** @file Rebuilds tokenizer.json and tokenizer_config.json from the metadata of a GGUF file. */
import { UserError } from '../../util/errors.js';
import {
  ARCHITECTURE,
  MODEL_KEYS,
  NAMED_TOKENS,
  TOKEN_TYPES,
  TOKENIZER_KEYS,
  addsTokenKey,
  tokenIdKey,
} from './keys.js';
import type { GgufMetadata } from './metadata.js';
import { bytePreTokenizer } from './preTokenizers.js';
import { byteSpelling, impliedMerges, respellSpaces } from './vocabulary.js';

export interface TokenizerFiles {
  /** Contents of tokenizer.json and tokenizer_config.json. */
  tokenizer: Record<string, unknown>;
  config: Record<string, unknown>;
  chatTemplate: string | undefined;
}

type Merge = readonly [string, string];

/** What differs between kinds of vocabulary. */
interface Kind {
  tokens: string[];
  merges: readonly Merge[];
  model: Record<string, unknown>;
  normalizer: Record<string, unknown> | null;
  preTokenizer: Record<string, unknown>;
  decoder: Record<string, unknown>;
  /** Tokens that are special by convention, if the vocabulary has them. */
  conventional: readonly string[];
}

/**
 * Rebuilds the Hugging Face tokenizer that a GGUF file describes: byte-level BPE (`gpt2`), or SentencePiece (`llama`)
 * in the BPE form that transformers gives it. Token ids equal those of `AutoTokenizer` on the same file.
 * @throws UserError for a vocabulary of another kind or one that contradicts itself
 */
export function makeTokenizer(metadata: GgufMetadata): TokenizerFiles {
  const original = metadata.strings(TOKENIZER_KEYS.tokens);
  const types = metadata.has(TOKENIZER_KEYS.types) ? metadata.numbers(TOKENIZER_KEYS.types) : [];
  const kind = readKind(metadata, original, types);
  const ids = new Map(kind.tokens.map((token, id) => [token, id]));
  const orphan = kind.merges.find(
    ([left, right]) => !ids.has(left) || !ids.has(right) || !ids.has(left + right),
  );
  if (orphan !== undefined) {
    throw new UserError(
      `${metadata.file}: the merge "${orphan.join(' ')}" names tokens outside its vocabulary; fetch the file again`,
    );
  }

  const named = specialTokens(metadata, kind.tokens);
  const special = new Set([...Object.values(named), ...kind.conventional.filter((token) => ids.has(token))]);
  original.forEach((token, id) => {
    if (types[id] === TOKEN_TYPES.control && ids.has(token)) special.add(token);
  });
  const added = new Set(special);
  original.forEach((token, id) => {
    if (types[id] === TOKEN_TYPES.userDefined && ids.has(token)) added.add(token);
  });
  const addsBos = named.bos_token !== undefined && addsToken(metadata, 'bos');
  const addsEos = named.eos_token !== undefined && addsToken(metadata, 'eos');

  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(added, special, ids),
      normalizer: kind.normalizer,
      pre_tokenizer: kind.preTokenizer,
      post_processor: postProcessor(
        ids,
        addsBos ? named.bos_token : undefined,
        addsEos ? named.eos_token : undefined,
      ),
      decoder: kind.decoder,
      model: {
        type: 'BPE',
        dropout: null,
        ...kind.model,
        vocab: Object.fromEntries(ids),
        merges: kind.merges,
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...named,
      add_bos_token: addsBos,
      add_eos_token: addsEos,
      clean_up_tokenization_spaces: false,
      model_max_length: metadata.count(metadata.own(MODEL_KEYS.context), 1 << 30),
    },
    chatTemplate: metadata.string(TOKENIZER_KEYS.template, undefined),
  };
}

function addedTokens(
  added: ReadonlySet<string>,
  special: ReadonlySet<string>,
  ids: ReadonlyMap<string, number>,
): unknown[] {
  return [...added]
    .map((content) => ({
      id: ids.get(content)!,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: special.has(content),
    }))
    .sort((a, b) => a.id - b.id);
}

function readKind(metadata: GgufMetadata, tokens: string[], types: readonly number[]): Kind {
  const model = metadata.string(TOKENIZER_KEYS.model);
  if (model === 'gpt2') return byteLevel(metadata, tokens, types);
  if (model !== 'llama') {
    throw new UserError(
      `${metadata.file}: the tokenizer is of the kind "${model}"; gpt2 (byte-level BPE) and llama (SentencePiece) can be read`,
    );
  }
  return metadata.string(ARCHITECTURE) === 'gemma3' ? gemma(tokens) : sentencePiece(metadata, tokens);
}

function byteLevel(metadata: GgufMetadata, original: readonly string[], types: readonly number[]): Kind {
  return {
    // Some files spell an ordinary token as text instead of in the byte alphabet.
    tokens: original.map((token, id) =>
      types[id] === TOKEN_TYPES.control || types[id] === TOKEN_TYPES.userDefined
        ? token
        : byteSpelling(token),
    ),
    merges: readMerges(metadata),
    model: {
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
    },
    normalizer: null,
    preTokenizer: bytePreTokenizer(metadata.string(TOKENIZER_KEYS.pre, 'default'), metadata.file),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    conventional: ['<|endoftext|>'],
  };
}

const SENTENCE_PIECE_MODEL = {
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: true,
  byte_fallback: true,
  ignore_merges: false,
};
const SENTENCE_PIECE_DECODERS = [
  { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  { type: 'ByteFallback' },
  { type: 'Fuse' },
];

function sentencePiece(metadata: GgufMetadata, tokens: string[]): Kind {
  const prefix = metadata.flag(TOKENIZER_KEYS.spacePrefix, true);
  return {
    tokens,
    merges: metadata.has(TOKENIZER_KEYS.merges)
      ? readMerges(metadata)
      : impliedMerges(tokens, metadata.numbers(TOKENIZER_KEYS.scores)),
    model: { unk_token: null, ...SENTENCE_PIECE_MODEL },
    normalizer: null,
    preTokenizer: {
      type: 'Metaspace',
      replacement: '▁',
      prepend_scheme: prefix ? 'first' : 'never',
      split: false,
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        ...SENTENCE_PIECE_DECODERS,
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    conventional: ['<unk>', '<s>', '</s>'],
  };
}

/** Describes Gemma's tokenizer. Its file has no merges, and their order is that of the tokens and not of the scores. */
function gemma(original: readonly string[]): Kind {
  const tokens = original.map(respellSpaces);
  return {
    tokens,
    merges: impliedMerges(
      tokens,
      tokens.map((_, index) => -index),
    ),
    model: { unk_token: '<unk>', ...SENTENCE_PIECE_MODEL },
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    preTokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
    decoder: { type: 'Sequence', decoders: SENTENCE_PIECE_DECODERS },
    conventional: ['<unk>', '<bos>', '<eos>', '<pad>', '<mask>'],
  };
}

function readMerges(metadata: GgufMetadata): Merge[] {
  return metadata.strings(TOKENIZER_KEYS.merges).map((merge) => {
    const [left, right, more] = merge.split(' ');
    if (left !== undefined && right !== undefined && more === undefined) return [left, right];
    throw new UserError(
      `${metadata.file}: the merge "${merge}" is not a pair of tokens; fetch the file again`,
    );
  });
}

function specialTokens(metadata: GgufMetadata, tokens: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, key] of Object.entries(NAMED_TOKENS)) {
    const id = metadata.tokenId(tokenIdKey(key), tokens.length);
    if (id !== undefined) found[name] = tokens[id]!;
  }
  return found;
}

/** Tells whether texts get the token. llama.cpp begins SentencePiece texts with BOS unless the file says otherwise. */
function addsToken(metadata: GgufMetadata, which: 'bos' | 'eos'): boolean {
  const fallback = which === 'bos' && metadata.string(TOKENIZER_KEYS.model) === 'llama';
  return metadata.flag(addsTokenKey(which), fallback);
}

function postProcessor(
  ids: ReadonlyMap<string, number>,
  bos: string | undefined,
  eos: string | undefined,
): Record<string, unknown> {
  const part = (sequence: 'A' | 'B', type_id: 0 | 1): unknown[] => [
    ...(bos === undefined ? [] : [{ SpecialToken: { id: bos, type_id } }]),
    { Sequence: { id: sequence, type_id } },
    ...(eos === undefined ? [] : [{ SpecialToken: { id: eos, type_id } }]),
  ];
  const used = [bos, eos].filter((token) => token !== undefined);
  return {
    type: 'TemplateProcessing',
    single: part('A', 0),
    pair: [...part('A', 0), ...part('B', 1)],
    special_tokens: Object.fromEntries(
      used.map((token) => [token, { id: token, ids: [ids.get(token)!], tokens: [token] }]),
    ),
  };
}
