import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { z } from 'zod';
import { messageOf, UserError } from '../util/errors.js';
import { tokenDecoder, type TokenDecoder } from './decode.js';
import { ChatTemplate, type ChatMessage } from './template.js';

const tokenField = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform(({ content }) => content),
]);
const ids = z.union([z.number(), z.array(z.number())]).nullish();

const configSchema = z.looseObject({
  bos_token: tokenField.nullish(),
  eos_token: tokenField.nullish(),
  pad_token: tokenField.nullish(),
  unk_token: tokenField.nullish(),
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
});
const stopSchema = z.looseObject({ eos_token_id: ids });

/** Contents that no template treats alike by accident; what follows both is what ends a turn. */
const PROBES = ['alpha', 'omega'] as const;

/** A model's tokenizer and chat template. */
export class ChatTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #decode: TokenDecoder;
  readonly #template: ChatTemplate | undefined;
  readonly #specialIds: ReadonlySet<number>;
  /** The token that ends a text; what a model without a template is taught to stop with. */
  readonly eosTokenId: number | undefined;
  /** The template's text between an answer and the next turn, and the token in it that ends the turn. */
  readonly turnEnd: { text: string; tokenId: number | undefined };
  /** Tokens at which generation stops. */
  readonly stopTokenIds: number[];

  private constructor(readonly dir: string) {
    const path = join(dir, 'tokenizer.json');
    if (!existsSync(path)) throw new UserError(`${path} is missing; a model directory holds its tokenizer`);
    const json = readJson(path);
    try {
      this.#tokenizer = Tokenizer.fromFile(path);
    } catch (error) {
      throw new UserError(`${path} is not a tokenizer that can be read: ${messageOf(error)}`);
    }
    const decode = tokenDecoder((json as { decoder?: unknown }).decoder);
    if (!decode) throw new UserError(`${path}: its kind of decoder is not supported`);
    this.#decode = decode;
    this.#specialIds = specialTokens(json);

    const configPath = join(dir, 'tokenizer_config.json');
    const config = parse(configSchema, existsSync(configPath) ? readJson(configPath) : {}, configPath);
    const { bos_token, eos_token, pad_token, unk_token } = config;
    this.eosTokenId = eos_token == null ? undefined : (this.tokenId(eos_token) ?? undefined);
    this.#template = readTemplate(dir, config.chat_template, {
      ...(bos_token != null && { bos_token }),
      ...(eos_token != null && { eos_token }),
      ...(pad_token != null && { pad_token }),
      ...(unk_token != null && { unk_token }),
    });
    this.turnEnd = this.#template ? this.#findTurnEnd() : { text: '', tokenId: undefined };
    const stops = ['generation_config.json', 'config.json'].flatMap((file) => {
      const found = join(dir, file);
      if (!existsSync(found)) return [];
      return parse(stopSchema, readJson(found), found).eos_token_id ?? [];
    });
    const all = [...stops, this.eosTokenId, this.turnEnd.tokenId].filter((id) => id !== undefined);
    this.stopTokenIds = [...new Set(all)];
  }

  /** @throws UserError naming the file that is missing or cannot be read */
  static load(dir: string): ChatTokenizer {
    return new ChatTokenizer(dir);
  }

  get hasTemplate(): boolean {
    return this.#template !== undefined;
  }

  tokenId(token: string): number | undefined {
    return this.#tokenizer.tokenToId(token) ?? undefined;
  }

  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /** Token ids; nothing is added, and special tokens written in the text are recognised. */
  async encode(text: string): Promise<Int32Array> {
    return Int32Array.from((await this.#tokenizer.encode(text, null, { addSpecialTokens: false })).getIds());
  }

  /** `encode` of many texts, on all cores. */
  async encodeAll(texts: readonly string[]): Promise<Int32Array[]> {
    if (texts.length === 0) return [];
    const encodings = await this.#tokenizer.encodeBatch([...texts], { addSpecialTokens: false });
    return encodings.map((encoding) => Int32Array.from(encoding.getIds()));
  }

  decode(
    ids: ArrayLike<number>,
    { skipSpecialTokens = false }: { skipSpecialTokens?: boolean } = {},
  ): string {
    const tokens: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (skipSpecialTokens && this.#specialIds.has(id)) continue;
      const token = this.#tokenizer.idToToken(id);
      if (token !== null) tokens.push(token);
    }
    return this.#decode(tokens);
  }

  /** The conversation as the model's template writes it. */
  renderChat(messages: readonly ChatMessage[], { addGenerationPrompt = false } = {}): string {
    if (!this.#template) {
      throw new UserError(
        `${this.dir} has no chat template; give rows of plain text, or a model with a template`,
      );
    }
    return this.#template.render(messages, addGenerationPrompt);
  }

  /** What the template writes behind an answer whatever the answer is, and the first special token in it. */
  #findTurnEnd(): { text: string; tokenId: number | undefined } {
    const [first, second] = PROBES.map((content) => {
      const messages = [
        { role: 'user', content: 'x' },
        { role: 'assistant', content },
      ];
      const text = this.renderChat(messages);
      return text.slice(text.lastIndexOf(content) + content.length);
    });
    if (first !== second)
      throw new UserError(`${this.dir}: the chat template ends a turn differently by its content`);
    const text = first!;
    for (const id of [...this.#specialIds].sort((a, b) => this.#token(b).length - this.#token(a).length)) {
      if (text.trimStart().startsWith(this.#token(id))) return { text, tokenId: id };
    }
    return { text, tokenId: undefined };
  }

  #token(id: number): string {
    return this.#tokenizer.idToToken(id) ?? '\0';
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw new UserError(`${path} is not JSON: ${messageOf(error)}`);
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new UserError(`${path}: field "${issue.path.join('.')}": ${issue.message}`);
}

const addedTokens = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), special: z.boolean() })).default([]),
});

function specialTokens(tokenizer: unknown): ReadonlySet<number> {
  const parsed = addedTokens.safeParse(tokenizer);
  return new Set(parsed.success ? parsed.data.added_tokens.filter((t) => t.special).map((t) => t.id) : []);
}

/** chat_template.jinja, else the template in tokenizer_config.json (the default one of several). */
function readTemplate(
  dir: string,
  inline: string | { name: string; template: string }[] | null | undefined,
  specialTokens: Record<string, string>,
): ChatTemplate | undefined {
  const path = join(dir, 'chat_template.jinja');
  if (existsSync(path)) return new ChatTemplate(readFileSync(path, 'utf8'), path, specialTokens);
  const source = Array.isArray(inline) ? inline.find(({ name }) => name === 'default')?.template : inline;
  return source == null
    ? undefined
    : new ChatTemplate(source, join(dir, 'tokenizer_config.json'), specialTokens);
}
