/** @file Makes the metadata that describe a model's tokenizer in a GGUF file: the opposite of `tokenizer.ts`. */
import { z } from 'zod';
import { UserError } from '../../util/errors.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { addedTokens, readTokenizerFiles, readTokenizerJson } from '../../text/tokenizerFiles.js';
import {
  NAMED_TOKENS,
  TOKEN_TYPES,
  TOKENIZER_KEYS,
  addsTokenKey,
  tokenIdKey,
  type NamedToken,
} from './keys.js';
import { count, counts, flag, reals, text, texts, type MetadataValue } from './metadataWriter.js';
import { byteRule, stepsOf } from './preTokenizers.js';

const schema = z.looseObject({
  model: z.looseObject({
    type: z.literal('BPE', 'is not BPE').nullish(),
    // Not a record: a token may have the name of what objects have.
    vocab: z.custom<Readonly<Record<string, number>>>(isVocabulary, 'does not map tokens to ids'),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    byte_fallback: z.boolean().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
  }),
  normalizer: z.unknown().optional(),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
});
type Json = z.infer<typeof schema>;

function isVocabulary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0);
}

type Entries = [string, MetadataValue][];

/** The tokens by id, with their types. */
interface Vocabulary {
  tokens: string[];
  types: number[];
}

/**
 * Describes the tokenizer of a model directory as llama.cpp understands it: byte-level BPE (`gpt2`), or SentencePiece's BPE
 * (`llama`), whose merges become scores.
 * @param rows of the model's embedding: as many tokens the file has
 * @throws UserError for a tokenizer of another kind, or one with more tokens
 */
export function tokenizerMetadata(dir: string, rows: number): Entries {
  const { path, json } = readTokenizerJson(dir);
  const fail = (problem: string) => new UserError(`${path} cannot be written as GGUF: ${problem}`);
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fail(`field "${issue!.path.join('.')}": ${issue!.message}`);
  }
  const tokenizer = parsed.data;
  const vocabulary = listTokens(tokenizer, json, rows, fail);
  const merges = tokenizer.model.merges.map((merge) => pairOf(merge, fail));
  const kind =
    tokenizer.model.byte_fallback === true
      ? sentencePiece(tokenizer, vocabulary, merges, fail)
      : byteLevel(tokenizer, merges, fail);
  const named = namedTokens(dir, tokenizer, vocabulary, fail);
  return [
    ...kind,
    [TOKENIZER_KEYS.tokens, texts(vocabulary.tokens)],
    [TOKENIZER_KEYS.types, counts(vocabulary.types)],
    ...named,
  ];
}

type Fail = (problem: string) => UserError;

