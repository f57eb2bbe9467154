/** @file Makes docs/benchmarks.md of the tasks and protocols that come with redistill. Writes no files. */
import { taskNames, manifestOf, protocols } from './tasks.js';

const INTRODUCTION = `# Benchmarks

<!-- Made by \`npm run docs\` of src/benchmarks/reference.ts and tasks/. -->

\`redistill benchmark MODEL --tasks math500,svamp --out DIR\` has a model answer the problems of several tasks and puts the results into one table. Each task is the stage \`evaluate\` with
a folder of its own, \`DIR/tasks/NAME\`: it is resumable, \`compare\` reads it, and \`evaluate --regrade\` grades it again without a model.

A **task** is a manifest in YAML. Those below come with redistill; one of your own is named by its path.

\`\`\`yaml
about: what it is, in a line
data: problems.jsonl        # beside the manifest; or file: NAME, in the folder that --task-data names
problem_field: question     # where it is not "problem" or "question"
answer_field: target        # where it is not "answer" or a "solution" with ####
by: [subject, level]        # fields of the rows by which the result is divided
instruction: 'Put your final answer within \\boxed{}.'   # or prompt: FILE.yaml, or prompts: [FILE.yaml, …]
grader: [verify, rllm]      # the first one counts; responses about which they disagree are in disagreements.jsonl
grader_field: grader        # the field of a row that names its own grader, in place of the first
protocol: redi              # how responses are drawn where the keys below do not say
samples: 4                  # responses a problem, and how they are drawn
sampling: { temperature: 0.7, max_tokens: 4096 }
\`\`\`

Files in it are counted from the manifest. A **protocol** says how responses are drawn, whatever the task, and goes before what tasks say; flags go before both. Without \`--protocol\` what a task
does not say is as its own \`protocol\` has it, or \`greedy\`. A folder belongs to one model and one way of asking: what another one has left there is refused, never replaced. \`redistill compare A B\` compares two such
folders task by task.

**Several prompts** of a task (\`prompts\` in its manifest, or \`--prompts A.yaml,B.yaml\` for all tasks) are rows of their own, \`svamp-a\` and \`svamp-b\`; a line gives the task's mean over them with its
error over problems, and the range of the prompts. In the average the task counts once. \`--prompts\` goes before a protocol's instruction; a task's own \`prompts\` do not, nor before \`--prompt\`,
\`--instruction\` and \`--system\`: the task is then asked once.`;

const DATA = `The problems of AIME, AMC, Minerva, OlympiadBench and the whole test split of GSM8K are no part of redistill: those who made them have not said that they may be passed on, or they are large. The files
are in \`rllm/rllm/data/test/math/\` of the GitHub repository Tim-Siu/reinforcement-distillation, under the names in the table; \`--task-data\` names the folder. MATH-500 and SVAMP come along, with their
licences (examples/).`;

/** The whole page. */
export function benchmarksPage(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const tasks = taskNames().map((name) => {
    const { about, data, file, by = [] } = manifestOf(name);
    const where = file === undefined ? data!.replace('../', '') : `--task-data: ${file}`;
    return `| \`${name}\` | ${cell(about)} | \`${where}\` | ${by.join(', ') || '–'} |`;
  });
  const ways = Object.entries(protocols).map(
    ([name, keys]) => `**\`${name}\`**\n\n\`\`\`json\n${JSON.stringify(keys, null, 2)}\n\`\`\``,
  );
  return `${[
    INTRODUCTION,
    '## Tasks',
    ['| name | what it is | problems | divided by |', '| --- | --- | --- | --- |', ...tasks].join('\n'),
    DATA,
    '## Protocols',
    ...ways,
  ].join('\n\n')}\n`;
}
