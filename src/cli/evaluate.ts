/** @file The command `evaluate`: the stage, and grading again what was sampled. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describeEvaluation, gradingSettings } from '../evaluate/evaluate.js';
import { evaluateStage, gradeAgain } from '../pipeline/stages/evaluate.js';
import { UserError } from '../util/errors.js';
import { print } from '../util/output.js';
import { printJson } from './output.js';
import { addSettings, settingsFrom } from './settings.js';
import { dataOf, runStage, type StageFlags } from './stageCommand.js';

const DETAILS = `
Stop it at any time, however hard: the same command with the same --out resumes it, without losing or repeating a response.
With another --grader it samples nothing and only grades again; --regrade does that without naming model and problems, and without
--grader by the graders of before, as after an update.
The answer to a problem is a text, a number, a list of them (each counts as right) or a solution that ends in "#### 18". In a
response, verify takes what a box, "the answer is" or ### marks as its answer, else what stands last; verify:anchored only
what is marked; rllm a box after </think>; hendrycks the last box; gsm8k a last line "#### 18". Without any, it is wrong.
--prompt names a YAML file of templates over a problem's row: system, user, prefix, demonstrations, turns (docs/data.md has all keys;
prompts/ has examples). With --grader-field each row names its grader, and the grades are called row.
samples.jsonl has a row a problem: a trace row, whose generation_details have the grades of each response.

Example:
  redistill evaluate --model ./student --data examples/word-problems/test.jsonl --max-tokens 200 --calculator --out svamp
  redistill evaluate math500.json --model ./student --max-tokens 2048 --grader verify,rllm --out math
  redistill evaluate aime.json --base-url http://127.0.0.1:8000/v1 --model r1 -k 16 --temperature 0.6 --out aime
  redistill evaluate examples/word-problems/test.jsonl --model ./student --prompt prompts/four-shot.yaml --out shots
  redistill evaluate --regrade math --grader hendrycks`;

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description(evaluateStage.summary)
    .argument('[data]', 'the same as --data')
    .option(
      '--out <dir>',
      'the folder of samples.jsonl, summary.json and the journal; without it nothing is kept',
    )
    .option('--regrade <dir>', 'grade the responses of a finished evaluation again; nothing is sampled')
    .option('--json', 'print the summary as JSON');
  addSettings(command, evaluateStage.schema);
  return command
    .addHelpText('after', DETAILS)
    .action(async (data: string | undefined, flags: StageFlags & { regrade?: string }) => {
      if (flags.regrade === undefined) await evaluate(data, flags);
      else await regrade(flags.regrade, data, flags);
    });
}

async function evaluate(data: string | undefined, flags: StageFlags): Promise<void> {
  const kept = flags.out !== undefined;
  const out = flags.out ?? mkdtempSync(join(tmpdir(), 'redistill-evaluate-'));
  const stopped = kept
    ? 'stopped; run the same command again to go on: what has arrived is kept in OUT'
    : 'stopped; nothing is kept without --out';
  try {
    await runStage(
      'evaluate',
      evaluateStage,
      { stopped, isKept: kept },
      { ...flags, out },
      dataOf('evaluate', data, flags),
    );
  } finally {
    if (!kept) rmSync(out, { recursive: true, force: true });
  }
}

async function regrade(
  dir: string,
  data: string | undefined,
  flags: StageFlags & { regrade?: string },
): Promise<void> {
  const { json, ...others } = flags;
  const given = Object.fromEntries(Object.entries(others).filter(([flag]) => flag !== 'regrade'));
  const names = Object.keys(gradingSettings.shape);
  const keyOf = (flag: string) => flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (data !== undefined || Object.keys(given).some((flag) => !names.includes(keyOf(flag))))
    throw new UserError(
      `--regrade takes the folder of an evaluation, ${names.map((name) => `--${name.replaceAll('_', '-')}`).join(', ')}, and nothing else.`,
    );
  const settings = settingsFrom(gradingSettings, given, {}, 'evaluate');
  const said = Object.keys(given).map(keyOf);
  const parsed = Object.entries(settings).filter(([name]) => said.includes(name));
  const summary = await gradeAgain(dir, Object.fromEntries(parsed));
  if (json) printJson(summary);
  else print(`${describeEvaluation(summary)}\n`);
}
