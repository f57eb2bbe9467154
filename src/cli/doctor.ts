import { Command, Option } from 'commander';
import type { ExamineOptions } from '../doctor/examine.js';
import { FileReplacement, writeFileAtomic } from '../util/files.js';
import { createProgress } from '../util/progress.js';
import { Interrupted, interruptible } from './interrupt.js';
import { printJson, wholeNumber } from './output.js';

interface DoctorFlags {
  model: string;
  layout: 'template' | 'redi';
  maxLength?: number[];
  against?: string[];
  show?: number;
  html?: string;
  out?: string;
  json?: boolean;
}

/** Rows on the page when `--show` does not say how many. */
const PAGE_ROWS = 20;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Look for what would spoil training: a verdict for every row, with the student’s tokenizer.')
    .argument('<file>', 'training rows: JSON lines of messages, or prompt/chosen/rejected')
    .requiredOption('--model <dir>', "the student's directory")
    .addOption(
      new Option('--layout <name>', 'how rows become tokens')
        .choices(['template', 'redi'])
        .default('template'),
    )
    .option(
      '--max-length <n...>',
      'tokens a row may have; the largest is the limit [what the model can take]',
      (text: string, before: number[] | undefined) => [...(before ?? []), wholeNumber(1)(text)],
    )
    .option(
      '--against <file...>',
      'problems that the student will be examined with: JSON lines or arrays, Parquet',
    )
    .option(
      '--show <n>',
      'print n rows with the trained tokens coloured, those with problems first',
      wholeNumber(1),
    )
    .option('--html <file>', `write the same as a page, with ${PAGE_ROWS} rows unless --show says`)
    .option('--out <file>', 'write the verdict on every row as JSON lines')
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Ends with 1 where something would spoil training, and with 0 where there is nothing, or only warnings. Lines that are no
rows are findings like others. A verdict: {"line", "verdict": "ok" | "warning" | "error", "problems": [{"code", "severity",
"detail"}], "tokens": [{"role", "prompt", "trained"}], "fate": "fits" | "dropped"}.

Example:
  redistill doctor pairs.jsonl --model ./student
  redistill doctor pairs.jsonl --model ./student --against math500.jsonl --show 3 --html doctor.html`,
    )
    .action(async (file: string, flags: DoctorFlags) => {
      const { openStudent } = await import('../train/preflight.js');
      const { loadEvaluationSets } = await import('../curate/decontaminate.js');
      const { examine } = await import('../doctor/examine.js');
      const { htmlPage } = await import('../doctor/page.js');
      const { printSummary } = await import('../doctor/print.js');
      const { hasErrors } = await import('../doctor/summary.js');
      const { showRows } = await import('../doctor/terminal.js');
      const { maxLength: limits } = flags;
      const against = await loadEvaluationSets(flags.against ?? []);
      const progress = createProgress('doctor');
      using out = flags.out === undefined ? undefined : new FileReplacement(flags.out);
      const options: ExamineOptions = {
        student: openStudent(flags.model, { layout: flags.layout }),
        ...(limits && { limits }),
        against,
        show: flags.show ?? (flags.html === undefined ? 0 : PAGE_ROWS),
        onVerdict: (verdict) => out?.write(`${JSON.stringify(verdict)}\n`),
      };
      const examination = await interruptible((signal) =>
        examine(file, { ...options, signal }, progress).catch((error: unknown) => {
          throw signal.aborted ? new Interrupted('stopped; nothing was written') : error;
        }),
      ).finally(() => {
        progress.finish();
      });
      out?.commit();
      if (flags.html !== undefined) writeFileAtomic(flags.html, htmlPage(examination));
      if (flags.json) printJson(examination.summary);
      else {
        if (flags.show !== undefined)
          process.stdout.write(`${showRows(examination.shown, coloured(process.stdout))}\n`);
        process.stdout.write(printSummary(examination.summary));
      }
      if (hasErrors(examination.summary)) throw new Error(`${file}: training on these rows would be spoilt`);
    });
}

function coloured(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env.NO_COLOR ?? '') === '';
}
