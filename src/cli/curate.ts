/** @file The command `curate`. */
import type { Command } from 'commander';
import { curateStage } from '../pipeline/stages/curate.js';
import { stageCommand } from './stageCommand.js';

export function curateCommand(): Command {
  return stageCommand('curate', curateStage, {
    variadic: true,
    out: 'the folder of sft.jsonl, pref.jsonl, dropped.jsonl and summary.json',
    stopped: 'stopped; nothing was written into OUT',
    details: `The rule "redi" is that of the REDI paper: the first right trace of a problem for D_SFT, and with the first other one a
pair for D_Pref, if prompt and answers are short enough. docs/data.md has every rule and the fields of all files.

Example:
  redistill curate traces.jsonl --model ./student --out curated
  redistill curate traces.jsonl --verdicts mv --model ./student --match-length 0.25 --out curated
  redistill curate traces.parquet --no-length-filter --decontaminate math.json aime.json --out curated`,
  });
}
