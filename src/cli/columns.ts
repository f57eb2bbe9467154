/** @file The command `columns`. */
import type { Command } from 'commander';
import { columnsStage } from '../pipeline/stages/columns.js';
import { stageCommand } from './stageCommand.js';

export function columnsCommand(): Command {
  return stageCommand('columns', columnsStage, {
    out: 'the file of rows',
    stopped: 'stopped; OUT was not written, and the same command goes on where it was',
    details: `Writes each row as sequences of token ids (docs/data.md), with a number for each token of a response in "columns", under the
name of --as; columns that are there stay. An objective that needs a column says so in \`redistill train --help objectives\`.
The numbers are kept in the cache by model, tokens and precision, so another model, template or row makes others.

A context is another prompt for the same tokens: \`hindsight\` shows the model a right response of the row, another one where
there is one. A file is a Jinja template over the row's fields, "question", "response", "role" and "right"; what it writes
takes the place of the prompt's last message.

With --base-url an endpoint is asked for "prompt_logprobs" of token ids, which vLLM gives: --model is its name there, and --tokenizer
the student. What it answers is aligned token by token, or refused.

Example:
  redistill columns pairs.jsonl --model ./student --as hindsight --context hindsight --out hindsight.jsonl
  redistill columns samples.jsonl --model ./teacher --tokenizer ./student --as teacher --out distil.jsonl
  redistill columns samples.jsonl --model ./teacher --tokenizer ./student --read top-k --as teacher_topk --out gkd.jsonl
  redistill columns samples.jsonl --base-url http://127.0.0.1:8000/v1 --model big --tokenizer ./student --as teacher --out distil.jsonl
  redistill columns samples.jsonl --model ./student --read " yes, no" --as verdicts --out verdicts.jsonl
  redistill columns pairs.jsonl --model ./right --contrast-with ./wrong --read contrast --as contrast --out cdpo.jsonl`,
  });
}
