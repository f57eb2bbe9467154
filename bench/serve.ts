/**
 * Tokens a second of 64 streams of a real `redistill serve` beside `generate` of the same prompts at the same batch, by turns.
 *
 *   npm run bench:serve -- [--model NAME] [--streams 64] [--tokens 96] [--rounds 3] [--dtype bf16]
 *
 * The server is a process of its own; generation and whoever reads the streams are in this one, on the same cores. Every prompt gets so many
 * new tokens (tokens that end a turn are forbidden by a bias, on both sides), at temperature 0.8 and top-p 0.95; reading the prompts is
 * included. A ratio is of the two runs of a round, and the lowest counts: 0.85 is wanted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openGenerator } from '../src/generate/open.js';
import { logitBias } from '../src/generate/rules/logitBias.js';
import { getModel } from '../src/hub/get.js';
import { formatTable } from '../src/util/table.js';
import { machine, root, spread } from './support.js';

const WANTED = 0.85;
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2-135m' },
    streams: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '96' },
    rounds: { type: 'string', default: '3' },
    dtype: { type: 'string', default: 'bf16' },
  },
});
const [streams, tokens, rounds] = [values.streams, values.tokens, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const dtype = values.dtype as 'bf16' | 'f32';
const dir = (await getModel(values.model)).path;
const prompts = Array.from(
  { length: streams },
  (_, i) => `Question ${i}: what is ${i} times ${i + 7}, and why? Think step by step.`,
);

const server = spawn(
  process.execPath,
  [
    ...[join(root, 'bin/redistill.js'), 'serve', '--model', dir, '--dtype', dtype, '--port', '0'],
    ...['--batch-size', String(streams), '--name', 'bench'],
  ],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
let said = '';
server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
while (!/at http/.test(said)) {
  if (server.exitCode !== null) throw new Error(said);
  await new Promise((done) => setTimeout(done, 50));
}
const url = /at (http\S+)/.exec(said)![1]!;

using opened = openGenerator(dir, { dtype, device: 'cpu' });
const { generator, tokenizer, model } = opened;
const ids = await tokenizer.encodeAll(prompts);
const bias = new Map(tokenizer.stopTokenIds.map((id) => [id, -100]));

/** Tokens a second of `generate`. */
async function generated(count: number): Promise<number> {
  const started = performance.now();
  const completions = await generator.generate(
    ids.map((own) => ({ ids: own })),
    {
      ...{ maxNewTokens: count, temperature: 0.8, topP: 0.95, batchSize: streams },
      rules: [logitBias(bias, model.config.vocabSize)],
    },
  );
  return perSecond(
    completions.reduce((sum, own) => sum + own.ids.length, 0),
    started,
  );
}

/** Tokens a second of streams that are read to their ends. */
async function served(count: number): Promise<number> {
  const started = performance.now();
  const counts = await Promise.all(
    ids.map(async (prompt) => {
      const response = await fetch(`${url}/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ prompt: [...prompt], max_tokens: count, temperature: 0.8, top_p: 0.95, stream: true },
          ...{ stream_options: { include_usage: true }, logit_bias: Object.fromEntries(bias) },
        }),
      });
      const text = await response.text();
      return Number(/"completion_tokens":(\d+)/.exec(text)?.[1]);
    }),
  );
  return perSecond(
    counts.reduce((sum, own) => sum + own, 0),
    started,
  );
}

const perSecond = (count: number, started: number): number => count / ((performance.now() - started) / 1000);

try {
  for (const warm of [generated, served]) await warm(4);
  const runs: { generate: number; serve: number }[] = [];
  for (let round = 0; round < rounds; round++)
    runs.push({ generate: await generated(tokens), serve: await served(tokens) });
  const ratios = runs.map(({ generate, serve }) => serve / generate);
  console.log(
    `${machine()}; ${values.model}, ${dtype}, ${streams} streams of ${tokens} tokens, ${rounds} rounds\n`,
  );
  console.log(
    formatTable(
      ['', 'tokens a second, median (least–most)'],
      [
        ['generate', spread(runs.map(({ generate }) => generate))],
        ['serve', spread(runs.map(({ serve }) => serve))],
        ['ratio', spread(ratios, 3)],
      ],
    ),
  );
  const lowest = Math.min(...ratios);
  console.log(
    `\nlowest ratio ${lowest.toFixed(3)}, wanted ${WANTED}: ${lowest >= WANTED ? 'reached' : 'missed'}`,
  );
  if (lowest < WANTED) process.exitCode = 1;
} finally {
  server.kill('SIGINT');
  await once(server, 'exit');
}
