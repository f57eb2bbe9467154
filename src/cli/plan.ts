/** @file The command `plan`. */
import { Command } from 'commander';
import { describePlan, makePlan, planSettings, writePlan } from '../evaluate/plan.js';
import { UserError } from '../util/errors.js';
import { print } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import { printJson } from './output.js';
import { addSettings, settingsFrom, withFlags } from './settings.js';
import { dataOf } from './stageCommand.js';

interface PlanFlags extends Record<string, unknown> {
  out?: string;
  json?: boolean;
}

export function planCommand(): Command {
  const command = new Command('plan')
    .description('Computes how many problems, samples and seeds show a wanted difference, and freezes them.')
    .argument('[data]', 'the same as --data')
    .option('--out <file>', 'the plan, for `redistill compare --plan`; without it nothing is written')
    .option('--json', 'print the plan as JSON');
  addSettings(command, planSettings);
  return command
    .addHelpText(
      'after',
      `
Variances are those of two earlier evaluations (--before, --after; with several samples of each problem more can be said), or numbers. Make the plan before
the evaluations that it is for: what is not as planned is compared by always-valid intervals, which are wider.

Example:
  redistill plan problems.jsonl --effect 3 --before runs/pilot/a --after runs/pilot/b --out plan.json
  redistill plan examples/math-500/problems.json --effect 5 --between 0.03 --within 0.12 --seeds 5 --seed-deviation 0.8 --out plan.json`,
    )
    .action(async (data: string | undefined, flags: PlanFlags) => {
      const settings = settingsFrom(planSettings, flags, dataOf('plan', data, flags), 'plan');
      const { out } = flags;
      const earlier = [settings.before, settings.after].flatMap((dirs) => dirs?.split(',') ?? []);
      if (out !== undefined) refuseOverInputs([out], [settings.data, ...earlier]);
      const plan = await makePlan(settings).catch((error: unknown) => {
        if (error instanceof UserError) error.message = withFlags(error.message, planSettings);
        throw error;
      });
      if (out !== undefined) writePlan(out, plan);
      if (flags.json) printJson(plan);
      else print(`${describePlan(plan, out)}\n`);
    });
}
