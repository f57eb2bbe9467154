/** @file Makes docs/studies.md of the schema of a study. Writes no files. */
import { keysTable } from '../pipeline/reference.js';
import { studySettings } from './settings.js';

const PAGE = `# Studies

<!-- Made by \`npm run docs\` of src/study. Change that, not this page. -->

\`redistill study recipe.yaml\` compares objectives, settings, data or prompts: every **arm** is trained with every seed from the same start, evaluated on
the same problems, and compared with the control arm. recipes/sign-study.yaml is a whole one.

\`\`\`yaml
out: runs/which
seeds: [1, 2, 3]
control: more-sft
model: '@student'                 # what an arm is judged by
shared:                           # once, for all arms
  - { name: base, stage: get, model: smollm2-135m }
stages:                           # for every arm and seed
  - { name: student, stage: train, model: '@base', data: pairs.jsonl, batch_size: 8 }
tune:                             # each arm is tried with each of these, by the first seed
  - student: { optimizer: { lr: 3.0e-6 } }
  - student: { optimizer: { lr: 1.0e-5 } }
development:                      # where the better one is chosen
  dev: { data: problems.jsonl, count: 300, grader: verify:anchored }
tests:                            # where arms are compared
  held-out: { data: problems.jsonl, skip: 300, count: 400, grader: verify:anchored }
arms:
  - { name: more-sft, patch: { student: { objective: sft, epochs: 2 } } }
  - { name: redi, patch: { student: { objective: { name: redi, alpha: 0.8 } } } }
  - { name: before, patch: { student: null }, model: '@base', tune: [{}] }
\`\`\`

**Arms** are patches of \`stages\` and of the evaluations: parts are merged key by key, a part with a \`name\` of its own (an objective) replaces the other, null
takes a key out, and null in the place of a stage leaves the stage out. So arms may differ in data, prompts or decoding as well as in the objective.
Of an evaluation an arm may change decoding and prompts, not the problems, the graders or the model, and no arm leaves one out: the others are compared with it.
\`@name\` in \`stages\` means the arm's own stage of that name, or one of \`shared\`. Each seed is put into every stage of an arm that takes one. Stages and their keys are
those of [recipes](recipes.md); what runs is an ordinary pipeline in \`runs/\` of the study's folder, where arm \`redi\`, setting 2, seed 1 has the
stage \`redi-c2-s1-student\`. A study that was stopped goes on when the same command is given again; \`--plan\` says what would run.

**Nothing is compared early.** Settings are chosen by accuracy on \`development\` alone, the first of equal ones; \`tests\` are evaluated after that, and tables are printed
when every arm has every seed. A problem whose text a stage \`collect\` asks for training does not count anywhere, and one that settings are chosen by does not count in tests; how many that
are is said. A test that this leaves without problems is refused before anything runs, where its file is there.

**What is printed**, and written into study.json: for each test pass@1 of all seeds together (± the standard error over problems) and of each seed; the difference
from the control, paired by problem, for each seed and over seeds; accuracy by the number of operations, where rows have an \`equation\` or a worked solution with calculator marks. The interval over seeds is the wider
of two: that of problems as a sample, clustered over seeds, and Student's t of the seeds' differences with S − 1 degrees of freedom; the p-value is the larger of
the two, adjusted over the arms of a test by Holm. Tokens trained are those of all training stages of an arm, prompts included; arms with more than a tenth more or less than the control are named
as not of equal compute. curves.csv has every step of every run, curves.svg the log-probs a token of both sides.

## Keys

`;

/** The whole page. */
export const studiesPage = (): string => `${PAGE}${keysTable(studySettings)}\n`;
