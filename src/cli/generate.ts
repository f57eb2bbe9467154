/** @file The command `generate`: responses to prompts, without grading. */
import { Command } from 'commander';
import { z } from 'zod';
import { readPrompts } from '../data/prompts.js';
import { evaluateDefaults, sampleCount, samplingSchema } from '../teacher/settings.js';
import { computeDtypes } from '../util/computeDtype.js';
import { longWork } from './interrupt.js';
import { emitLines } from './output.js';
import { addSettings, settingsFrom } from './settings.js';

const generateSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, a .gguf file, or a name that `models get` has fetched'),
  prompts: z
    .string()
    .min(1)
    .describe('JSON lines of {"prompt": text or messages}, {"messages"} or {"problem"}'),
  samples: sampleCount.default(1).describe('responses a prompt').meta({ short: 'k' }),
  system: z.string().optional().describe('a system message'),
  sampling: samplingSchema(evaluateDefaults).omit({ extra_body: true }).prefault({}),
  dtype: z.enum(computeDtypes).default('bf16').describe('precision'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
  batch_size: z
    .int()
    .positive()
    .optional()
    .describe('responses at a time; without it 64 on the CPU, else 256'),
});

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Samples responses to prompts in batches.')
    .option('--out <file>', 'where to write (default: standard output)');
  addSettings(command, generateSettings);
  return command
    .addHelpText(
      'after',
      `
Writes one object a response, in input order: {"prompt": index, "sample", "text", "tokens", "finish_reason"}.

Example:
  redistill generate --model ./student --prompts prompts.jsonl --samples 4 --temperature 0.8 --top-p 0.95`,
    )
    .action(async (flags: Record<string, unknown> & { out?: string }) => {
      const settings = settingsFrom(generateSettings, flags, {}, 'generate');
      const rows = await longWork('generate', 'stopped; nothing was written', async (progress, signal) => {
        const prompts = readPrompts(settings.prompts);
        const { openGenerator } = await import('../generate/open.js');
        const { encodePrompt } = await import('../text/tokenRows.js');
        const { resolveModel } = await import('../hub/resolve.js');
        using opened = openGenerator(await resolveModel(settings.model, progress), settings);
        const { sampling, samples, system, batch_size: batchSize } = settings;
        const { max_tokens: maxNewTokens, top_p: topP, forced_prefix: forcedPrefix, ...rest } = sampling;
        const begun = {
          ...(system !== undefined && { system }),
          ...(forcedPrefix !== undefined && { forcedPrefix }),
        };
        const encoded = await Promise.all(
          prompts.map(async (prompt) => ({ ids: await encodePrompt(opened.tokenizer, prompt, begun) })),
        );
        const completions = await opened.generator.generate(
          encoded,
          { ...rest, samples, maxNewTokens, topP, ...(batchSize !== undefined && { batchSize }), signal },
          (state) => {
            progress.update(state.finished, state.total);
          },
        );
        return completions.map(({ text, ids, finishReason }, i) => ({
          prompt: Math.floor(i / samples),
          sample: i % samples,
          text: (forcedPrefix ?? '') + text,
          tokens: ids.length,
          finish_reason: finishReason,
        }));
      });
      emitLines(rows, flags.out);
    });
}
