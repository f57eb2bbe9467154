/** @file The command `collect`. */
import type { Command } from 'commander';
import { collectStage } from '../pipeline/stages/collect.js';
import { stageCommand } from './stageCommand.js';

export function collectCommand(): Command {
  return stageCommand('collect', collectStage, {
    out: 'the folder of traces.jsonl, summary.json and the journal',
    stopped: 'stopped; run the same command again to go on: what has arrived is kept in OUT',
    details: `Stop it at any time, however hard: the same command resumes it, without losing or repeating a trace. With a larger
-k it asks for what is missing. traces.jsonl is written at the end, one row a problem with the fields of OpenR1-Math-Raw.
Problems whose requests fail for good are listed in failed.jsonl and tried again by the next run. Requests that are under
way when a budget is used up are still finished and kept.

Example:
  redistill collect problems.jsonl --base-url http://127.0.0.1:8000/v1 --model deepseek-r1 --out traces -k 4
  redistill collect problems.jsonl --model ./student --instruction '' --temperature 0.8 --max-tokens 512 --out own -k 4
  redistill collect problems.jsonl --model ./student --prompt prompts/four-shot.yaml --out shots -k 4
  redistill collect problems.jsonl --base-url https://api.example.com/v1 --model r1 --api-key-env EXAMPLE_KEY \\
    --out traces --until-right 8 --price-in 0.55 --price-out 2.19 --max-cost 20`,
  });
}
