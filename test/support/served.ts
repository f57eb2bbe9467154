import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import OpenAI from 'openai';
import { afterAll } from 'vitest';
import { Generator } from '../../src/generate/generator.js';
import { openGenerator } from '../../src/generate/open.js';
import type { Transformer } from '../../src/models/transformer.js';
import type { GuardOptions } from '../../src/serve/guard.js';
import { ServedModel, type ServedOptions } from '../../src/serve/model.js';
import { makeServer } from '../../src/serve/server.js';
import { ChatTokenizer } from '../../src/text/tokenizer.js';
import { bigramModel } from './bigrams.js';
import { writeTinyModel } from './tinyModel.js';
import { writeTinyTokenizer } from './tinyTokenizer.js';

/** A server in this process, listening. */
export interface Running {
  served: ServedModel;
  generator: Generator;
  tokenizer: ChatTokenizer;
  app: FastifyInstance;
  /** Where the API begins. */
  url: string;
  client: OpenAI;
  /** Posts a body as JSON below the API's address. */
  post: (path: string, body: unknown) => Promise<{ status: number; body: unknown; headers: Headers }>;
}

type Options = Partial<ServedOptions> & GuardOptions;

/** Servers for a test file, which are closed after it. */
export function servers() {
  const closing: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });

  const folder = (): string => {
    const dir = mkdtempSync(join(tmpdir(), 'redistill-serve-'));
    closing.push(() => {
      rmSync(dir, { recursive: true });
      return Promise.resolve();
    });
    return dir;
  };

  async function run(model: Transformer, tokenizer: ChatTokenizer, options: Options): Promise<Running> {
    const { key, hosts, origins, ...rest } = options;
    const generator = new Generator(model, tokenizer);
    const served = new ServedModel(generator, tokenizer, { name: 'tiny', ...rest });
    const app = makeServer(served, { key, hosts, origins });
    await app.listen({ host: '127.0.0.1', port: 0 });
    closing.push(async () => {
      await served.close(new Error('the test is over'));
      await app.close();
      model[Symbol.dispose]();
    });
    const address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const url = `${address}/v1`;
    const client = new OpenAI({ baseURL: url, apiKey: key ?? 'none', maxRetries: 0 });
    const post: Running['post'] = async (path, body) => {
      const response = await fetch(`${path.startsWith('/') ? address : `${url}/`}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json(), headers: response.headers };
    };
    return { served, generator, tokenizer, app, url, client, post };
  }

  /** A tiny model that says anything. @param config keys of config.json that differ */
  async function tiny(options: Options = {}, config: Record<string, unknown> = {}): Promise<Running> {
    const dir = writeTinyModel(folder(), { max_position_embeddings: 2048, ...config });
    const opened = openGenerator(dir, { dtype: 'f32', device: 'cpu' });
    return run(opened.model, opened.tokenizer, options);
  }

  /**
   * A model that says one token after another as a chain has them, whatever it is asked, and goes on for ever where the chain is a circle.
   * Its tokens are printable characters, the marks of turns, and `<think>` and `</think>`.
   */
  async function saying(chain: readonly string[], options: Options = {}): Promise<Running> {
    const dir = folder();
    writeTinyTokenizer(dir);
    const path = join(dir, 'tokenizer.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as {
      added_tokens: object[];
      model: { vocab: Record<string, number> };
    };
    const thoughts = ['<think>', '</think>'];
    const first = Object.keys(json.model.vocab).length;
    thoughts.forEach((content, i) => {
      json.added_tokens.push({ ...json.added_tokens[0], id: first + i, content, special: false });
    });
    writeFileSync(path, JSON.stringify(json));
    const tokenizer = ChatTokenizer.load(dir);
    const inOrder = Object.entries(json.model.vocab).sort(([, a], [, b]) => a - b);
    const texts = [...inOrder.map(([token]) => token), ...thoughts].map((token) =>
      token === 'Ġ' ? ' ' : token === 'Ċ' ? '\n' : token,
    );
    const logits = texts.map((token) => {
      const next = chain[chain.indexOf(token) + 1] ?? chain[0]!;
      return texts.map((other) => (other === next ? 20 : 0));
    });
    return run(bigramModel(logits), tokenizer, options);
  }

  return { tiny, saying };
}

/** Waits until something holds. */
export async function until(holds: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it has not come to ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
