/** @file Holds the settings of `curate`: one schema for the command, the recipe stage and the documentation. */
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { rediLimits } from './lengths.js';
import { curationRules, defaultRule, ruleNamed, ruleNames, type RuleName } from './rules/index.js';
import { orders, rankings } from './selection.js';
import { verdictSources } from './verdictSources.js';

const path = z.string().min(1);
const count = z.int().positive();

function describeRules(): string {
  return curationRules.map(({ name, summary }) => `${name} (${summary})`).join(', ');
}

const shape = {
  data: z.union([path, z.array(path).min(1)]).describe('files of trace rows: JSON lines or Parquet'),
  rule: z
    .enum(ruleNames)
    .optional()
    .describe(
      `what becomes of a row, by default ${defaultRule} or the rule whose own setting is given: ${describeRules()}`,
    ),
  verdicts: z.enum(verdictSources).default('LandMV').describe('which verdicts make a trace right'),
  model: path.optional().describe('the student, whose tokenizer counts tokens'),
  length_filter: z
    .boolean()
    .default(true)
    .describe('leave out pairs whose prompt or responses are too long; needs "model"'),
  length_count: z
    .enum(['paper', 'content'])
    .default('paper')
    .describe('how the length filter counts: as the paper does, or the texts alone'),
  max_prompt_tokens: count.default(rediLimits.prompt).describe('the longest prompt of a pair'),
  max_response_tokens: count.default(rediLimits.response).describe('the longest response of a pair'),
  limit_sft: z
    .boolean()
    .default(false)
    .describe('apply the length filter to D_SFT as well: rows that are too long are dropped'),
  chosen: z.enum(orders).default('first').describe('which right trace is taken first'),
  pairs: z
    .union([count, z.enum(['balanced', 'all'])])
    .default(1)
    .describe('pairs a problem at most, or as many as the rarer label has traces (balanced), or all'),
  match_length: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'pair traces whose lengths differ by at most this share of the longer one (rule matched, there 0.25 by default)',
    ),
  max_tokens: count
    .optional()
    .describe('leave out traces that have more tokens with their prompt, before any choice; needs "model"'),
  shortest_pairs: count
    .optional()
    .describe('only so many pairs, those with the fewest tokens; needs "model"'),
  normalize_answers: z
    .boolean()
    .default(false)
    .describe('turn a last line "A: 18" or "#### 18" into "The answer is 18"'),
  min_cv: z
    .number()
    .min(0)
    .optional()
    .describe('only problems whose verdicts vary more than this (coefficient of variation, DeepDistill)'),
  keep: count.optional().describe('only so many problems, those that rank highest'),
  by: z.enum(rankings).default('hardest').describe('what "keep" ranks problems by'),
  duplicates: z
    .enum(['report', 'drop'])
    .default('report')
    .describe('repeated problems: report them, or drop all but the first'),
  decontaminate: z
    .array(path)
    .default([])
    .describe('evaluation sets; problems that share eight words in a row with them are reported'),
  drop_contaminated: z.boolean().default(false).describe('drop those problems; needs "decontaminate"'),
  seed: z.int().min(0).default(42).describe('seed of the order of rows and of random choices'),
};

const plain = z.strictObject(shape);

/** All settings of `curate` with their defaults. Combinations that cannot work are refused. */
export const curateSettings = plain.superRefine((settings, context) => {
  const message = impossibility(settings);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

export type CurateSettings = z.output<typeof plain>;

/** @throws UserError where settings exclude each other */
export function refuseImpossible(settings: CurateSettings): void {
  const message = impossibility(settings);
  if (message !== undefined) throw new UserError(message);
}

/** The files of trace rows. */
export function dataFiles({ data }: CurateSettings): readonly string[] {
  return typeof data === 'string' ? [data] : data;
}

/** The rule that is named, else the one whose own setting is given, else the paper's. */
export function ruleOf(settings: CurateSettings): RuleName {
  const owner = curationRules.find(({ settings: own = [] }) => own.some((key) => isChanged(settings, key)));
  return settings.rule ?? owner?.name ?? defaultRule;
}

/** Why the settings cannot work together, in one sentence. */
function impossibility(settings: CurateSettings): string | undefined {
  const changed = (names: readonly string[]) => names.filter((name) => isChanged(settings, name));
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

  const rule = ruleOf(settings);
  const foreign = curationRules.find(
    ({ name, settings: own = [] }) => name !== rule && changed(own).length > 0,
  );
  if (foreign)
    return `${quoted(changed(foreign.settings!))} belongs to the rule "${foreign.name}", not to "${rule}"`;
  const fixed = changed(ruleNamed(rule).fixes ?? []);
  if (fixed.length > 0) return `the rule "${rule}" fixes ${quoted(fixed)} itself; leave those options out`;
  if (settings.length_filter && settings.model === undefined)
    return '"length_filter" needs "model", the student whose tokenizer counts tokens; leave lengths alone with length_filter: false (--no-length-filter)';
  const aboutLengths = changed(['length_count', 'max_prompt_tokens', 'max_response_tokens', 'limit_sft']);
  if (!settings.length_filter && aboutLengths.length > 0)
    return `${quoted(aboutLengths)}: nothing is counted or limited while "length_filter" is off; leave the other length options out`;
  const [counting] = changed(['max_tokens', 'shortest_pairs']);
  if (counting !== undefined && settings.model === undefined)
    return `"${counting}" needs "model", the student whose tokenizer counts tokens`;
  if (settings.drop_contaminated && settings.decontaminate.length === 0)
    return '"drop_contaminated" needs "decontaminate", the evaluation sets';
  return undefined;
}

/** A setting that has its default counts as not given. */
function isChanged(settings: CurateSettings, name: string): boolean {
  const key = name as keyof typeof shape;
  const schema: z.ZodType = shape[key];
  const standard = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  return settings[key] !== standard;
}
