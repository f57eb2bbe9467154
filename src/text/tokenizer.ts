/** @file Opens a model's tokenizer and chat template. Makes no rows: that is `tokenRows.ts`. */

import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { z } from 'zod';
import { messageOf, UserError } from '../util/errors.js';
import { tokenDecoder, type TokenDecoder } from './decode.js';
import { contentText } from './messages.js';
import { encodeElsewhere, encodeHere, type Encode } from './encoder.js';
import { framingTokens } from './specialTokens.js';
import { growsTexts, isBounded } from './splits.js';
import {
  addedTokens,
  readFields,
  readTokenizerJson,
  readTokenizerFiles,
  type AddedToken,
} from './tokenizerFiles.js';
import { ChatTemplate, requireTexts, type RenderOptions, type RowMessage } from './template.js';

const positions = z.looseObject({ max_position_embeddings: z.number().nullish().catch(undefined) });
const sizeSchema = positions.extend({ text_config: positions.nullish().catch(undefined) });

/** The most characters that any text has, with room for more than a token's usual four where a model takes many tokens. */
const USUAL_CHARACTERS = 1_000_000;
const TOKEN_CHARACTERS = 8;
/** With runs of more characters of a kind, the usual regular expressions reach the library's limit. */
const MOST_CHARACTERS = 8_000_000;

/** Contents that no template treats alike by accident; the text that follows both ends a turn. */
const PROBES = ['alpha', 'omega'] as const;

/** The text that the template writes after a response, whatever the response is. */
export interface TurnEnd {
  text: string;
  /** The part of `text` up to and including the token that ends the turn; all of it if there is no such token. */
  trained: string;
  tokenId: number | undefined;
}

/** A text with more characters than any that a model takes. */
export class TextTooLong extends UserError {
  constructor(readonly characters: number) {
    super(`a text of ${characters} characters is longer than any that the model takes; shorten or remove it`);
  }
}

