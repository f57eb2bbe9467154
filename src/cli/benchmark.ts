/** @file The command `benchmark`. */
import { Command } from 'commander';
import { withPrompts } from '../benchmarks/prompts.js';
import { protocolNames, readTask, taskNames } from '../benchmarks/tasks.js';
import { evaluateSettings } from '../evaluate/evaluate.js';
import { UserError } from '../util/errors.js';
import { print, printError } from '../util/output.js';
import { longWork } from './interrupt.js';
import { printJson } from './output.js';
import { addSettings, givenBy } from './settings.js';

/** What tasks and protocols do not decide by themselves. */
const schema = evaluateSettings.omit({ data: true, problem_field: true, answer_field: true, model: true });

interface Flags extends Record<string, unknown> {
  tasks?: string;
  taskData?: string;
  protocol?: string;
  prompts?: string;
  out?: string;
  json?: boolean;
}

export function benchmarkCommand(): Command {
  const command = new Command('benchmark')
    .description('Evaluates a model on several tasks and puts the results into one table.')
    .argument(
      '<model>',
      "a model directory, a name that `models get` has fetched, or with --base-url the model's name",
    )
    .option('--tasks <names>', 'tasks by their names, or manifests by their paths, with commas')
    .option('--task-data <dir>', 'the folder of problems that do not come with redistill')
    .option(
      '--protocol <name>',
      'how responses are drawn, whatever tasks say: greedy, or redi as in arXiv 2505.24850; without it greedily, unless a task says otherwise',
    )
    .option(
      '--prompts <files>',
      'prompt files with commas, in the place of how tasks ask: each task is asked with each of them',
    )
    .option('--out <dir>', 'the folder of the results')
    .option('--json', 'print all numbers as JSON');
  addSettings(command, schema);
  return command
    .addHelpText('after', () => details())
    .action(async (model: string, flags: Flags) => {
      const { benchmark, describeBenchmark } = await import('../benchmarks/benchmark.js');
      const { tasks, taskData, prompts, out } = flags;
      if (tasks === undefined || namesIn(tasks).length === 0)
        throw new UserError('benchmark: --tasks is missing: say which (`--help` lists them)');
      if (out === undefined) throw new UserError('benchmark: --out is missing: say where the results go');
      const protocol = protocolNames.find((name) => name === flags.protocol);
      if (flags.protocol !== undefined && !protocol)
        throw new UserError(
          `there is no protocol "${flags.protocol}"; protocols are ${protocolNames.join(', ')}.`,
        );
      const given = givenBy(schema, flags);
      const asked = { protocol, given, prompts: prompts === undefined ? undefined : namesIn(prompts) };
      const options = {
        ...{ model, protocol, out, given },
        tasks: withPrompts(
          namesIn(tasks).map((task) => readTask(task, taskData)),
          asked,
        ),
      };
      const stopped = 'stopped; run the same command again to go on: what has arrived is kept';
      const result = await longWork('benchmark', stopped, (_, signal) =>
        benchmark(options, {
          signal,
          log: (line) => {
            printError(`${line}\n`);
          },
        }),
      );
      if (flags.json) printJson(result);
      else print(`${describeBenchmark(result)}\n`);
    });
}

const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const details = (): string => `
A task is a manifest: its problems, the fields of problem and answer, instruction, graders, and fields by which the result is
divided. A protocol that is named goes before what tasks say, and flags go before both. The flags' defaults are those of \`evaluate\`, which tasks
and protocols change. Problems without a licence to pass them on do not come along: --task-data names the folder that has them.
Tasks that come along: ${taskNames().join(', ')} (docs/benchmarks.md).

OUT has tasks/NAME, the evaluation of each (for \`compare\` and \`evaluate --regrade\`), benchmarks.txt and benchmarks.json, and in
disagreements.jsonl the responses about which the graders disagree. A task that is asked with several prompts (--prompts, or prompts in
its manifest) is a row with each, and a line says what its mean and its range over them are; in the average it counts once.

Example:
  redistill benchmark ./student --tasks math500,svamp --out bench
  redistill benchmark ./student --tasks math500,aime24,amc23 --task-data ./rllm-data --protocol redi --out redi
  redistill benchmark ./student --tasks svamp --prompts prompts/four-shot.yaml,./mine.yaml --out prompts
  redistill benchmark r1 --base-url http://127.0.0.1:8000/v1 --tasks ./mine.yaml --samples 4 --temperature 0.6 --out mine`;
