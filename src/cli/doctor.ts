/** @file The command `doctor`: the stage's examination, with views of rows. */
import { Command } from 'commander';
import { doctorStage, examineFile, requireHealthy } from '../pipeline/stages/doctor.js';
import { printSummary } from '../doctor/print.js';
import { showRows } from '../doctor/terminal.js';
import { FileReplacement, replaceTogether } from '../util/files.js';
import { print, printPainted, takesColours } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import { longWork } from './interrupt.js';
import { printJson, wholeNumber } from './output.js';
import { addSettings, settingsFrom } from './settings.js';
import { dataOf } from './stageCommand.js';

interface DoctorFlags extends Record<string, unknown> {
  show?: number;
  html?: string;
  out?: string;
  json?: boolean;
}

/** Rows on the page when `--show` does not say how many. */
const PAGE_ROWS = 20;

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description(doctorStage.summary)
    .argument('[data]', 'the same as --data')
    .option(
      '--show <n>',
      'print n rows with the trained tokens coloured, those with problems first',
      wholeNumber(1),
    )
    .option('--html <file>', `write the same as a page, with ${PAGE_ROWS} rows unless --show says`)
    .option('--out <file>', 'write the verdict on every row as JSON lines')
    .option('--json', 'print the summary as JSON');
  addSettings(command, doctorStage.schema);
  return command
    .addHelpText(
      'after',
      `
Ends with 1 where something would spoil training, and with 0 where there is nothing, or only warnings. Lines that are not
rows are findings like others. A verdict: {"line", "verdict": "ok" | "warning" | "error", "problems": [{"code", "severity",
"detail"}], "tokens": [{"role", "prompt", "trained"}], "fate": "fits" | "dropped"}.

Example:
  redistill doctor pairs.jsonl --model ./student
  redistill doctor pairs.jsonl --model ./student --against math500.jsonl --show 3 --html doctor.html`,
    )
    .action(async (data: string | undefined, flags: DoctorFlags) => {
      const settings = settingsFrom(doctorStage.schema, flags, dataOf('doctor', data, flags), 'doctor');
      const outputs = [flags.out, flags.html].filter((path) => path !== undefined);
      refuseOverInputs(outputs, doctorStage.inputs(settings));
      using verdicts = flags.out === undefined ? undefined : new FileReplacement(flags.out);
      using page = flags.html === undefined ? undefined : new FileReplacement(flags.html);
      const show = flags.show ?? (flags.html === undefined ? 0 : PAGE_ROWS);
      const examination = await longWork('doctor', 'stopped; nothing was written', (progress, signal) =>
        examineFile(settings, { verdicts, show }, progress, signal),
      );
      if (page !== undefined) {
        const { htmlPage } = await import('../doctor/page.js');
        page.write(htmlPage(examination));
      }
      replaceTogether([verdicts, page].filter((file) => file !== undefined));
      if (flags.json) printJson(examination.summary);
      else {
        if (flags.show !== undefined) printPainted(`${showRows(examination.shown, takesColours())}\n`);
        print(printSummary(examination.summary));
      }
      requireHealthy(settings, examination.summary);
    });
}
