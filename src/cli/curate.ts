import { Command, InvalidArgumentError, Option } from 'commander';
import type { CurateOptions } from '../curate/options.js';
import { rediLimits } from '../curate/lengths.js';
import { rules, type Rule } from '../curate/rules.js';
import { orders, rankings, type Order, type Ranking } from '../curate/selection.js';
import { verdictRules, type VerdictRule } from '../curate/verdictRules.js';
import { UserError } from '../util/errors.js';
import { longWork } from './interrupt.js';
import { numberBetween, printJson, wholeNumber } from './output.js';

interface CurateFlags {
  out: string;
  rule: Rule;
  verdicts: VerdictRule;
  model?: string;
  lengthFilter: boolean;
  lengthCount?: 'paper' | 'content';
  maxPromptTokens?: number;
  maxResponseTokens?: number;
  limitSft?: boolean;
  chosen: Order;
  pairs: number | 'balanced';
  minCv?: number;
  keep?: number;
  by: Ranking;
  duplicates: 'report' | 'drop';
  decontaminate?: string[];
  dropContaminated?: boolean;
  seed: number;
  json?: boolean;
}

export function curateCommand(): Command {
  return new Command('curate')
    .description('Make D_SFT and D_Pref of trace rows, by rules that have names.')
    .argument('<file...>', 'trace rows: JSON lines or Parquet')
    .requiredOption('--out <dir>', 'where sft.jsonl, pref.jsonl, dropped.jsonl and summary.json go')
    .addOption(new Option('--rule <name>', 'what becomes of a row').choices(rules).default('redi'))
    .addOption(
      new Option('--verdicts <rule>', 'which verdicts make a trace right')
        .choices(verdictRules)
        .default('LandMV'),
    )
    .option('--model <dir>', 'the student, whose tokenizer measures lengths')
    .option('--no-length-filter', 'write pairs of any length')
    .addOption(
      new Option(
        '--length-count <how>',
        'count tokens as the paper does [default], or of the texts alone',
      ).choices(['paper', 'content']),
    )
    .option('--max-prompt-tokens <n>', `of a pair [${rediLimits.prompt}]`, wholeNumber(1))
    .option('--max-response-tokens <n>', `of each side of a pair [${rediLimits.response}]`, wholeNumber(1))
    .option('--limit-sft', 'limit D_SFT as well: rows that are too long are dropped')
    .addOption(new Option('--chosen <order>', 'which right trace is taken').choices(orders).default('first'))
    .option('--pairs <k>', 'pairs a problem, or "balanced": as many as the rarer label has', pairCount, 1)
    .option('--min-cv <x>', 'only problems whose verdicts vary more (DeepDistill)', numberBetween(0, 1e9))
    .option('--keep <n>', 'only the n problems that rank highest', wholeNumber(1))
    .addOption(new Option('--by <ranking>', 'how --keep ranks').choices(rankings).default('hardest'))
    .addOption(
      new Option('--duplicates <what>', 'repeated problems: report them, or drop all but the first')
        .choices(['report', 'drop'])
        .default('report'),
    )
    .option(
      '--decontaminate <file...>',
      'report problems that share 8 words in a row with these evaluation sets',
    )
    .option('--drop-contaminated', 'drop them')
    .option('--seed <n>', 'of the order of rows and of random choices', wholeNumber(0), 42)
    .option('--json', 'print summary.json')
    .addHelpText(
      'after',
      `
The rule "redi" is that of the REDI paper: the first right trace of a problem for D_SFT, and with the first other one a
pair for D_Pref, if prompt and answers are short enough. docs/data.md has every rule and the fields of all files.

Example:
  redistill curate traces.jsonl --model ./student --out curated
  redistill curate traces.parquet --no-length-filter --decontaminate math.json aime.json --out curated`,
    )
    .action(async (files: string[], flags: CurateFlags) => {
      const options = curateOptions(files, flags);
      const { curate } = await import('../curate/curate.js');
      const stopped = `stopped; nothing was written into ${options.out}`;
      const summary = await longWork('curate', stopped, (progress, signal) =>
        curate(options, progress, signal),
      );
      for (const hint of summary.hints) process.stderr.write(`hint: ${hint}\n`);
      if (flags.json) printJson(summary);
      else process.stdout.write(`${summary.account.join('\n')}\n`);
    });
}

function pairCount(text: string): number | 'balanced' {
  if (text === 'balanced') return text;
  try {
    return wholeNumber(1)(text);
  } catch {
    throw new InvalidArgumentError('must be a whole number from 1, or "balanced"');
  }
}

function curateOptions(files: string[], flags: CurateFlags): CurateOptions {
  const { model, lengthFilter, lengthCount, maxPromptTokens, maxResponseTokens, limitSft, keep, minCv } =
    flags;
  const aboutLengths = [lengthCount, maxPromptTokens, maxResponseTokens, limitSft];
  if (!lengthFilter && aboutLengths.some((flag) => flag !== undefined))
    throw new UserError(
      '--no-length-filter leaves nothing to count or limit; leave the other length options out',
    );
  if (lengthFilter && model === undefined)
    throw new UserError(
      "the length filter counts tokens with the student's tokenizer: name its directory with --model, or leave lengths alone with --no-length-filter",
    );
  if (flags.dropContaminated && !flags.decontaminate)
    throw new UserError('--drop-contaminated needs the evaluation sets: --decontaminate FILE…');
  return {
    files,
    out: flags.out,
    rule: flags.rule,
    verdicts: flags.verdicts,
    ...(lengthFilter && {
      lengths: {
        model: model!,
        count: lengthCount ?? 'paper',
        limits: {
          prompt: maxPromptTokens ?? rediLimits.prompt,
          response: maxResponseTokens ?? rediLimits.response,
        },
        sft: limitSft ?? false,
      },
    }),
    chosen: flags.chosen,
    pairs: flags.pairs,
    ...(minCv !== undefined && { minCv }),
    ...(keep !== undefined && { keep: { count: keep, by: flags.by } }),
    duplicates: flags.duplicates,
    decontaminate: flags.decontaminate ?? [],
    dropContaminated: flags.dropContaminated ?? false,
    seed: flags.seed,
  };
}
