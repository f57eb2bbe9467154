/** @file The command `compare`. */
import { Command } from 'commander';
import { compareEvaluations, compareSettings, gradersIn, type Finding } from '../evaluate/compare.js';
import { describeComparison, verdictOf } from '../evaluate/compareWords.js';
import { readPlan } from '../evaluate/plan.js';
import type { ComparedPair } from '../evaluate/taskFolders.js';
import { UserError } from '../util/errors.js';
import { print, printError } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import { ExitCode } from './exitCode.js';
import { LinesOut, printJson } from './output.js';
import { addSettings, settingsFrom, withFlags } from './settings.js';

const EXIT_CODES: Record<Finding, number> = { better: 0, worse: 1, unclear: 3 };

const DETAILS = `
Evaluations are paired by problem. A and B may each be several folders with commas, one a seed of training in the same order; further pairs are
further rows (other benchmarks), and so is every grader. Folders of \`benchmark\` are compared task by task. Evaluations whose instruction, sampling or problems differ are refused, unless
--differ-in names what is compared. docs/comparing.md explains the numbers.

Exit codes: 0 B is better, 1 B is worse (or the command failed), 2 wrong usage or input, 3 cannot tell.

Example:
  redistill compare runs/x/before runs/x/after
  redistill compare runs/a-s1,runs/a-s2,runs/a-s3 runs/b-s1,runs/b-s2,runs/b-s3 --list flips.jsonl
  redistill compare a/math b/math a/aime b/aime --grader verify,rllm
  redistill compare bench-a bench-b --list flips.jsonl
  redistill compare plain concise --differ-in instruction
  redistill compare a b --plan plan.json && echo "ship it"`;

interface CompareFlags extends Record<string, unknown> {
  list?: string;
  json?: boolean;
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('Says whether one evaluation is better than another, in one sentence and an exit code.')
    .argument('<A B...>', 'folders of evaluations: before and after, and further pairs')
    .option('--list <file>', 'write the problems that were gained and lost, as JSON lines')
    .option('--json', 'print all numbers as JSON');
  addSettings(command, compareSettings);
  return command.addHelpText('after', DETAILS).action((folders: string[], flags: CompareFlags) => {
    const { grader, differ_in: differIn, plan } = settingsFrom(compareSettings, flags, {}, 'compare');
    const pairs = pairsOf(folders);
    const { list } = flags;
    if (list !== undefined) {
      const read = pairs.flatMap(({ before, after }) => [...before, ...after]);
      refuseOverInputs([list], [...read, ...(plan === undefined ? [] : [plan])]);
    }
    const graders = gradersIn(grader);
    const { flips, ...comparison } = inFlags(() =>
      compareEvaluations({ pairs, differIn, graders, plan: plan === undefined ? undefined : readPlan(plan) }),
    );
    for (const warning of comparison.warnings) printError(`warning: ${warning}\n`);
    if (list !== undefined) {
      using output = new LinesOut(list);
      output.emit(flips);
    }
    const found = { ...comparison, flips };
    if (flags.json) printJson({ verdict: verdictOf(found), ...comparison });
    else print(`${describeComparison(found)}\n`);
    throw new ExitCode(EXIT_CODES[comparison.finding]);
  });
}

/** @throws what `work` throws, with settings called by their flags */
function inFlags<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) error.message = withFlags(error.message, compareSettings);
    throw error;
  }
}

function pairsOf(folders: readonly string[]): ComparedPair[] {
  if (folders.length % 2 === 1)
    throw new UserError(
      `compare takes folders in pairs, before and after; there ${folders.length === 1 ? 'is one' : `are ${folders.length}`}.`,
    );
  const pairs: ComparedPair[] = [];
  for (let i = 0; i < folders.length; i += 2)
    pairs.push({ before: folders[i]!.split(','), after: folders[i + 1]!.split(',') });
  return pairs;
}
