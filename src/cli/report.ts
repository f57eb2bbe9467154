/** @file The command `report`. */
import { Command } from 'commander';
import type { PlacedChunk, PlacedTraces, Report } from '../report/index.js';
import { print } from '../util/output.js';
import { refuseOverInputs } from '../util/overlap.js';
import type { Progress } from '../util/progress.js';
import { longWork } from './interrupt.js';
import { printJson, repeated } from './output.js';

const DETAILS = `
Everything in and under the folders is shown: the line of stages of a run with its counts, curves of trainings (several seeds as one with a band),
evaluations of the same problems side by side with every answer, and comparisons; where nobody has compared, each evaluation is compared with the
first. The page is one file that opens without network, from a disk or a mail. It is made of files alone: no model and no libtorch are needed.

Right and wrong responses of a problem stand side by side, with the fate of each row from collection to training. Their tokens have colours where
stages \`columns\` or \`score\` (with tokens) of curated rows lie in the folders, or files of \`redistill columns\` are named:
  redistill columns runs/quickstart/own/pref.jsonl --model smollm2-135m --as before --out before.jsonl
  redistill report runs/quickstart --columns before.jsonl
Texts beyond some 60 MB are left out, which the page says. Rows are read from what is named here alone: files elsewhere that records name (the
traces that were curated) are read where they are named too:
  redistill report runs/curated downloads/traces.jsonl

Example:
  redistill report runs/quickstart
  redistill report runs/redi runs/sft runs/after-redi runs/after-sft --out compare.html
  redistill report runs/quickstart --text`;

interface Flags {
  out: string;
  columns?: string[];
  all?: boolean;
  text?: boolean;
  json?: boolean;
}

export function reportCommand(): Command {
  return new Command('report')
    .description('Make a page of runs and evaluations: curves, answers side by side, verdicts.')
    .argument(
      '<path...>',
      'folders of runs, trainings or evaluations; files of rows that their records name from elsewhere',
    )
    .option('--out <file>', 'the page', 'report.html')
    .option(
      '--columns <file>',
      'rows with numbers of their tokens, of `redistill columns`; may be repeated',
      repeated,
    )
    .option('--all', 'put in all rows and texts, however large that makes the page')
    .option('--text', 'print it as text instead')
    .option('--json', 'print all but the answers as JSON instead')
    .addHelpText('after', DETAILS)
    .action(async (paths: string[], { out, columns = [], all = false, text, json }: Flags) => {
      const { readReport, reportAsText, singleResults, writeReportPage } = await import('../report/index.js');
      // A stage's folder is known by its digest; in that of a whole run there is room beside its stages.
      if (!text && !json) refuseOverInputs([out], [...singleResults(paths), ...columns]);
      const { report, chunks } = await readReport(paths, { columns, all });
      if (json) printJson(report);
      else if (text) print(`${reportAsText(report)}\n`);
      else {
        await longWork('report', 'stopped; nothing was written', (progress) =>
          writeReportPage(report, watched(chunks(), report, progress), out),
        );
        print(`${out}\n`);
      }
    });
}

/** The same chunks, told to the person who waits. */
function* watched(
  chunks: Iterable<PlacedChunk | PlacedTraces>,
  { evaluations, traces = [] }: Report,
  progress: Progress,
): Generator<PlacedChunk | PlacedTraces> {
  const all = [...evaluations.map(({ problems }) => problems), ...traces.map(({ rows }) => rows)];
  const total = all.reduce((sum, part) => sum + part.chunks.length, 0);
  let done = 0;
  for (const chunk of chunks) {
    yield chunk;
    progress.update(++done, total, 'packing texts');
  }
}
