import { Option, type Command } from 'commander';
import type { AnswerOptions } from '../evaluate/evaluate.js';
import { numberBetween, wholeNumber } from './output.js';

/** The flags of commands that sample answers. */
export interface SamplingFlags {
  model: string;
  dtype: 'f32' | 'bf16';
  device: string;
  samples: number;
  temperature: number;
  topP: number;
  maxNewTokens: number;
  seed: number;
  batchSize?: number;
  calculator?: boolean;
  system?: string;
  forcedPrefix?: string;
}

export function addSampling(command: Command): Command {
  return command
    .requiredOption('--model <dir>', 'model directory')
    .addOption(new Option('--dtype <type>', 'precision').choices(['f32', 'bf16']).default('bf16'))
    .option('--device <device>', 'cpu, cuda or cuda:N', 'cpu')
    .option('--samples <n>', 'answers a prompt', wholeNumber(1), 1)
    .option('--temperature <t>', '0 is greedy', numberBetween(0, 100), 0)
    .option('--top-p <p>', 'sample from the likeliest tokens of this mass', numberBetween(1e-6, 1), 1)
    .option('--max-new-tokens <n>', 'tokens an answer at most', wholeNumber(1), 512)
    .option('--seed <n>', 'of the sampling', wholeNumber(0), 0)
    .option('--batch-size <n>', 'answers at a time (default: 64 on the CPU, else 256)', wholeNumber(1))
    .option('--calculator', 'compute <<expr=value>> marks while decoding')
    .option('--system <text>', 'a system message')
    .option('--forced-prefix <text>', 'how every answer begins');
}

export function samplingOptions(flags: SamplingFlags): AnswerOptions {
  const { samples, temperature, topP, maxNewTokens, seed, batchSize, calculator, system, forcedPrefix } =
    flags;
  return {
    samples,
    temperature,
    topP,
    maxNewTokens,
    seed,
    calculator: calculator ?? false,
    ...(batchSize !== undefined && { batchSize }),
    ...(system !== undefined && { system }),
    ...(forcedPrefix !== undefined && { forcedPrefix }),
  };
}
