import { Command, InvalidArgumentError, Option } from 'commander';
import type { CollectSummary } from '../teacher/collect.js';
import type { Prices } from '../teacher/meter.js';
import type { CollectSettings } from '../teacher/settings.js';
import { UserError } from '../util/errors.js';
import { createProgress, type Progress } from '../util/progress.js';
import { Interrupted, interruptible } from './interrupt.js';
import { numberBetween, printJson, wholeNumber } from './output.js';

interface CollectFlags {
  baseUrl: string;
  model: string;
  out: string;
  samples: number;
  untilRight?: number;
  api: 'chat' | 'completions';
  apiKeyEnv?: string;
  system?: string;
  instruction: string;
  temperature: number;
  topP: number;
  maxTokens: number;
  seed: number;
  extraBody: Record<string, unknown>;
  concurrency: number;
  timeout: number;
  idleTimeout: number;
  retries: number;
  maxTokensTotal?: number;
  maxCost?: number;
  priceIn?: number;
  priceOut?: number;
  json?: boolean;
}

/** How OpenR1-Math's teacher was asked. */
const INSTRUCTION =
  'You will be given a problem. Please reason step by step, and put your final answer within \\boxed{}:';

export function collectCommand(): Command {
  return new Command('collect')
    .description(
      'Sample traces from a teacher behind an OpenAI-compatible endpoint and verify them as they arrive.',
    )
    .argument('<problems>', 'JSON lines of {"problem", "answer"}; other fields are carried along')
    .requiredOption('--base-url <url>', 'the endpoint, e.g. http://127.0.0.1:8000/v1')
    .requiredOption('--model <name>', "the teacher's name at the endpoint")
    .requiredOption('--out <dir>', 'where traces.jsonl, summary.json and the journal go')
    .option('-k, --samples <n>', 'traces a problem', wholeNumber(1), 1)
    .addOption(
      new Option('--until-right <k>', 'ask until the first right trace, at most k times')
        .argParser(wholeNumber(1))
        .conflicts('samples'),
    )
    .addOption(
      new Option('--api <name>', 'chat messages, or the plain text of the problem')
        .choices(['chat', 'completions'])
        .default('chat'),
    )
    .option(
      '--api-key-env <name>',
      'environment variable with the key (default: OPENAI_API_KEY, if it is set)',
    )
    .option('--system <text>', 'a system message')
    .option('--instruction <text>', 'put before the problem when asking, not stored with it', INSTRUCTION)
    .option('--temperature <t>', 'of the sampling', numberBetween(0, 100), 0.6)
    .option('--top-p <p>', 'sample from the likeliest tokens of this mass', numberBetween(1e-6, 1), 0.95)
    .option('--max-tokens <n>', 'tokens a trace', wholeNumber(1), 16384)
    .option('--seed <n>', 'of the sampling; every trace has its own seed made from it', wholeNumber(0), 0)
    .option('--extra-body <json>', 'further fields of the request; null leaves one out', jsonObject, {})
    .option('--concurrency <n>', 'requests at once', wholeNumber(1), 16)
    .option('--timeout <seconds>', 'for one request as a whole', numberBetween(0.001, 86_400), 3600)
    .option('--idle-timeout <seconds>', 'without a byte of the answer', numberBetween(0.001, 300), 300)
    .option('--retries <n>', 'further tries after a failure that may pass', wholeNumber(0), 10)
    .option('--max-tokens-total <n>', 'ask no more once all requests together took so many', wholeNumber(1))
    .option('--max-cost <amount>', 'ask no more once they cost so much', numberBetween(0, 1e12))
    .option('--price-in <amount>', 'of a million prompt tokens', numberBetween(0, 1e9))
    .option('--price-out <amount>', 'of a million completion tokens', numberBetween(0, 1e9))
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', DETAILS)
    .action(collectTraces);
}