/** Lists the vocabulary by id; rows of the embedding without a token get one that no text has, as llama.cpp calls it. */
function listTokens({ model }: Json, json: unknown, rows: number, fail: Fail): Vocabulary {
  const { unused, normal, control, userDefined, byte } = TOKEN_TYPES;
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`);
  const types = tokens.map((): number => unused);
  const put = (token: string, id: number, type: number): void => {
    if (id >= rows) throw fail(`the token "${token}" has the id ${id}, but the model has ${rows} embeddings`);
    if (types[id] !== unused && tokens[id] !== token)
      throw fail(`"${tokens[id]}" and "${token}" have the same id ${id}`);
    tokens[id] = token;
    types[id] = type;
  };
  const isByte = (token: string) => model.byte_fallback === true && /^<0x[0-9A-F]{2}>$/.test(token);
  for (const [token, id] of Object.entries(model.vocab)) put(token, id, isByte(token) ? byte : normal);
  for (const { content, id, special } of addedTokens(json)) {
    // Blanks as SentencePiece writes them are found by its merges; llama.cpp would look for them in the text.
    if (!special && /^▁+$/.test(content)) put(content, id, normal);
    else put(content, id, special ? control : userDefined);
  }
  return { tokens, types };
}

function pairOf(merge: string | [string, string], fail: Fail): [string, string] {
  const parts = typeof merge === 'string' ? merge.split(' ') : merge;
  const [left, right] = parts;
  if (parts.length === 2 && left! + right! !== '' && !`${left}${right}`.includes(' ')) return [left!, right!];
  throw fail(`the merge ${JSON.stringify(merge)} is not of two tokens without blanks`);
}

function byteLevel(json: Json, merges: readonly [string, string][], fail: Fail): Entries {
  const { model, normalizer, pre_tokenizer: preTokenizer } = json;
  if (model.continuing_subword_prefix || model.end_of_word_suffix)
    throw fail('it marks the parts of words, which byte-level BPE does not');
  // llama.cpp leaves out Unicode's normal form, which texts usually have.
  if (stepsOf(normalizer).some(({ type }) => type !== 'NFC')) throw fail('it normalizes texts');
  const rule = byteRule(preTokenizer);
  if (rule === undefined) throw fail('it splits texts by a rule that has no name there');
  return [
    [TOKENIZER_KEYS.model, text('gpt2')],
    [TOKENIZER_KEYS.pre, text(rule)],
    [TOKENIZER_KEYS.merges, texts(merges.map((merge) => merge.join(' ')))],
  ];
}

/**
 * Describes SentencePiece's BPE. llama.cpp merges whatever gives the token of the best score, so that a token's score is
 * the place of its first merge, and all of its merges must be together.
 */
function sentencePiece(
  json: Json,
  { tokens }: Vocabulary,
  merges: readonly [string, string][],
  fail: Fail,
): Entries {
  const scores = new Map<string, number>();
  let last: string | undefined;
  for (const merge of merges) {
    const token = merge.join('');
    if (token !== last && scores.has(token))
      throw fail(`the merges that give "${token}" are not together, as scores of tokens would have them`);
    if (token !== last) scores.set(token, -scores.size - 1);
    last = token;
  }
  return [
    [TOKENIZER_KEYS.model, text('llama')],
    [TOKENIZER_KEYS.pre, text('default')],
    [TOKENIZER_KEYS.scores, reals(tokens.map((token) => scores.get(token) ?? 0))],
    [TOKENIZER_KEYS.spacePrefix, flag(prefixesBlank(json, fail))],
  ];
}

/** Tells whether the tokenizer puts a blank before a text, and checks that it does nothing else to it. */
function prefixesBlank({ normalizer, pre_tokenizer: preTokenizer }: Json, fail: Fail): boolean {
  let prefixes = false;
  for (const step of [...stepsOf(normalizer), ...stepsOf(preTokenizer)]) {
    const { type, pattern, content } = step;
    const of =
      typeof pattern === 'object' && pattern !== null ? (pattern as { String?: unknown }).String : '';
    if (type === 'Metaspace') prefixes = (step.prepend_scheme ?? 'always') !== 'never';
    else if (type === 'Prepend' && step.prepend === '▁') prefixes = true;
    else if (!(type === 'Replace' && of === ' ' && content === '▁') && !(type === 'Split' && of === ' '))
      throw fail(`it does more to texts than SentencePiece (${String(type)})`);
  }
  return prefixes;
}

/** Names the tokens that begin, end and fill texts. */
function namedTokens(dir: string, json: Json, { tokens, types }: Vocabulary, fail: Fail): Entries {
  const tokenizer = ChatTokenizer.load(dir);
  const files = readTokenizerFiles(dir);
  const ids = new Map<NamedToken, number>();
  for (const [name, key] of Object.entries(NAMED_TOKENS)) {
    const token = files.tokens[name as keyof typeof NAMED_TOKENS];
    const id = token === undefined ? undefined : tokenizer.tokenId(token);
    if (id !== undefined) ids.set(key, id);
  }
  // All of these end a text there; what else the model stops at, llama.cpp knows by its name.
  const ends = new Set([...(ids.has('eos') ? [ids.get('eos')!] : []), ...tokenizer.stopTokenIds]);
  const names = ['eos', 'eot', 'eom'] as const;
  [...ends].slice(0, names.length).forEach((id, i) => ids.set(names[i]!, id));
  for (const [name, id] of ids)
    if (id >= tokens.length)
      throw fail(`the ${name} token has the id ${id}, but the model has ${tokens.length} embeddings`);
  const unknown = ids.get('unknown');
  if (json.model.byte_fallback === true && unknown !== undefined) types[unknown] = TOKEN_TYPES.unknown;
  const { before, after } = addedAround(json.post_processor, fail);
  const adds = (which: 'bos' | 'eos', added: readonly string[]): Entries[number] => {
    const own = added.length === 1 && tokenizer.tokenId(added[0]!) === ids.get(which);
    if (added.length > 0 && !own)
      throw fail(`it puts ${added.join(' ')} around texts, which is not its ${which} token`);
    return [addsTokenKey(which), flag(own)];
  };
  return [
    ...Array.from(ids, ([name, id]): Entries[number] => [tokenIdKey(name), count(id)]),
    adds('bos', before),
    adds('eos', after),
    ...(files.templates.default
      ? [[TOKENIZER_KEYS.template, text(files.templates.default.source)] as Entries[number]]
      : []),
  ];
}

/** Lists the tokens that a post-processor puts before and after a text. */
function addedAround(processor: unknown, fail: Fail): { before: string[]; after: string[] } {
  const around: Record<'before' | 'after', string[]> = { before: [], after: [] };
  for (const { type, single } of stepsOf(processor)) {
    if (type === 'ByteLevel') continue;
    if (type !== 'TemplateProcessing' || !Array.isArray(single))
      throw fail(`its post_processor is ${String(type)}, which has no name there`);
    let side: keyof typeof around = 'before';
    for (const piece of single as { SpecialToken?: { id?: unknown } }[]) {
      if (piece.SpecialToken === undefined) side = 'after';
      else around[side].push(String(piece.SpecialToken.id));
    }
  }
  return around;
}
