/** @file The command `generate`: responses to prompts, without grading. */
import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { evaluateDefaults, samplesKey, samplingSchema } from '../teacher/settings.js';
import { computeDtypes } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import { printJsonLines } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import { longWork } from './interrupt.js';
import { addSettings, settingsFrom } from './settings.js';

const generateSettings = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('a model directory, an adapter, a .gguf file, or a name that `models get` has fetched'),
  prompts: z
    .string()
    .min(1)
    .describe(
      'JSON lines of {"prompt": text or messages}, {"messages"} or {"problem"}; "-" is standard input',
    ),
  prefix_field: z
    .string()
    .optional()
    .describe('the field of a row with which its responses begin, where rows have one each'),
  raw: z
    .boolean()
    .default(false)
    .describe("give texts to the model as they are, not as the user's turn by its chat template"),
  samples: samplesKey('responses a prompt'),
  system: z.string().optional().describe('a system message'),
  sampling: samplingSchema(evaluateDefaults).omit({ extra_body: true, keep_tokens: true }).prefault({}),
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

Writes one object a response, in input order: {"prompt": index, "sample", "text", "tokens", "finish_reason"}, with "rule" where
a decoding rule ended it; with --tokens also "ids", "logps", the log-probs at temperature 1, and "forced", 1 for tokens that a rule
put in. With --exact --dtype f32 the log-probs are those that \`score --exact\` computes, to the last bit.

docs/decoding.md says what a decoding rule of your own is made of.

Responses are in OUT.begun as they come, in the order in which they end, and in OUT when all are there; a command that was stopped
goes on. On standard output each appears when those before it have.

Example:
  redistill generate --model ./student --prompts prompts.jsonl --samples 4 --temperature 0.8 --top-p 0.95 --out samples.jsonl
  redistill generate --model ./student --prompts prompts.jsonl --rules repetition --stop "Question:" --prefix-field begun`,
    )
    .action(async (flags: Record<string, unknown> & { out?: string }) => {
      const settings = settingsFrom(generateSettings, flags, {}, 'generate');
      if (settings.prefix_field !== undefined && settings.sampling.forced_prefix !== undefined)
        throw new UserError(
          '--prefix-field and --forced-prefix both say how responses begin: give one of them.',
        );
      const { generateRows, keepsRows, keptFile } = await import('../generate/generateFile.js');
      const { resolveModel } = await import('../hub/resolve.js');
      const { out } = flags;
      const kept = keepsRows(out) ? keptFile(out) : undefined;
      if (out !== undefined)
        refuseOverInputs(
          [out, ...(kept === undefined ? [] : [kept])],
          [
            settings.model,
            settings.prompts,
            ...(settings.sampling.helper_model === undefined ? [] : [settings.sampling.helper_model]),
          ],
        );
      using file = out === undefined || out === '-' ? undefined : new JsonLinesFile(out);
      const write = (row: object) => {
        if (file) file.write(row);
        else printJsonLines([row]);
      };
      const stopped =
        kept === undefined
          ? 'stopped'
          : `stopped; ${kept} has the responses that were made, and the same command goes on`;
      await longWork('generate', stopped, async (progress, signal) => {
        const model = await resolveModel(settings.model, progress);
        const { helper_model: helper } = settings.sampling;
        const helped = helper === undefined ? {} : { helper_model: await resolveModel(helper, progress) };
        const sampling = { ...settings.sampling, ...helped };
        await generateRows({ ...settings, model, sampling }, write, kept, progress, signal);
      });
      file?.commit();
      if (kept !== undefined) await rm(kept, { force: true });
    });
}
