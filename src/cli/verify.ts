import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { UserError } from '../util/errors.js';
import type { Judge } from '../teacher/judge.js';
import { createProgress, type Progress } from '../util/progress.js';
import { formatTable } from '../util/table.js';
import type { VerifyFilesOptions, VerifySummary } from '../verify/files/verifyFiles.js';
import type { Preset, Verdict } from '../verify/verify.js';
import { Interrupted, interruptible } from './interrupt.js';
import { printJson, wholeNumber } from './output.js';

interface VerifyFlags {
  gold?: string;
  pred?: string;
  preset: Preset;
  out?: string;
  threads: number;
  judge?: boolean;
  baseUrl?: string;
  judgeModel?: string;
  judgeMode: 'all' | 'rejected';
  judgeKeyEnv?: string;
  concurrency: number;
  disagreements?: string;
  json?: boolean;
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Say whether answers are right: one answer, or all of a file.')
    .argument('[files...]', 'JSON lines or Parquet: rows of gold and pred, or of answer and generations')
    .option('--gold <answer>', 'the reference answer')
    .option('--pred <answer>', 'the answer or the whole response to verify')
    .addOption(
      new Option('--preset <name>', 'how answers are found and compared, for rows that name no preset')
        .choices(['mathVerify', 'reward', 'lenient', 'choice'])
        .default('mathVerify'),
    )
    .option('--out <file>', 'where the rows with their verdicts go: .jsonl or .parquet')
    .option('--threads <n>', 'worker threads', wholeNumber(1), availableParallelism())
    .option('--judge', 'ask a language model too, behind an OpenAI-compatible endpoint')
    .option('--base-url <url>', "the judge's endpoint, e.g. http://127.0.0.1:8000/v1")
    .option('--judge-model <name>', "the judge's name at the endpoint")
    .addOption(
      new Option('--judge-mode <which>', 'which answers the judge sees: all, or those that the rules reject')
        .choices(['all', 'rejected'])
        .default('all'),
    )
    .option('--judge-key-env <name>', "environment variable with the endpoint's key")
    .option('--concurrency <n>', 'requests to the judge at once', wholeNumber(1), 8)
    .option('--disagreements <file>', 'Markdown about the answers on which rules and judge differ')
    .option('--json', 'print the verdict or the summary as JSON')
    .addHelpText('after', DETAILS)
    .action(async (files: string[], flags: VerifyFlags) => {
      if (files.length === 0) await verifyOne(flags);
      else await verifyAll(files, flags);
    });
}

const DETAILS = `
One answer: prints {"correct", "reason", "stage", "extracted", "goldParsed", "predParsed"} and ends with 0 whether it is
right or wrong, with 1 where that could not be decided (the reference answer cannot be read, or it takes too much work).

Files: rows come back in order with all their fields. A row with "gold" and "pred" (and "preset", if it names one) gets
"correct", "reason", "stage", "extracted", "ms". A row with "answer" and "generations" gets "correctness" with
math_verify_answer, math_verify_reparsed_answer and, with a judge, llama_verification (null where it was not asked or
could not tell), and "generation_details" with each verdict. Beside the output (OUT without its ending):
  OUT.quarantine.jsonl     rows that cannot be verified, with file, line and reason; ends with 2 only if all are such
  OUT.judge.jsonl          the judge's answers; a run that was stopped does not ask for them again
  OUT.disagreements.md     where rules and judge differ

Example:
  redistill verify --gold '\\frac{1}{2}' --pred 'So the answer is \\boxed{0.5}.'
  redistill verify traces.jsonl --out verified.jsonl
  redistill verify traces.jsonl --out verified.jsonl --judge --base-url http://127.0.0.1:8000/v1 \\
      --judge-model Qwen/Qwen2.5-7B-Instruct --judge-mode rejected`;

async function verifyOne({ gold, pred, preset, json }: VerifyFlags): Promise<void> {
  if (gold === undefined || pred === undefined)
    throw new UserError('Give --gold and --pred for one answer, or files and --out.');
  const { verify } = await import('../verify/verify.js');
  const verdict = verify({ gold, pred, preset });
  if (json) printJson(verdict);
  else process.stdout.write(describeVerdict(verdict));
  if (UNDECIDED.has(verdict.reason)) throw new Error(`no verdict: ${verdict.reason}`);
}

