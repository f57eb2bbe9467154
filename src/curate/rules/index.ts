/** @file Lists the curation rules. Nothing else knows their names. */
import { ablation } from './ablation.js';
import { redi } from './redi.js';
import type { CurationRule } from './rule.js';

const rules = [redi, ablation] as const;
const known: readonly CurationRule[] = rules;

export type RuleName = (typeof rules)[number]['name'];

export const ruleNames: readonly RuleName[] = rules.map(({ name }) => name);

/** Files that only some rules write, without their ending. */
export const filesOfRules: readonly string[] = known.flatMap(({ files = [] }) => files);

export function ruleNamed(name: RuleName): CurationRule {
  return known.find((rule) => rule.name === name)!;
}
