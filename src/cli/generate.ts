/** @file The command `generate`: responses to prompts, without grading. */
import { Command } from 'commander';
import { z } from 'zod';
import { readPrompts } from '../data/prompts.js';
import { evaluateDefaults, samplesKey, samplingSchema } from '../teacher/settings.js';
import { computeDtypes } from '../util/computeDtype.js';
import { refuseOverInputs } from '../util/overlap.js';
import { longWork } from './interrupt.js';
import { LinesOut } from './output.js';
import { addSettings, settingsFrom } from './settings.js';

const generateSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, a .gguf file, or a name that `models get` has fetched'),
  prompts: z
    .string()
    .min(1)
    .describe(
      'JSON lines of {"prompt": text or messages}, {"messages"} or {"problem"}; "-" is standard input',
    ),
  raw: z
    .boolean()
    .default(false)
    .describe("give texts to the model as they are, not as the user's turn by its chat template"),
  samples: samplesKey('responses a prompt'),
  system: z.string().optional().describe('a system message'),
  sampling: samplingSchema(evaluateDefaults).omit({ extra_body: true }).prefault({}),
  dtype: z.enum(computeDtypes).default('bf16').describe('precision'),
  device: z.string().default('cpu').describe('cpu, cuda or cuda:N'),
  exact: z
    .boolean()
    .default(false)
    .describe('answers that do not depend on the batch, to the last bit; f32 on the CPU, and slow'),
  tokens: z.boolean().default(false).describe('add the ids and the log-prob of each, as `score` does'),
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
A prompt that is a text is the user's turn, where the model has a chat template; --raw lets the model continue it as it
is. "tools" and "chat_template_kwargs" beside a prompt go to the template.

Writes one object a response, in input order: {"prompt": index, "sample", "text", "tokens", "finish_reason"}; with --tokens
also "ids" and "logps", the log-probs at temperature 1. With --exact --dtype f32 the log-probs are those that
\`score --exact\` computes, to the last bit.

Example:
  redistill generate --model ./student --prompts prompts.jsonl --samples 4 --temperature 0.8 --top-p 0.95`,
    )
    .action(async (flags: Record<string, unknown> & { out?: string }) => {
      const settings = settingsFrom(generateSettings, flags, {}, 'generate');
      if (flags.out !== undefined) refuseOverInputs([flags.out], [settings.model, settings.prompts]);
      const { openGenerator } = await import('../generate/open.js');
      const { encodePrompts } = await import('../generate/prompts.js');
      const { resolveModel } = await import('../hub/resolve.js');
      using output = new LinesOut(flags.out);
      const rows = await longWork('generate', 'stopped; nothing was written', async (progress, signal) => {
        const path = settings.prompts === '-' ? '/dev/stdin' : settings.prompts;
        const prompts = await readPrompts(path);
        using opened = openGenerator(await resolveModel(settings.model, progress), {
          ...settings,
          onNotice: (sentence) => {
            progress.log(sentence);
          },
        });
        const { sampling, samples, system, raw, tokens, batch_size: batchSize } = settings;
        const { max_tokens: maxNewTokens, top_p: topP, forced_prefix: forcedPrefix, ...rest } = sampling;
        const encoded = await encodePrompts(opened.tokenizer, path, prompts, {
          raw,
          ...(system !== undefined && { system }),
          ...(forcedPrefix !== undefined && { forcedPrefix }),
        });
        const completions = await opened.generator.generate(
          encoded,
          {
            ...rest,
            samples,
            maxNewTokens,
            topP,
            logps: tokens,
            ...(batchSize !== undefined && { batchSize }),
            signal,
          },
          (state) => {
            progress.update(state.finished, state.total);
          },
        );
        return completions.map(({ text, ids, finishReason, logps = [] }, i) => ({
          prompt: Math.floor(i / samples),
          sample: i % samples,
          text: (forcedPrefix ?? '') + text,
          tokens: ids.length,
          finish_reason: finishReason,
          ...(tokens && { ids: [...ids], logps: [...logps] }),
        }));
      });
      output.emit(rows);
    });
}
