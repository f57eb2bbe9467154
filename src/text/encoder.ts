/** @file Encodes texts with a tokenizer.json: here, or in a process of its own where one text might never end. */

import { fork, type ChildProcess } from 'node:child_process';
import type { Tokenizer } from 'tokenizers';
import { UserError } from '../util/errors.js';

export interface EncodeOptions {
  /** Whether the tokenizer adds the tokens that it puts around a text by itself. */
  addSpecialTokens?: boolean;
}

/** Makes token ids of texts, on all cores. */
export type Encode = (texts: readonly string[], options?: EncodeOptions) => Promise<Int32Array[]>;

/** Texts go to the tokenizer together, up to so many characters: work for all cores, and memory for one long text. */
const BATCH_CHARACTERS = 1 << 20;

/** Encodes in this process. */
export function encodeHere(tokenizer: Tokenizer): Encode {
  return async (texts, { addSpecialTokens = false } = {}) => {
    const ids: Int32Array[] = [];
    for (const batch of batchesOf(texts)) {
      const encodings = await tokenizer.encodeBatch(batch, { addSpecialTokens });
      for (const encoding of encodings) ids.push(Int32Array.from(encoding.getIds()));
    }
    return ids;
  };
}

function* batchesOf(texts: readonly string[]): Generator<string[]> {
  for (let start = 0, end = 0; start < texts.length; start = end) {
    let characters = texts[end++]!.length;
    while (end < texts.length && characters + texts[end]!.length <= BATCH_CHARACTERS)
      characters += texts[end++]!.length;
    yield texts.slice(start, end);
  }
}

/** What the process is asked for. */
export interface EncodeRequest {
  texts: readonly string[];
  options: EncodeOptions;
}

/** What it answers. */
export type EncodeReply = { ids: Int32Array[] } | { error: string };

/** A text that the tokenizer cannot be given. */
export class UnencodableText extends UserError {}

/** Time for a request: to start the process, and a multiple of what the slowest tokenizer takes for each character. */
const START_MS = 30_000;
const CHARACTER_MS = 0.05;

/**
 * Encodes in a process of its own, one request at a time. A text at which it dies or takes too long is an error of that
 * text; the next one gets a new process.
 * @param path the tokenizer.json
 */
export function encodeElsewhere(path: string): Encode {
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (request: EncodeRequest): Promise<Int32Array[]> => {
    const asked = (child ??= startProcess(path));
    const characters = request.texts.reduce((sum, text) => sum + text.length, 0);
    let patience: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<EncodeReply>((resolve, reject) => {
        const refuse = () => {
          reject(new UnencodableText(`${path}: the tokenizer does not come to an end with this text`));
        };
        patience = setTimeout(refuse, START_MS + CHARACTER_MS * characters);
        asked.once('message', resolve).once('exit', refuse).once('error', reject).send(request);
      });
      if ('error' in reply) throw new UnencodableText(`${path}: ${reply.error}`);
      return reply.ids;
    } catch (error) {
      asked.kill('SIGKILL');
      child = undefined;
      throw error;
    } finally {
      clearTimeout(patience);
      asked.removeAllListeners();
    }
  };
  return (texts, options = {}) => {
    const asked = last.then(() => ask({ texts, options }));
    last = asked.catch(() => undefined);
    return asked;
  };
}

function startProcess(path: string): ChildProcess {
  const entry = new URL('./encoderProcess.js', import.meta.url);
  const child = fork(entry, [path], { serialization: 'advanced', stdio: 'ignore' });
  // It must not keep this process alive; while it works, its patience does.
  child.unref();
  child.channel?.unref();
  return child;
}
