/** @file Makes docs/objectives.md, which `redistill train --help objectives` prints too, of the registry of objectives. */
import {
  createObjective,
  objectiveDefinitions,
  type ColumnShape,
  type Objective,
} from '../objectives/index.js';
import { defaultInWords, describeKeys } from '../recipe/describe.js';

const INTRODUCTION = `# Objectives

<!-- Made by \`npm run docs\` of the definitions in src/objectives. -->

What \`train\` minimises, by the \`name\` of a recipe's \`objective\`. ℓ or logp is the log-prob of a response's token; S = Σ w·ℓ and N = Σ|w| over its tokens
with their weights w, M = S/N; μ is the policy that has written the response, π_ref the reference; sg has no gradient, and σ is the logistic function.

**Signed weighted fine-tuning** (\`weighted-sft\`) is the base operation: a row's \`weight\`, that of a part and that of a token multiply, and may be
negative. Where an objective's weights are known before the forward pass, it costs what fine-tuning costs. All others pay one more pass over the head. One that
couples a row or the whole step pays a second forward pass where these do not fit into a pack, and never more memory than a pack.

**Terms.** \`objective: [sft, { name: dpo, weight: 0.1 }, { name: kl, weight: 0.1, roles: [chosen], segments: [0] }]\` adds objectives up. A term
sees the responses of its \`roles\` and the tokens of its \`segments\`, and is normalised by what it sees; \`by\` names a column of tokens that their weights are multiplied by, or with
\`highest: 20\` one of whose highest numbers alone count. RDPO is \`dpo\` and \`sft\` on a rationale's role,
CPO-SimPO is \`simpo\` and \`sft\`; masked forms, InT's, PODA's and CURE's among them, are in docs/training.md.

**Columns.** What an objective needs besides log-probs stands in the rows (docs/data.md): numbers of a response in \`scalars\`, of its tokens or segments in
\`columns\`, and so do token ids that the model is read at in the place of a response's token: a teacher's likeliest with their log-probs ν, or named ones, as verdicts are.
A row that lacks one is refused with file and line. \`reference\` is scored before training. The sides of a pair have the \`reward\` 1 and −1, and
\`"label": true\` is the reward 1, where a row gives none; a reward above 0 means right.`;

const DATA: Record<Objective['data'], string> = {
  messages: 'one response a row, of a pair the chosen side',
  pairs: 'pairs',
  groups: 'every response of any row',
};

const SHAPES: Record<ColumnShape, string> = {
  sequence: 'one a sequence',
  token: 'one a token',
  segment: 'one a segment',
  'top-k': 'token ids with log-probs, for each token that is trained',
  named: 'token ids that are named',
};

/** docs/objectives.md. */
export function objectivesPage(): string {
  const sections = Array.from(objectiveDefinitions.values(), ({ name, about, parameters }) => {
    const objective = createObjective({ name });
    const { formula, data, needs, couples } = objective;
    const columns = Object.entries(needs).map(([column, shape]) => `\`${column}\` (${SHAPES[shape]})`);
    const keys = describeKeys(parameters).map(
      ({ path, type, text, default: initial }) =>
        `  * \`${path[0]!}\` [${defaultInWords(initial)}]: ${text}; ${type}`,
    );
    return [
      `## ${name}\n`,
      `    ${formula}\n`,
      `* Learns from: ${DATA[data]}`,
      `* Needs: ${columns.join(', ') || 'nothing'}`,
      `* Couples: ${objective.weights === undefined ? couples! : 'nothing; its weights are known beforehand'}`,
      `* Gradient of a token: ${about.gradient}`,
      `* Source: ${about.source}`,
      `* Use it ${about.use}`,
      `* How it fails: ${about.fails}`,
      ...(keys.length > 0 ? ['* Parameters [default]:', ...keys] : []),
    ].join('\n');
  });
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}
