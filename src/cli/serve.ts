/** @file The command `serve`: a model behind an OpenAI-compatible endpoint. */
import { once } from 'node:events';
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { computeDtypes } from '../util/computeDtype.js';
import { messageOf, UserError } from '../util/errors.js';
import { isVariableName } from '../util/redact.js';
import { longWork } from './interrupt.js';
import { listening, placeOf } from './listen.js';
import { addSettings, settingsFrom } from './settings.js';

const count = z.int().positive();

const serveSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, an adapter, a .gguf file, or a name that `models get` has fetched'),
  name: z.string().min(1).optional().describe("what clients call the model; without it its folder's name"),
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('the address to listen at; 0.0.0.0 is all of the machine'),
  port: z.int().min(0).max(65_535).default(8000).describe('the port to listen at; 0 is any that is free'),
  api_key_env: z
    .string()
    .optional()
    .describe('environment variable with a key that every request has to show'),
  allow_host: z
    .array(z.string())
    .default([])
    .describe('a name under which the server may be asked for, besides addresses and localhost'),
  allow_origin: z
    .array(z.string())
    .default([])
    .describe('an origin whose pages may ask, such as http://localhost:3000'),
  dtype: z.enum(computeDtypes).default('bf16').describe('precision'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
  exact: z
    .boolean()
    .default(false)
    .describe('answers that do not depend on other requests, to the last bit; f32 on the CPU, and slow'),
  batch_size: count.optional().describe('responses at a time; without it 64 on the CPU, else 256'),
  context: count
    .optional()
    .describe('tokens of a prompt and its response at most; without it what model and memory allow'),
  queue: count
    .max(100_000)
    .default(1024)
    .describe('responses that may wait; further requests are answered by 429'),
  timeout: z.number().min(0.001).max(86_400).default(600).describe('seconds for one request as a whole'),
});

export function serveCommand(): Command {
  const command = new Command('serve').description('Serves a model to clients of the OpenAI API.');
  addSettings(command, serveSettings);
  return command
    .addHelpText(
      'after',
      `
Answers /v1/chat/completions, /v1/completions and /v1/models as vLLM does (streams, n, logprobs, prompt_logprobs, stop, seed,
logit_bias; thinking apart as reasoning_content), /tokenize, /health and /metrics. docs/serving.md has all fields.
Only this machine reaches it unless --host says otherwise. Ctrl-C ends it; responses under way are ended with an error.

Example:
  redistill serve --model ./student --port 8000
  redistill collect problems.jsonl --base-url http://127.0.0.1:8000/v1 --model student --out traces`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const settings = settingsFrom(serveSettings, flags, {}, 'serve');
      const key = keyFrom(settings.api_key_env);
      const { openGenerator } = await import('../generate/open.js');
      const { resolveModel } = await import('../hub/resolve.js');
      const { Guard } = await import('../serve/guard.js');
      const { makeServer } = await import('../serve/server.js');
      const { ServedModel } = await import('../serve/model.js');
      const hosts = [settings.host, ...settings.allow_host];
      const guard = new Guard({ key, hosts, origins: settings.allow_origin });
      await longWork('serve', 'stopped', async (progress, signal) => {
        const log = (sentence: string) => {
          progress.log(sentence);
        };
        const { model, name, host, port, batch_size: batchSize, context, queue, timeout } = settings;
        using opened = openGenerator(await resolveModel(model, progress), { ...settings, onNotice: log });
        const served = new ServedModel(opened.generator, opened.tokenizer, {
          ...{ batchSize, context, queue, timeoutSeconds: timeout },
          name: name ?? basename(resolve(model)),
          onFault: (error) => {
            log(`a request failed: ${messageOf(error)}`);
          },
        });
        const app = makeServer(served, guard);
        try {
          await listening({ host, port }, () => app.listen({ host, port }));
          const { url, isLoopback } = placeOf(app.server);
          if (key === undefined && !isLoopback)
            log('whoever reaches this address may use the model: --api-key-env asks for a key');
          log(`serving ${JSON.stringify(served.name)} at ${url}/v1 (up to ${served.context} tokens)`);
          if (!signal.aborted) await once(signal, 'abort');
          signal.throwIfAborted();
        } finally {
          const { ApiError } = await import('../serve/errors.js');
          await served.close(new ApiError(503, 'the server stops', null, 'stopped'));
          await app.close();
        }
      });
    });
}

/** @throws UserError where the variable is not usable */
function keyFrom(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  // What is no usual name may be the key itself.
  const shown = isVariableName(name) ? `environment variable ${name}` : 'environment variable of that name';
  const key = process.env[name]?.trim();
  if (!key) throw new UserError(`The ${shown}, which should hold the key, is not set.`);
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UserError(`The ${shown} holds no key: it has blanks or odd characters in it.`);
  return key;
}
