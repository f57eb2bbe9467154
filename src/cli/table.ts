/** @file The command `table`. */
import { basename, dirname } from 'node:path';
import { Command } from 'commander';
import { makeTable, tableStage } from '../pipeline/stages/table.js';
import { parseRecipe } from '../recipe/parse.js';
import { writeFileAtomic } from '../util/files.js';
import { UserError } from '../util/errors.js';
import { refuseOverInputs } from '../util/overlap.js';
import { print } from '../util/output.js';

interface TableFlags {
  against: string[];
  grader?: string;
  out?: string;
}

export function tableCommand(): Command {
  return new Command('table')
    .description(tableStage.summary)
    .argument('<NAME=DIR...>', "evaluations' folders, each with the short name of its row")
    .option('--against <name...>', 'rows that the others are compared with', [])
    .option('--grader <name>', 'whose verdicts count; without it those of the first grader')
    .option('--out <file>', 'write the table to a file as well')
    .addHelpText(
      'after',
      `
Differences are paired by problem, with their 95 % interval and the p-value of an exact sign-flip test.

Example:
  redistill table A=runs/x/before B=runs/x/after --against A`,
    )
    .action((entries: string[], { against, grader, out }: TableFlags) => {
      const rows = entries.map((entry) => {
        const equals = entry.indexOf('=');
        if (equals < 1) throw new UserError(`table: "${entry}" is not NAME=DIR, such as A=runs/x/before`);
        const evaluation = entry.slice(equals + 1);
        return { name: entry.slice(0, equals), label: labelOf(evaluation), evaluation };
      });
      const settings = { rows, against, ...(grader !== undefined && { grader }) };
      const parsed = parseRecipe(tableStage.schema, settings, 'table');
      const table = makeTable(parsed);
      if (out !== undefined) {
        refuseOverInputs([out], tableStage.inputs(parsed));
        writeFileAtomic(out, table);
      }
      print(table);
    });
}

/** The last two names of a path tell most. */
function labelOf(path: string): string {
  const parent = basename(dirname(path));
  return parent === '.' || parent === '' ? basename(path) : `${parent}/${basename(path)}`;
}