/** A model's tokenizer and chat template. */
export class ChatTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #encode: Encode;
  readonly #decode: TokenDecoder;
  readonly #template: ChatTemplate | undefined;
  /** The template for conversations with tools, where there is one of its own. */
  readonly #toolTemplate: ChatTemplate | undefined;
  readonly #added: readonly AddedToken[];
  readonly #specialIds: ReadonlySet<number>;
  /** The token that begins a text, if the files name one. */
  readonly bosTokenId: number | undefined;
  /** The token that ends a text; a model without a template is taught to stop with it. */
  readonly eosTokenId: number | undefined;
  /** The end-of-text tokens that the files name, at which other tools stop. */
  readonly namedStopTokenIds: readonly number[];
  /** Tokens at which generation stops: the end-of-text tokens that the files name and the one that ends a turn. */
  readonly stopTokenIds: number[];
  /** Characters beyond which a text is too long, whatever it says: it is not given to the tokenizer. */
  readonly maxCharacters: number;
  readonly #endIds: ReadonlySet<number>;
  #turnEnd: TurnEnd | undefined;
  #framing: ReadonlyMap<number, string> | undefined;
  /** bos, eos, pad and unk, as the files name them. */
  readonly #named: readonly string[];

  private constructor(
    readonly dir: string,
    /** The day on which conversations are written, as YYYY-MM-DD; otherwise it is the time at which they are. */
    readonly date: string | undefined,
  ) {
    const { path, json } = readTokenizerJson(dir);
    try {
      this.#tokenizer = Tokenizer.fromFile(path);
      // The file may hold its last user's settings, which would silently truncate and pad every text.
      this.#tokenizer.disableTruncation();
      this.#tokenizer.disablePadding();
    } catch (error) {
      throw new UserError(`${path} cannot be read as a tokenizer: ${messageOf(error)}`);
    }
    if (growsTexts(json))
      throw new UserError(`${path}: its normalizer would make texts many times as long, so it is not used`);
    this.#encode = isBounded(json) ? encodeHere(this.#tokenizer) : encodeElsewhere(path);
    const decode = tokenDecoder((json as { decoder?: unknown }).decoder);
    if (!decode) throw new UserError(`${path}: its kind of decoder is not supported`);
    this.#decode = decode;
    this.#added = addedTokens(json);
    this.#specialIds = new Set(this.#added.filter(({ special }) => special).map(({ id }) => id));

    const { tokens, stops: named, templates } = readTokenizerFiles(dir);
    this.#named = Object.values(tokens);
    if (tokens.eos_token !== undefined) {
      this.eosTokenId = this.tokenId(tokens.eos_token);
      if (this.eosTokenId === undefined) {
        throw new UserError(
          `${join(dir, 'tokenizer_config.json')}: the eos_token "${tokens.eos_token}" is not a token of ${path}`,
        );
      }
    }
    if (tokens.bos_token !== undefined) this.bosTokenId = this.tokenId(tokens.bos_token);
    const midnight = date === undefined ? undefined : new Date(`${date}T00:00`);
    const [template, toolTemplate] = [templates.default, templates.tool_use].map(
      (found) => found && new ChatTemplate(found.source, found.where, tokens, midnight),
    );
    this.#template = template;
    this.#toolTemplate = toolTemplate;
    const { max_position_embeddings: own, text_config: inner } = readFields(
      sizeSchema,
      join(dir, 'config.json'),
    );
    const positions = own ?? inner?.max_position_embeddings ?? 0;
    this.maxCharacters = Math.min(MOST_CHARACTERS, Math.max(USUAL_CHARACTERS, positions * TOKEN_CHARACTERS));
    const stops = [...named];
    if (this.eosTokenId !== undefined) stops.push(this.eosTokenId);
    this.namedStopTokenIds = [...new Set(stops)];
    this.#endIds = new Set([...this.#specialIds, ...stops]);
    // A model with an unusual template can still continue plain texts.
    const turnEnd = this.#template && attempt(() => this.turnEnd);
    if (turnEnd?.tokenId !== undefined) stops.push(turnEnd.tokenId);
    this.stopTokenIds = [...new Set(stops)];
  }

  /**
   * Opens a model directory's tokenizer.
   * @param date the day, as YYYY-MM-DD, at whose midnight a template that asks for the time writes; default: the time
   * @throws UserError naming the file that is missing or cannot be read
   */
  static load(dir: string, date?: string): ChatTokenizer {
    return new ChatTokenizer(dir, date);
  }

  /** Whether what the template writes may depend on the time. */
  get asksForTime(): boolean {
    return [this.#template, this.#toolTemplate].some((template) => template?.asksForTime === true);
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

  /** The tokens that end or frame a turn and are no part of a response's text, by id. See `framingTokens`. */
  get framingTokens(): ReadonlyMap<number, string> {
    return (this.#framing ??= this.#findFraming());
  }

  /** Tells whether the tokenizer by default puts its bos_token before a text, which `encode` never lets it do. */
  async addsBos(): Promise<boolean> {
    const [ids] = await this.#encode(['a'], { addSpecialTokens: true });
    return this.bosTokenId !== undefined && ids![0] === this.bosTokenId;
  }

  /**
   * The end of a turn as the template writes it.
   * @throws UserError if there is no template, or it refuses a plain question and response
   */
  get turnEnd(): TurnEnd {
    return (this.#turnEnd ??= this.#findTurnEnd());
  }

  /**
   * Makes token ids. Nothing is added, and special tokens written in the text are recognised.
   * @throws TextTooLong for a text that no model takes; UserError for one that the tokenizer does not come to an end with
   */
  async encode(text: string): Promise<Int32Array> {
    return (await this.encodeAll([text]))[0]!;
  }

  /** Does `encode` for many texts, on all cores. */
  async encodeAll(texts: readonly string[]): Promise<Int32Array[]> {
    const tooLong = texts.find(({ length }) => length > this.maxCharacters);
    if (tooLong !== undefined) throw new TextTooLong(tooLong.length);
    return texts.length === 0 ? [] : this.#encode(texts);
  }

  /** Counts each text's tokens, on all cores; Infinity for a text that no model takes. */
  async countAll(texts: readonly string[]): Promise<number[]> {
    const fitting = texts.filter(({ length }) => length <= this.maxCharacters);
    const ids = await this.encodeAll(fitting);
    let next = 0;
    return texts.map(({ length }) => (length <= this.maxCharacters ? ids[next++]!.length : Infinity));
  }

  /** Makes text of tokens. @param contentOnly leaves out the tokens that end or frame a turn */
  decode(ids: ArrayLike<number>, { contentOnly = false }: { contentOnly?: boolean } = {}): string {
    const tokens: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (contentOnly && this.framingTokens.has(id)) continue;
      const token = this.#tokenizer.idToToken(id);
      if (token !== null) tokens.push(token);
    }
    return this.#decode(tokens);
  }

  /**
   * Writes the conversation by the model's template. A template that does not take a content in parts, or writes only
   * some of them, gets it as one text.
   * @throws UserError with the template's own words if it refuses the messages, and for parts that are no texts
   */
  renderChat(messages: readonly RowMessage[], options: RenderOptions = {}): string {
    if (!this.#template) {
      throw new UserError(
        `${this.dir} has no chat template; give rows of plain text, or a model with a template`,
      );
    }
    // Made one text, a content would lose them.
    messages.forEach(requireTexts);
    const template = (options.tools ? this.#toolTemplate : undefined) ?? this.#template;
    const joined = messages.map(withJoinedParts);
    const whole = () => template.render(joined, options);
    if (joined.every((message, i) => message === messages[i])) return whole();
    const inParts = attempt(() => template.render(messages, options));
    const inOne = attempt(whole);
    if (inParts !== undefined && (inOne === undefined || letters(inParts) === letters(inOne))) return inParts;
    return inOne ?? whole();
  }

  #findFraming(): ReadonlyMap<number, string> {
    const texts = new Map(Array.from(this.#added, ({ id, content }) => [id, content]));
    const special = new Map([...texts].filter(([id]) => this.#specialIds.has(id)));
    const named = this.#named.flatMap((token) => this.tokenId(token) ?? []);
    const found = framingTokens(
      special,
      new Set([...named, ...this.stopTokenIds]),
      this.#plainConversation(),
    );
    // An added token to stop at frames a turn even where it is not marked as special.
    const stops = this.stopTokenIds.filter((id) => texts.has(id));
    return new Map([...found, ...stops].map((id) => [id, texts.get(id)!]));
  }

  /** What the template writes of a conversation without thoughts and tools; of one without a system message, if it must. */
  #plainConversation(): string {
    if (!this.#template) return '';
    const turns = ['user', 'assistant', 'user'].map((role) => ({ role, content: 'x' }));
    for (const messages of [[{ role: 'system', content: 'x' }, ...turns], turns, turns.slice(0, 1)]) {
      const written = attempt(() => this.renderChat(messages, { addGenerationPrompt: true }));
      if (written !== undefined) return written;
    }
    return '';
  }

  /** Renders two responses and takes the text after both, up to the first special token in it. */
  #findTurnEnd(): TurnEnd {
    const [text, other] = PROBES.map((content) => {
      const question = { role: 'user', content: 'x' };
      const whole = this.renderChat([question, { role: 'assistant', content }]);
      const start = whole.lastIndexOf(content);
      if (start < 0) throw new UserError(`${this.dir}: the chat template leaves responses out`);
      return whole.slice(start + content.length);
    });
    if (text !== other)
      throw new UserError(`${this.dir}: the chat template's end of a turn depends on its content`);
    let first = { at: Infinity, token: '', id: -1 };
    for (const id of this.#endIds) {
      const token = this.#tokenizer.idToToken(id);
      const at = token ? text!.indexOf(token) : -1;
      // Of several tokens that begin alike, the tokenizer finds the longest.
      if (at >= 0 && (at < first.at || (at === first.at && token!.length > first.token.length)))
        first = { at, token: token!, id };
    }
    if (first.id < 0) return { text: text!, trained: text!, tokenId: undefined };
    return { text: text!, trained: text!.slice(0, first.at) + first.token, tokenId: first.id };
  }
}

/** What `render` returns; undefined where the template refuses. */
function attempt<T>(render: () => T): T | undefined {
  try {
    return render();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The message itself, unless its content is in parts. */
function withJoinedParts(message: RowMessage): RowMessage {
  return Array.isArray(message.content) ? { ...message, content: contentText(message) } : message;
}

/** A text without its white space, which templates trim around parts. */
const letters = (text: string): string => text.replace(/\s+/gu, '');
