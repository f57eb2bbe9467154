import { Command } from 'commander';
import { readPrompts } from '../data/prompts.js';
import { createProgress } from '../util/progress.js';
import { emitLines } from './output.js';
import { addSampling, samplingOptions, type SamplingFlags } from './sampling.js';

interface GenerateFlags extends SamplingFlags {
  prompts: string;
  out?: string;
}

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('Sample answers to prompts in batches.')
    .requiredOption(
      '--prompts <file>',
      'JSON lines of {"prompt": text or messages}, {"messages"} or {"problem"}',
    )
    .option('--out <file>', 'where to write (default: standard output)');
  return addSampling(command)
    .addHelpText(
      'after',
      `
Writes one object an answer, in input order: {"prompt": index, "sample", "text", "tokens", "finish_reason"}.

Example:
  redistill generate --model ./student --prompts prompts.jsonl --samples 4 --temperature 0.8 --top-p 0.95`,
    )
    .action(async (flags: GenerateFlags) => {
      const prompts = readPrompts(flags.prompts);
      const { openGenerator } = await import('../generate/open.js');
      const { encodePrompt } = await import('../text/rows.js');
      using opened = openGenerator(flags.model, flags);
      const options = samplingOptions(flags);
      const encoded = await Promise.all(
        prompts.map(async (prompt) => ({ ids: await encodePrompt(opened.tokenizer, prompt, options) })),
      );
      const progress = createProgress('generate');
      const completions = await opened.generator
        .generate(encoded, options, (state) => {
          progress.update(state.finished, state.total);
        })
        .finally(() => {
          progress.finish();
        });
      const rows = completions.map(({ text, ids, finishReason }, i) => ({
        prompt: Math.floor(i / flags.samples),
        sample: i % flags.samples,
        text,
        tokens: ids.length,
        finish_reason: finishReason,
      }));
      emitLines(rows, flags.out);
    });
}
