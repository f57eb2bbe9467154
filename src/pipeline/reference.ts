/** @file Makes docs/recipes.md of the stages' schemas and the registry of objectives. Writes no files. */
import { createObjective, objectiveDefinitions } from '../objectives/index.js';
import { defaultInWords, describeKeys, type KeyDescription } from '../recipe/describe.js';
import type { z } from 'zod';
import { stageKinds, type StageKind } from './stages/index.js';
import type { StageDefinition } from './stages/stage.js';

const INTRODUCTION = `# Recipes

<!-- Made by \`npm run docs\` of the schemas in src/. Change those, not this page. -->

A recipe is a YAML file with a list of stages. \`redistill run recipe.yaml\` walks them in order; a stage whose settings, inputs
and outputs are what they were is skipped, also where an input is not there any more, and one that was stopped is gone on with.

\`\`\`yaml
out: runs/mine                    # the folder of the run; each stage has a folder of its own in it
stages:
  - { name: student, stage: get, model: smollm2-135m }
  - name: pairs
    stage: curate
    data: traces.jsonl
    model: '@student'             # what the stage "student" left
    verdicts: mv
    max_tokens: 200
    length_filter: false
  - name: redi
    stage: train
    model: '@student'
    data: '@pairs/pref.jsonl'     # a file in the folder that the stage "pairs" left
    objective: { name: redi, alpha: 0.8 }
    optimizer: { lr: 1.0e-6 }
\`\`\`

Every stage has a \`name\` (lower-case letters, digits, hyphens), a \`stage\`, which is its kind, and the keys of that kind. Each
kind but \`choose\` is the command of the same name with the same settings: \`max_tokens\` here is \`--max-tokens\` there, and the keys of a part
such as \`sampling\` are flags of their own. A text that begins with \`@@\` is that text with one \`@\`. \`--set stages.redi.optimizer.lr=1e-5\` overrides a key; YAML's anchors and merge keys
(\`<<: *name\`) work. \`redistill train recipe.yaml\` takes the keys of \`train\` at the top of a file, with \`out\`.

**Paths** count from the current folder, and where nothing is there from the recipe's own folder, so that a recipe finds the
files beside it wherever it is started. Where both folders have one of that name, and not the same, the recipe is refused: write
the whole path. \`out\` always counts from the current folder. Files, models, references and graders are looked for before the
first stage runs, and all that is wrong is said at once, with its line.

**On the command line** \`--set 'stages.redi.objective=simpo'\` replaces a part (\`objective: simpo\` is short for
\`{ name: simpo }\`), \`--set '~stages.redi.objective.alpha'\` takes a key out, and \`--set 'stages.samples.instruction=""'\` sets
the empty text. A recipe named \`-\` is read from standard input. It is one document of plain values: no tags, at most 1 MB.

**Layouts** say how a conversation becomes tokens. \`template\` renders one text by the model's chat template and cuts it after the
token that ends the response's turn, which is trained: what \`generate\`, \`evaluate\` and other servers continue. \`redi\` is that of
the REDI paper's code (arXiv 2505.24850): prompt and response are tokenised apart, and the response is all that the template writes
after the prompt, such as the end of the turn and a line break, with the end-of-text token after it; in supervised fine-tuning it is
one text in which that last token is not trained. A model that was trained in one layout is best continued in the same.

**Names in results.** Settings and summaries (\`summary.json\`) write \`pass_at_1\`; \`metrics.jsonl\` has TRL's names
(\`logps/chosen\`, \`rewards/margins\`), traces have OpenR1's (\`generations\`, \`correctness\`). An evaluation's \`summary.json\`
says under \`evaluation\` which version, model, data (with a digest) and sampling made it, and has null for what cannot be known.
`;

/** The whole page. */
export function recipesPage(): string {
  const kinds = Object.entries(stageKinds) as [StageKind, StageDefinition<unknown, unknown>][];
  const sections = kinds.map(([kind, { summary, schema, result }]) =>
    [`## ${kind}`, summary, `\`@name\` is ${RESULTS[kind] ?? placeOf(result)}.`, keysTable(schema)].join(
      '\n\n',
    ),
  );
  return `${[INTRODUCTION.trimEnd(), ...sections, objectivesSection()].join('\n\n')}\n`;
}

const RESULTS: Partial<Record<StageKind, string>> = {
  get: "a link to the model's directory",
  train: "the trained model's directory",
  choose: "a link to the chosen model's directory",
  table: 'the table as a text file',
  compare: 'the comparison as a text file, whose last line is the verdict',
};

/** What the stage leaves, told by its path in a folder. */
function placeOf(result: StageDefinition<unknown, unknown>['result']): string {
  const path = result(undefined, 'DIR');
  return path === 'DIR' ? 'the folder of its files' : `its file \`${path.replace('DIR/', '')}\``;
}

/** The keys of a schema as a table in Markdown. */
export function keysTable(schema: z.ZodType): string {
  const rows = describeKeys(schema).map((key) => [
    `\`${key.path.join('.').replace('.[]', '[]')}\``,
    typeOf(key),
    key.required ? 'required' : key.default === undefined ? '' : `\`${defaultInWords(key.default)}\``,
    key.text,
  ]);
  return markdownTable(['key', 'type', 'default', 'what it is'], rows);
}

/** The keys of a part are rows of their own. */
const typeOf = ({ kind, type }: KeyDescription): string => (kind === 'part' ? 'keys below' : type);

const MODULES = `## Modules of your own

\`objective: { module: ./mine.js, push: 0.3 }\` takes what the file exports by default or as \`objective\`, made with \`defineObjective\` of
\`redistill/objectives\`; the keys beside \`module\` are its parameters. \`grader: [verify, { module: ./grader.js }]\` takes a function, by default or as
\`grader\`, from \`{ golds, response, cutOff }\` to \`{ correct, extracted }\`; its grades stand under the file's name. README.md has an example of
each. A path is looked for as that of data is. **A module is code that runs with all that you may do.** It may be any file that this Node can
import: TypeScript from Node 22.18. A stage runs again when the file has changed, or one beside it that it imports; packages are not looked at.`;

function objectivesSection(): string {
  const rows = Array.from(objectiveDefinitions.values(), ({ name, parameters }) => {
    const keys = describeKeys(parameters).map(
      ({ path, type, text, default: initial }) =>
        `\`${path[0]!}\` [${defaultInWords(initial)}]: ${text}, ${type}`,
    );
    return [`\`${name}\``, createObjective({ name }).formula, keys.join('; ')];
  });
  return [
    '## Objectives',
    'What `train` minimises, by the `name` of `objective`; formulas at the default parameters. docs/objectives.md says what each needs, where it is from, when to use it and how it fails. `objective: [sft, { name: kl, weight: 0.1 }]` adds terms up.',
    markdownTable(['name', 'formula', 'parameters [default]'], rows),
    MODULES,
  ].join('\n\n');
}

function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), `| ${heading.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
