import type { Layout } from '../text/rows.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';

/** The model that the data is for, and how training would make rows of it. */
export interface Student {
  /** The model's directory. */
  model: string;
  tokenizer: ChatTokenizer;
  /** Tokens that the model can take. */
  maxPositions: number;
  /** Its embeddings. */
  vocabSize: number;
  layout: Layout;
  /** A system message for rows that have none. */
  system?: string;
  /** Fine-tuning, which learns the chosen sides of pairs. */
  sft?: boolean;
}

/** What a tokenizer and a chat template do with every row. */
export interface Habits {
  /** The tokenizer, left to itself, begins texts with BOS. */
  addsBos: boolean;
  /** Finds special tokens written in a text; undefined where there are none. */
  specialTokens: RegExp | undefined;
  /** What the template writes for the answer to follow; '' where it takes no notice, undefined without a template. */
  generationPrompt: string | undefined;
  /** What the template writes before the first message of its own accord, e.g. a system message. */
  injected: string | undefined;
}

const QUESTION = { role: 'user', content: 'alpha' };
const ANSWER = { role: 'assistant', content: 'omega' };

export async function habitsOf({ tokenizer, system }: Student): Promise<Habits> {
  return {
    addsBos: await tokenizer.addsBos(),
    specialTokens: anyOf(tokenizer.specialTokens),
    generationPrompt: probe(() => generationPrompt(tokenizer)),
    injected: system === undefined ? probe(() => injectedText(tokenizer)) : undefined,
  };
}

function generationPrompt(tokenizer: ChatTokenizer): string {
  const bare = tokenizer.renderChat([QUESTION]);
  return tokenizer.renderChat([QUESTION], { addGenerationPrompt: true }).slice(bare.length);
}

/** What stands before the first question and, its BOS apart, not before the second. */
function injectedText(tokenizer: ChatTokenizer): string | undefined {
  const later = { role: 'user', content: 'gamma' };
  const text = tokenizer.renderChat([QUESTION, ANSWER, later]);
  const [lead, between] = [
    text.slice(0, text.indexOf(QUESTION.content)),
    text.slice(text.indexOf(ANSWER.content) + ANSWER.content.length, text.lastIndexOf(later.content)),
  ];
  let same = 0;
  while (same < lead.length && lead.at(-1 - same) === between.at(-1 - same)) same++;
  const own = lead.slice(0, lead.length - same);
  const bos = tokenizer.bosTokenId === undefined ? '' : tokenizer.decode([tokenizer.bosTokenId]);
  const words = bos !== '' && own.startsWith(bos) ? own.slice(bos.length) : own;
  return words.trim() === '' ? undefined : own;
}

/** Undefined without a template, or with one that refuses a plain conversation. */
function probe<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** `<think>` and its end are content, whatever the tokenizer calls them. */
const THINKING = new Set(['<think>', '</think>']);

function anyOf(tokens: readonly string[]): RegExp | undefined {
  const written = tokens.filter((token) => token.trim() !== '' && !THINKING.has(token));
  if (written.length === 0) return undefined;
  // Of tokens that begin alike the longest comes first, as the tokenizer finds it.
  const longestFirst = written.sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(escaped.join('|'), 'u');
}
