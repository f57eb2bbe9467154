/** @file Describes the model that the data is for, and probes what its tokenizer and template do to every row. */

import type { Objective } from '../objectives/objective.js';
import type { Layout } from '../text/tokenRows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';

/** The model that the data is for, and how training would make rows of the data. */
export interface Student {
  /** The model's directory. */
  model: string;
  tokenizer: ChatTokenizer;
  /** The most tokens that the model takes. */
  maxPositions: number;
  /** How many tokens have embeddings. */
  vocabSize: number;
  layout: Layout;
  /** A system message for rows that have none. */
  system?: string;
  /** What the objective learns from; of pairs, `messages` takes the chosen sides alone. Default: `pairs`. */
  data?: Objective['data'];
}

/** Properties of a tokenizer and its chat template that show in every row. */
export interface TokenizerTraits {
  /** The tokenizer by default begins texts with BOS. */
  addsBos: boolean;
  /** Matches tokens that end or frame a turn, written in a text; undefined if there are none. */
  framingTokens: RegExp | undefined;
  /** The text that the template writes before a response; '' if it writes none, undefined without a template. */
  generationPrompt: string | undefined;
  /** Text that the template adds before the first message, e.g. a system message. */
  injected: string | undefined;
}

const QUESTION = { role: 'user', content: 'alpha' };
const RESPONSE = { role: 'assistant', content: 'omega' };

/** Renders made-up conversations to see what the tokenizer and the template do to them. */
export async function probeTokenizer({ tokenizer, system }: Student): Promise<TokenizerTraits> {
  return {
    addsBos: await tokenizer.addsBos(),
    framingTokens: anyOf([...tokenizer.framingTokens.values()]),
    generationPrompt: probe(() => generationPrompt(tokenizer)),
    injected: system === undefined ? probe(() => injectedText(tokenizer)) : undefined,
  };
}

function generationPrompt(tokenizer: ChatTokenizer): string {
  const bare = tokenizer.renderChat([QUESTION]);
  return tokenizer.renderChat([QUESTION], { addGenerationPrompt: true }).slice(bare.length);
}

/** Returns the text that stands before the first question but, BOS apart, not before the second. */
function injectedText(tokenizer: ChatTokenizer): string | undefined {
  const later = { role: 'user', content: 'gamma' };
  const text = tokenizer.renderChat([QUESTION, RESPONSE, later]);
  const [lead, between] = [
    text.slice(0, text.indexOf(QUESTION.content)),
    text.slice(text.indexOf(RESPONSE.content) + RESPONSE.content.length, text.lastIndexOf(later.content)),
  ];
  let same = 0;
  while (same < lead.length && lead.at(-1 - same) === between.at(-1 - same)) same++;
  const own = lead.slice(0, lead.length - same);
  const bos = tokenizer.bosTokenId === undefined ? '' : tokenizer.decode([tokenizer.bosTokenId]);
  const words = bos !== '' && own.startsWith(bos) ? own.slice(bos.length) : own;
  return words.trim() === '' ? undefined : own;
}

/** Returns undefined without a template, or with one that refuses a plain conversation. */
function probe<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function anyOf(tokens: readonly string[]): RegExp | undefined {
  const written = tokens.filter((token) => token.trim() !== '');
  if (written.length === 0) return undefined;
  // Of several tokens that begin alike, the tokenizer finds the longest.
  const longestFirst = written.sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(escaped.join('|'), 'u');
}
