/** @file The command `rewards`. */
import type { Command } from 'commander';
import { advantageRules } from '../rewards/advantages.js';
import { rewardsStage } from '../pipeline/stages/rewards.js';
import { stageCommand } from './stageCommand.js';

export function rewardsCommand(): Command {
  const rules = Object.entries(advantageRules).map(([name, { formula }]) => `  ${name.padEnd(9)}${formula}`);
  return stageCommand('rewards', rewardsStage, {
    variadic: true,
    out: 'the file of rows of sequences',
    stopped: 'stopped; nothing was written',
    details: `Advantages, of the rewards r of a problem's samples:
${rules.join('\n')}

Each sequence has "correct", "reward", "advantage", "pass_rate", "baseline" and "value" among its scalars, which objectives such as
grpo, nft, topr, dro, s2r and a2po read. docs/data.md has the formulas.

Example:
  redistill rewards samples/traces.jsonl --out groups.jsonl
  redistill rewards samples/traces.jsonl --advantage dapo --overlong 4096 --out groups.jsonl
  redistill rewards scored.jsonl --unlikely 0.25 --advantage dr-grpo --out groups.jsonl`,
  });
}