const DETAILS = `
Stop it at any time, however hard: the same command goes on where it was, without losing or repeating a trace. With a
larger -k it asks for what is missing.
traces.jsonl is written at the end, one row a problem with the fields of OpenR1-Math-Raw. Problems whose requests fail
for good are listed in failed.jsonl and tried again by the next run. Requests that are under way when a budget is used
up are still finished and kept.

Example:
  redistill collect problems.jsonl --base-url http://127.0.0.1:8000/v1 --model deepseek-r1 --out traces -k 4
  redistill collect problems.jsonl --base-url https://api.example.com/v1 --model r1 --api-key-env EXAMPLE_KEY \\
    --out traces --until-right 8 --price-in 0.55 --price-out 2.19 --max-cost 20`;

async function collectTraces(problems: string, flags: CollectFlags): Promise<void> {
  const settings = settingsOf(flags);
  const prices = pricesOf(flags);
  const { collect } = await import('../teacher/collect.js');
  const { openEndpoint } = await import('../teacher/endpoint.js');
  const { verify } = await import('../verify/verify.js');
  const progress = createProgress('collect');
  const endpoint = openEndpoint({
    baseUrl: flags.baseUrl,
    model: flags.model,
    apiKeyEnv: flags.apiKeyEnv,
    concurrency: flags.concurrency,
    timeoutSeconds: flags.timeout,
    idleSeconds: flags.idleTimeout,
    retries: flags.retries,
    onRetry: retryLog(progress),
  });
  const { out, maxTokensTotal: tokens, maxCost: cost } = flags;
  const summary = await interruptible((signal) =>
    collect({
      problems,
      out,
      endpoint,
      settings,
      verify,
      budget: { tokens, cost },
      prices,
      progress,
      signal,
    }).catch((error: unknown) => {
      if (signal.aborted)
        throw new Interrupted(
          `stopped; run the same command again to go on: what has arrived is kept in ${out}`,
        );
      throw error;
    }),
  );
  if (flags.json) printJson(summary);
  else process.stdout.write(`${describe(summary)}\n`);
  if (summary.budget_used_up)
    process.stderr.write('the budget is used up; run the same command with a larger one to go on\n');
  if (summary.failed > 0) {
    throw new Error(
      `${summary.failed} of ${summary.problems} problems failed, ${out}/failed.jsonl says why: run the same command again to retry them`,
    );
  }
}

function settingsOf(flags: CollectFlags): CollectSettings {
  const { model, api, instruction, seed, temperature, topP, maxTokens } = flags;
  if (api === 'completions' && flags.system !== undefined)
    throw new UserError('--system is for chats: with --api completions put it into --instruction.');
  return {
    model,
    samples: flags.untilRight ?? flags.samples,
    until_right: flags.untilRight !== undefined,
    api,
    system: flags.system ?? null,
    instruction,
    seed,
    sampling: { temperature, top_p: topP, max_tokens: maxTokens, ...flags.extraBody },
  };
}

function pricesOf({ priceIn, priceOut, maxCost }: CollectFlags): Prices | undefined {
  if (priceIn !== undefined && priceOut !== undefined) return { input: priceIn, output: priceOut };
  if (priceIn !== undefined || priceOut !== undefined || maxCost !== undefined)
    throw new UserError('The cost needs both prices: --price-in and --price-out, of a million tokens.');
  return undefined;
}

function jsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError('must be a JSON object, e.g. \'{"top_k": 20}\'');
  return value as Record<string, unknown>;
}

const LOG_INTERVAL_MS = 10_000;

/** Says now and then what requests are being retried for. */
function retryLog(progress: Progress): (reason: string, waitSeconds: number) => void {
  let last = -Infinity;
  return (reason, seconds) => {
    if (performance.now() - last < LOG_INTERVAL_MS) return;
    last = performance.now();
    progress.log(`trying again in ${seconds.toFixed(1)} s: ${reason}`);
  };
}

function describe(summary: CollectSummary): string {
  const { generations, right, problems, solved, cost } = summary;
  const tokens = summary.prompt_tokens + summary.completion_tokens;
  return (
    `${summary.traces}: ${generations} traces, ${right} of them right; ${solved} of ${problems} problems solved; ` +
    `${tokens} tokens${cost === null ? '' : `, cost ${cost.toFixed(2)}`}`
  );
}
