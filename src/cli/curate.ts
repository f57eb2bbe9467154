import { Command, InvalidArgumentError, Option } from 'commander';
import { rediLimits } from '../curate/lengths.js';
import { ruleNames, type RuleName } from '../curate/rules/index.js';
import { orders, rankings, type Order, type Ranking } from '../curate/selection.js';
import { curateSettings, type CurateSettings } from '../curate/settings.js';
import { verdictRules, type VerdictRule } from '../curate/verdictRules.js';
import { parseRecipe } from '../recipe/parse.js';
import { createProgress } from '../util/progress.js';
import { Interrupted, interruptible } from './interrupt.js';
import { numberBetween, printJson, wholeNumber } from './output.js';

interface CurateFlags {
  out: string;
  rule: RuleName;
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
    .addOption(new Option('--rule <name>', 'what becomes of a row').choices(ruleNames).default('redi'))
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
      const settings = settingsOf(files, flags);
      const { curate } = await import('../curate/curate.js');
      const progress = createProgress('curate');
      const summary = await interruptible((signal) =>
        curate(settings, flags.out, progress, signal).catch((error: unknown) => {
          if (signal.aborted) throw new Interrupted(`stopped; nothing was written into ${flags.out}`);
          throw error;
        }),
      ).finally(() => {
        progress.finish();
      });
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

function settingsOf(files: string[], flags: CurateFlags): CurateSettings {
  const settings: Partial<CurateSettings> = {
    data: files,
    rule: flags.rule,
    verdicts: flags.verdicts,
    model: flags.model,
    length_filter: flags.lengthFilter,
    length_count: flags.lengthCount,
    max_prompt_tokens: flags.maxPromptTokens,
    max_response_tokens: flags.maxResponseTokens,
    limit_sft: flags.limitSft,
    chosen: flags.chosen,
    pairs: flags.pairs,
    min_cv: flags.minCv,
    keep: flags.keep,
    by: flags.by,
    duplicates: flags.duplicates,
    decontaminate: flags.decontaminate,
    drop_contaminated: flags.dropContaminated,
    seed: flags.seed,
  };
  return parseRecipe<CurateSettings>(curateSettings, settings, 'curate');
}
