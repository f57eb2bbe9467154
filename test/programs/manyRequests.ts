/**
 * Asks a server in this process for many things, one kind after another, and prints what memory it takes after so many requests:
 * `manyRequests.ts MODEL FIRST THEN`.
 */
import type { AddressInfo } from 'node:net';
import { openGenerator } from '../../src/generate/open.js';
import { ServedModel } from '../../src/serve/model.js';
import { makeServer } from '../../src/serve/server.js';
import { liveTensors } from '../../src/torch/tensor.js';

const [model, ...counts] = process.argv.slice(2);
using opened = openGenerator(model!, { dtype: 'f32', device: 'cpu' });
const served = new ServedModel(opened.generator, opened.tokenizer, { name: 'tiny', batchSize: 16 });
const app = makeServer(served);
await app.listen({ host: '127.0.0.1', port: 0 });
const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1`;

const messages = [{ role: 'user', content: 'hello' }];
const kinds: ((i: number) => [path: string, body: object])[] = [
  () => ['completions', { prompt: 'a', max_tokens: 8 }],
  (i) => ['completions', { prompt: 'x'.repeat(1 + (i % 90)), max_tokens: 1 + (i % 40), stream: true }],
  () => ['chat/completions', { messages, max_tokens: 8, logprobs: true, top_logprobs: 5, n: 3 }],
  () => [
    'chat/completions',
    { messages, max_tokens: 8, stream: true, stop: ['q', 'xyz'], logit_bias: { 9: 2 } },
  ],
  () => ['completions', { prompt: 'score this', max_tokens: 1, prompt_logprobs: 3 }],
  () => ['completions', { prompt: 'x'.repeat(3000) }],
  () => ['completions', { prompt: 'a', temperature: -1 }],
  () => ['completions', { prompt: 'a', max_tokens: 1500, stream: true, user: 'leaves' }],
];
let asked = 0;
let failed = 0;

async function ask(): Promise<void> {
  const i = asked++;
  const [path, body] = kinds[i % kinds.length]!(i);
  const leaves = 'user' in body;
  const controller = new AbortController();
  const response = await fetch(`${url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  if (leaves) {
    controller.abort();
    return;
  }
  await response.text();
  if (!response.ok) failed++;
}

const results = [];
for (const count of counts.map(Number)) {
  while (asked < count) await Promise.all(Array.from({ length: 10 }, ask));
  while (served.loop.load.running + served.loop.load.waiting > 0)
    await new Promise((done) => setTimeout(done, 5));
  for (let i = 0; i < 3; i++) {
    globalThis.gc!();
    await new Promise((done) => setTimeout(done, 50));
  }
  const { heapUsed: heapBytes, rss: residentBytes } = process.memoryUsage();
  results.push({ tensors: liveTensors(), heapBytes, residentBytes, failed });
}
await served.close(new Error('done'));
await app.close();
console.log(JSON.stringify(results));