/** Reasons for which "not correct" says nothing about the answer. */
const UNDECIDED: ReadonlySet<string> = new Set(['gold-unreadable', 'budget']);

function describeVerdict({ correct, reason, stage, extracted, goldParsed, predParsed }: Verdict): string {
  const reads = (text: string | null) => text ?? '(not as mathematics)';
  return (
    `${correct ? 'right' : 'wrong'}: ${reason} (${stage})\n` +
    `  answer found     ${extracted ?? '(none)'}\n` +
    (extracted === null ? '' : `  it reads         ${reads(predParsed)}\n`) +
    `  reference reads  ${reads(goldParsed)}\n`
  );
}

async function verifyAll(files: string[], flags: VerifyFlags): Promise<void> {
  const { out, preset, threads, judgeMode } = flags;
  if (flags.gold !== undefined || flags.pred !== undefined)
    throw new UserError('Give files, or --gold and --pred for one answer, not both.');
  if (out === undefined) throw new UserError('Say with --out where the rows with their verdicts go.');
  const { siblingPath, verifyFiles } = await import('../verify/files/verifyFiles.js');
  const progress = createProgress('verify');
  using judge = await openJudge(flags, siblingPath(out, 'judge.jsonl'), progress);
  const options: VerifyFilesOptions = { files, out, preset, threads };
  if (judge) {
    const disagreements = flags.disagreements ?? siblingPath(out, 'disagreements.md');
    options.judge = { judge, mode: judgeMode, disagreements };
  }
  const summary = await interruptible((signal) =>
    verifyFiles({ ...options, signal }, progress).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      throw new Interrupted(`stopped; ${out} is as it was${judge ? ", the judge's answers are kept" : ''}`);
    }),
  ).finally(() => {
    progress.finish();
  });
  if (flags.json) printJson(summary);
  else process.stdout.write(describeSummary(summary, out));
}

async function openJudge(
  { judge, baseUrl, judgeModel: model, judgeKeyEnv: apiKeyEnv, concurrency, disagreements }: VerifyFlags,
  cache: string,
  progress: Progress,
): Promise<Judge | undefined> {
  if (!judge) {
    if (baseUrl !== undefined || model !== undefined || disagreements !== undefined)
      throw new UserError('--base-url, --judge-model and --disagreements belong to a judge: add --judge.');
    return undefined;
  }
  if (baseUrl === undefined || model === undefined)
    throw new UserError(
      '--judge needs --base-url, the endpoint, and --judge-model, the name of the model there.',
    );
  const { Judge } = await import('../teacher/judge.js');
  const onTrouble = (line: string) => {
    progress.log(line);
  };
  return new Judge({ baseUrl, model, apiKeyEnv, concurrency, cache, onTrouble });
}

function describeSummary(summary: VerifySummary, out: string): string {
  const { rows, answers, correct, reasons, presets, quarantined, quarantine, judge, seconds } = summary;
  const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
  const lines = [
    `${out}: ${rows} rows, ${answers} answers, ${correct} right (${percent(correct, answers)}), ${seconds.toFixed(1)} s`,
    formatTable(
      ['reason', 'answers'],
      Object.entries(reasons).sort(([, a], [, b]) => b - a),
    ),
  ];
  if (Object.keys(presets).length > 1) {
    const cells = Object.entries(presets).map(([name, tally]) => [name, tally.answers, tally.correct]);
    lines.push(formatTable(['preset', 'answers', 'right'], cells));
  }
  if (judge) {
    const said = `${judge.correct} right, ${judge.incorrect} wrong, ${judge.unanswered} without an answer`;
    const cost = `${judge.asked} asked now, ${judge.promptTokens} + ${judge.completionTokens} tokens`;
    lines.push(`judge: ${judge.judged} answers: ${said} (${cost})`);
    if (judge.unanswered > 0)
      lines.push('       the same command asks again about those that it could not answer');
    lines.push(`judge and rules differ on ${judge.disagreements}`);
  }
  if (quarantine !== undefined)
    lines.push(`${quarantined} rows could not be verified: they are in ${quarantine}`);
  return `${lines.join('\n')}\n`;
}
