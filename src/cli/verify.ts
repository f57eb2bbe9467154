/** @file The command `verify`: the stage for files, and a verdict on one answer. */
import { Command } from 'commander';
import { verifyStage } from '../pipeline/stages/verify.js';
import { UserError } from '../util/errors.js';
import { verify, type Preset, type Verdict } from '../verify/verify.js';
import { print } from '../util/output.js';
import { inLine } from '../util/printable.js';
import { printRecord } from './output.js';
import { addSettings } from './settings.js';
import { dataOf, runStage, type StageFlags } from './stageCommand.js';

interface VerifyFlags extends StageFlags {
  gold?: string;
  pred?: string;
  preset?: Preset;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Says whether answers are right: one answer, or all of a file.')
    .argument('[data...]', 'the same as --data')
    .option('--gold <answer>', 'the reference answer')
    .option('--pred <answer>', 'the answer or the whole response to verify')
    .option('--out <file>', 'where the rows with their verdicts go: .jsonl or .parquet')
    .option('--json', 'print the verdict or the summary as JSON');
  addSettings(command, verifyStage.schema);
  return command.addHelpText('after', DETAILS).action(async (files: string[], flags: VerifyFlags) => {
    const given = dataOf('verify', files, flags);
    if (given.data === undefined && flags.data === undefined) verifyOne(flags);
    else await verifyAll(given, flags);
  });
}

const DETAILS = `
One answer: prints {"correct", "reason", "stage", "extracted", "gold_parsed", "pred_parsed"} and ends with 0 whether it is
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

function verifyOne({ gold, pred, preset = 'mathVerify', json }: VerifyFlags): void {
  if (gold === undefined || pred === undefined)
    throw new UserError('Give --gold and --pred for one answer, or files and --out.');
  const verdict = verify({ gold, pred, preset });
  if (json) printRecord(verdict);
  else print(describeVerdict(verdict));
  if (UNDECIDED.has(verdict.reason)) throw new Error(`no verdict: ${verdict.reason}`);
}

/** Reasons for which "not correct" says nothing about the answer. */
const UNDECIDED: ReadonlySet<string> = new Set(['gold-unreadable', 'budget']);

function describeVerdict({ correct, reason, stage, extracted, goldParsed, predParsed }: Verdict): string {
  const shown = (text: string | null, without: string) => (text === null ? without : inLine(text, 1000));
  const reads = (text: string | null) => shown(text, '(not as mathematics)');
  return (
    `${correct ? 'right' : 'wrong'}: ${reason} (${stage})\n` +
    `  answer found     ${shown(extracted, '(none)')}\n` +
    (extracted === null ? '' : `  it reads         ${reads(predParsed)}\n`) +
    `  reference reads  ${reads(goldParsed)}\n`
  );
}

async function verifyAll(given: Record<string, unknown>, flags: VerifyFlags): Promise<void> {
  if (flags.gold !== undefined || flags.pred !== undefined)
    throw new UserError('Give files, or --gold and --pred for one answer, not both.');
  const kept = flags.judge === true ? ", the judge's answers are kept" : '';
  await runStage('verify', verifyStage, { stopped: `stopped; OUT is as it was${kept}` }, flags, given);
}
